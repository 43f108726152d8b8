// A member on npm ws or npm socket.io-client: says each line of its input, prints what it hears.
const readline = require('node:readline');

const [kind, url, room, name] = process.argv.slice(2);
const lines = (say) => readline.createInterface({ input: process.stdin }).on('line', say);

function overWebSocket() {
  const WebSocket = require('ws');
  const socket = new WebSocket(`${url.replace('http', 'ws')}/chat`, 'chat.v1');
  const tell = (message) => socket.send(JSON.stringify(message));
  let said = 0;
  socket.on('open', () => tell({ type: 'hello', name }));
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.type === 'welcome') tell({ type: 'join', room });
    if (message.type === 'joined') {
      console.log('ready');
      lines((text) => tell({ type: 'say', room, id: `${(said += 1)}`, text }));
    }
    if (message.type === 'message') console.log(`${message.from}: ${message.text}`);
    if (message.type === 'error') console.error(message.reason);
  });
  socket.on('error', (error) => console.error(error.message));
  socket.on('close', (code, reason) => console.error(`closed ${code} ${reason}`));
}

function overSocketIo(transports) {
  const { io } = require('socket.io-client');
  const socket = io(`${url}/chat`, { transports });
  const begin = () => socket.emit('joined', { name, room }, () => {
    console.log('ready');
    lines((msg) => socket.emit('text', { msg }));
  });
  socket.on('connect', () => {
    // With both transports: speak when the change from polling to WebSocket is done.
    if (transports.length > 1 && socket.io.engine.transport.name === 'polling') socket.io.engine.once('upgrade', begin);
    else begin();
  });
  socket.on('message', ({ msg }) => console.log(msg.replace(':', ': ')));
  socket.on('refused', ({ msg }) => console.error(msg));
  socket.on('connect_error', (error) => console.error(error.message));
  socket.on('disconnect', (reason) => console.error(`disconnected: ${reason}`));
}

if (kind === 'ws') overWebSocket();
else overSocketIo(kind === 'upgrade' ? ['polling', 'websocket'] : [kind]);
