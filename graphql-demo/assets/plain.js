// The plain explorer: a form, one answer. A subscription comes as server-sent events, shown as they arrive.
'use strict';

const form = document.getElementById('plain');
const answerBox = document.getElementById('answer');
const statusLine = document.getElementById('status');
const stop = document.getElementById('stop');
let running = new AbortController();

form.addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
});
stop.addEventListener('click', () => running.abort());
document.getElementById('schema').addEventListener('toggle', showSchema, { once: true });

async function run() {
  running.abort();
  running = new AbortController();
  statusLine.textContent = 'asking';
  try {
    const query = form.elements.query.value;
    const variables = form.elements.variables.value.trim();
    const body = JSON.stringify({ query, variables: variables ? JSON.parse(variables) : undefined });
    const streams = /^\s*subscription\b/m.test(query);
    const headers = { ...ownHeaders(), 'content-type': 'application/json', accept: accepted(streams) };
    const answer = await lab.fetch('', { method: 'POST', body, headers, signal: running.signal });
    await (streams && answer.ok ? showEvents(answer) : showOne(answer));
  } catch (error) {
    statusLine.textContent = error.name === 'AbortError' ? 'stopped' : String(error.message);
  } finally {
    stop.hidden = true;
  }
}

const accepted = (streams) => (streams ? 'text/event-stream' : 'application/graphql-response+json, application/json');

function ownHeaders() {
  const lines = form.elements.headers.value.split('\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]));
}

async function showOne(answer) {
  const text = await answer.text();
  statusLine.textContent = `${answer.status} ${answer.headers.get('content-type')}, ${new Blob([text]).size} bytes`;
  try {
    answerBox.textContent = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    answerBox.textContent = text;
  }
}

async function showEvents(answer) {
  stop.hidden = false;
  answerBox.textContent = '';
  statusLine.textContent = 'listening';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    answerBox.textContent = (answerBox.textContent + value).slice(-20000);
  }
  statusLine.textContent = 'the stream has ended';
}

async function showSchema() {
  const answer = await fetch('/schema.graphql');
  document.querySelector('#schema pre').textContent = await answer.text();
}
