// A room on npm socket.io, as its own chat example does it.
const { createServer } = require('node:http');
const { Server } = require('socket.io');

const server = createServer();
const io = new Server(server, { transports: ['websocket'] });
let sequence = 0;

io.of('/chat').on('connection', (socket) => {
  socket.on('joined', ({ room, name }) => {
    socket.data = { room, name };
    socket.join(room);
    socket.emit('status', { msg: `${name} has entered the room.` });
  });
  socket.on('text', ({ msg }) => {
    sequence += 1;
    io.of('/chat').to(socket.data.room).emit('message', { seq: sequence, msg: `${socket.data.name}:${msg}` });
  });
});

server.listen(Number(process.env.PORT), '127.0.0.1');
