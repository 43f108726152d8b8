// The chat: who is here, what was said, and a line that comes back by itself after a cut, asking for what it missed.
import { Line, canBeSlow } from '/line.js';
import * as wire from '/wire.js';

const $ = (id) => document.getElementById(id);
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000];
// Trying again would change nothing: policy, protocol, wrong data.
const FINAL = [1002, 1003, 1008];
const CUT_BY_HAND = 4000;

let name;
let room;
let line;
let up = false;
let tries = 0;
let epoch;
let seen = 0;
let editing;
let counter = 0;
const here = Math.random().toString(36).slice(2, 8);
const members = new Set();
const typing = new Map();
// Said but not acknowledged: id -> message. Said again after a cut, under the same id, so that nobody sees it twice.
const unconfirmed = new Map();
const shown = new Map();

function state(text, isUp) {
  $('state').textContent = text;
  $('state').dataset.up = isUp ? 'yes' : 'no';
  up = isUp;
  for (const id of ['say', 'send', 'cut']) $(id).disabled = !isUp;
}

function connect() {
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/chat?wire=1`;
  const mine = new Line(url, 'chat.v1', {
    opened: (protocol, extensions) => {
      $('state').title = `${protocol} ${extensions}`;
      tell({ type: 'hello', name, session: sessionStorage.getItem(`session ${name}`) ?? undefined });
    },
    heard: (text) => mine === line && hear(JSON.parse(text)),
    closed: (code, reason) => mine === line && closed(code, reason),
  }, () => $('slow').checked);
  line = mine;
}

function tell(message) { line.send(JSON.stringify(message)); }

function closed(code, reason) {
  wire.showClose(code, reason, code === CUT_BY_HAND);
  const why = reason || (code === 1006 ? 'the line was cut' : `code ${code}`);
  if (FINAL.includes(code)) return state(`closed: ${why}`, false);
  // Somewhere between half and all of the pause: else all who were cut together come back together.
  const pause = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] * (0.5 + Math.random() / 2);
  tries += 1;
  state(`${why}; trying again in ${(pause / 1000).toFixed(1)} s`, false);
  setTimeout(connect, pause);
}

const hearers = {
  wire: (message) => wire.show(message),
  welcome: (message) => {
    sessionStorage.setItem(`session ${name}`, message.session);
    tell({ type: 'join', room, ...(epoch ? { epoch, after: seen } : {}) });
  },
  joined: (message) => {
    if (epoch && !message.recovered) note('some messages are too old to be sent again');
    if (message.epoch !== epoch) seen = 0;
    const again = Boolean(epoch);
    epoch = message.epoch;
    tries = 0;
    members.clear();
    for (const member of message.members) members.add(member);
    showMembers();
    state(again ? `back in ${room} as ${name}` : `in ${room} as ${name}`, true);
    for (const message of unconfirmed.values()) tell(message);
    $('say').focus({ preventScroll: true });
  },
  history: (message) => { for (const event of message.events) hear(event); },
  message: (message) => once(message, () => showMessage(message)),
  edited: (message) => once(message, () => {
    const row = shown.get(message.target);
    if (row) row.querySelector('.text').textContent = `${message.text} (edited)`;
  }),
  ack: (message) => unconfirmed.delete(message.id) && $(`sent ${message.id}`)?.remove(),
  private: (message) => add('private', `${message.from} to ${message.to}`, message.text),
  arrived: (message) => { members.add(message.name); showMembers(); note(`${message.name} has come`); },
  departed: (message) => { members.delete(message.name); showMembers(); note(`${message.name} has left`); },
  typing: (message) => showTyping(message.name),
  skipped: (message) => {
    note(`you read too slowly: ${message.before - message.after - 1} messages were left out, asking for them`);
    tell({ type: 'history', room, after: message.after, before: message.before });
  },
  error: (message) => {
    if (message.id) unconfirmed.delete(message.id) && $(`sent ${message.id}`)?.remove();
    if (message.code === 'taken') { line.close(1000, ''); line = undefined; state(message.reason, false); }
    note(message.reason);
  },
};

function hear(message) { hearers[message.type]?.(message); }

function once(event, then) {
  if (event.seq <= seen) return;
  seen = event.seq;
  then();
}

function add(kind, who, text) {
  const list = $('messages');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const row = document.createElement('li');
  row.className = kind;
  if (who) {
    const label = document.createElement('span');
    label.className = 'who';
    label.textContent = `${who}: `;
    row.append(label);
  }
  const words = document.createElement('span');
  words.className = 'text';
  words.textContent = text;
  row.append(words);
  list.append(row);
  while (list.children.length > 500) list.firstChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
  return row;
}

function note(text) { add('event', '', text); }

function showMessage(message) {
  typing.delete(message.from);
  showTyping();
  $(`sent ${message.id}`)?.remove();
  const row = add(message.from === name ? 'mine' : 'other', message.from, message.text);
  row.dataset.seq = message.seq;
  row.title = `number ${message.seq} of this room, ${new Date(message.at).toLocaleTimeString()}`;
  shown.set(message.seq, row);
  if (message.from !== name) return;
  const edit = document.createElement('button');
  edit.type = 'button';
  edit.textContent = 'edit';
  edit.addEventListener('click', () => startEdit(message.seq, row.querySelector('.text').textContent));
  row.append(edit);
}

function startEdit(seq, text) {
  editing = seq;
  $('say-label').textContent = `Change message ${seq}`;
  $('stop-edit').hidden = false;
  $('say').value = text.replace(/ \(edited\)$/, '');
  $('say').focus();
}

function stopEdit() {
  editing = undefined;
  $('say-label').textContent = 'Message';
  $('stop-edit').hidden = true;
  $('say').value = '';
}

function showMembers() {
  const names = [...members].sort();
  $('members').textContent = names.join(', ');
  const chosen = $('to').value;
  const everybody = new Option('everybody', '');
  $('to').replaceChildren(everybody, ...names.filter((other) => other !== name).map((other) => new Option(other, other)));
  $('to').value = members.has(chosen) ? chosen : '';
}

function showTyping(who) {
  const now = Date.now();
  if (who && who !== name) {
    typing.set(who, now + 3000);
    setTimeout(showTyping, 3100);
  }
  for (const [other, until] of typing) if (until <= now) typing.delete(other);
  const names = [...typing.keys()];
  $('typing').textContent = names.length ? `${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} typing…` : '\u00a0';
}

$('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  const old = line;
  line = undefined;
  old?.close(1000, '');
  name = $('name').value.trim();
  room = $('room').value.trim();
  epoch = undefined;
  seen = 0;
  unconfirmed.clear();
  shown.clear();
  $('messages').replaceChildren();
  sessionStorage.setItem('name', name);
  connect();
});

$('speak').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('say').value;
  if (!up || !text) return;
  counter += 1;
  const id = `${here}-${counter}`;
  const to = $('to').value;
  let message = { type: 'say', room, id, text };
  if (editing) message = { type: 'edit', room, id, target: editing, text };
  else if (to) message = { type: 'private', to, id, text };
  unconfirmed.set(id, message);
  if (message.type === 'say') add('mine unconfirmed', name, text).id = `sent ${id}`;
  if (message.type === 'private') add('private', `${name} to ${to}`, text);
  tell(message);
  stopEdit();
});

let lastTyping = 0;
$('say').addEventListener('input', () => {
  if (up && Date.now() - lastTyping > 1500) {
    lastTyping = Date.now();
    tell({ type: 'typing', room });
  }
});

$('stop-edit').addEventListener('click', stopEdit);
$('cut').addEventListener('click', () => line.close(CUT_BY_HAND, 'cut by hand'));
$('slow').disabled = !canBeSlow;
$('slow-note').textContent = canBeSlow ? 'reads one message in two seconds' : 'this browser can’t read slowly (no WebSocketStream)';
$('name').value = sessionStorage.getItem('name') ?? '';
$('name').focus();
