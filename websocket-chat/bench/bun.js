// A room on Bun's own server (uWebSockets inside): publish to a topic reaches all but the sender, who is sent his own.
let sequence = 0;

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  fetch(request, server) {
    return server.upgrade(request, { data: {} }) ? undefined : new Response('a chat', { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    message(socket, data) {
      const message = JSON.parse(data);
      if (message.type === 'join') {
        socket.data = { room: message.room, name: message.name };
        socket.subscribe(message.room);
        socket.send(JSON.stringify({ type: 'joined', room: message.room }));
      } else if (message.type === 'say') {
        sequence += 1;
        const line = JSON.stringify({ type: 'message', seq: sequence, from: socket.data.name, text: message.text });
        socket.publish(socket.data.room, line);
        socket.send(line);
      }
    },
  },
});
