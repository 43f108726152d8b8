// A room on npm ws, written as its documentation suggests: one JSON message in, one to every member, in order.
const { WebSocketServer } = require('ws');

const rooms = new Map();
let sequence = 0;

const server = new WebSocketServer({ port: Number(process.env.PORT), host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  let members;
  let name;
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.type === 'join') {
      name = message.name;
      members = rooms.get(message.room) ?? new Set();
      rooms.set(message.room, members);
      members.add(socket);
      socket.send(JSON.stringify({ type: 'joined', room: message.room }));
    } else if (message.type === 'say' && members) {
      sequence += 1;
      const line = JSON.stringify({ type: 'message', seq: sequence, from: name, text: message.text });
      for (const member of members) member.send(line);
    }
  });
  socket.on('close', () => members?.delete(socket));
  socket.on('error', () => {});
});
