// The panel that shows the line: the server's reports about the handshake and the frames.
const ROWS = 200;
const KINDS = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

const frames = document.getElementById('frames');
const sum = document.getElementById('sum');
const pause = document.getElementById('pause');
let count = 0;
let bytes = 0;

document.getElementById('clear').addEventListener('click', () => {
  frames.replaceChildren();
  count = 0;
  bytes = 0;
  sum.textContent = '';
});

function row(frame) {
  const line = document.createElement('tr');
  line.className = frame.dir + (frame.opcode > 7 ? ' control' : '');
  const yes = (is) => (is ? 'yes' : '–');
  const texts = [
    frame.dir === 'in' ? '→ server' : '← client',
    KINDS[frame.opcode] ?? `opcode ${frame.opcode}`,
    yes(frame.fin), yes(frame.masked), yes(frame.compressed), String(frame.bytes), frame.payload,
  ];
  for (const [index, text] of texts.entries()) {
    const cell = document.createElement('td');
    cell.textContent = text;
    if (index === 5) cell.className = 'number';
    if (index === 6) cell.title = text;
    line.append(cell);
  }
  return line;
}

export function show({ handshake, frames: reported = [] }) {
  if (handshake) {
    document.getElementById('request').textContent = handshake.request.join('\n');
    document.getElementById('response').textContent = handshake.response.join('\n');
  }
  for (const frame of reported) {
    count += 1;
    bytes += frame.bytes;
    if (!pause.checked) frames.prepend(row(frame));
  }
  while (frames.rows.length > ROWS) frames.deleteRow(-1);
  if (count > 0) sum.textContent = `${count} frames, ${bytes.toLocaleString('en')} bytes of payload`;
}

// The last frame of a line can't be reported over that line; the page knows it from its own side. `ours`: this page
// began the closing.
export function showClose(code, reason, ours) {
  if (code === 1006) return showNote('no close frame: the line was cut');
  const words = new TextEncoder().encode(reason).length;
  // 1005 stands for a close frame without a code.
  const bytes = code === 1005 ? 0 : 2 + words;
  const payload = code === 1005 ? '' : `${code} ${reason}`;
  show({ frames: [{ dir: ours ? 'in' : 'out', opcode: 8, fin: true, masked: ours, compressed: false, bytes, payload }] });
}

// What is no frame, and is not counted as one.
function showNote(text) {
  const line = document.createElement('tr');
  line.className = 'control';
  const cell = document.createElement('td');
  cell.colSpan = 7;
  cell.textContent = text;
  line.append(cell);
  if (!pause.checked) frames.prepend(line);
}
