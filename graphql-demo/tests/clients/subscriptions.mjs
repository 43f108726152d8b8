// node subscriptions.mjs URL: npm graphql-ws and graphql-sse subscribe, see changes and unsubscribe; then a socket that
// breaks each rule of the graphql-transport-ws protocol, and must be closed with the code that the protocol names.
import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2];
const socketUrl = url.replace(/^http/, 'ws');
const PATIENCE_MS = 20_000;
const watch = 'subscription { favouritesChanged { action country { name } favourites { code } } }';
const init = { type: 'connection_init' };
const subscribe = { id: 'one', type: 'subscribe', payload: { query: watch } };
let passed = 0;
let failed = 0;

await check('graphql-ws: a query over the socket is answered', async () => {
  const client = clientFor(await newVisitor());
  equal(await first(client.iterate({ query: '{ country(code: "BR") { capital } }' })), { country: { capital: 'Brasília' } });
  await client.dispose();
});
await check('graphql-ws: a subscription sees a change that somebody makes over HTTP', () => sees(clientFor));
await check('graphql-sse: a subscription sees a change that somebody makes over HTTP', () => sees(sseClientFor));
await check('graphql-ws: after unsubscribing nothing comes, and the socket still serves', unsubscribes);
await check('graphql-ws: sessions do not see each other', sessionsAreApart);
await check('graphql-ws: what the schema refuses comes as an error message', refusal);
await check('graphql-ws: ping is answered with pong', async () => {
  const socket = await open();
  socket.send({ type: 'ping' });
  await socket.until((message) => message.type === 'pong');
  socket.end();
});
await check('4408: no connection_init in time', () => closes(4408, []));
await check('4401: subscribe before connection_init', () => closes(4401, [subscribe]));
await check('4409: the same id twice', () => closes(4409, [init, subscribe, subscribe]));
await check('4400: a message that is no JSON', () => closes(4400, [init, 'what?']));
await check('4400: a message of unknown type', () => closes(4400, [init, { type: 'launch' }]));
await check('4400: a subscribe without query', () => closes(4400, [init, { id: 'one', type: 'subscribe', payload: {} }]));
await check('4429: two connection_inits', () => closes(4429, [init, init]));

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);

async function check(name, run) {
  try {
    await inTime(run());
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function equal(got, wanted) {
  const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (is !== should) throw new Error(`${should} expected, got ${is}`);
}

/** The cookie of a new visitor: the server makes the name up. */
async function newVisitor() {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: '{"query": "{ favourites { code } }"}' });
  return answer.headers.get('set-cookie').split(';')[0];
}

/** A graphql-ws client whose socket carries a visitor's cookie, as a browser's does. */
function clientFor(cookie) {
  class InSession extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, { headers: { cookie } });
    }
  }
  return createClient({ url: socketUrl, webSocketImpl: InSession, retryAttempts: 0 });
}

function sseClientFor(cookie) {
  return createSseClient({ url, headers: { cookie }, retryAttempts: 0 });
}

async function first(results) {
  const { value } = await results.next();
  if (value.errors) throw new Error(JSON.stringify(value.errors));
  return value.data;
}

async function change(cookie, field, code) {
  const query = `mutation { ${field}(code: "${code}") { code } }`;
  const headers = { 'content-type': 'application/json', cookie };
  const answer = await (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })).json();
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
}

/** Whoever subscribes can't know when the server has begun to watch, so the change is made until it is seen. */
async function seen(visitor, results) {
  const next = first(results);
  let settled = false;
  next.catch(() => {}).finally(() => (settled = true));
  while (!settled) {
    await change(visitor, 'removeFavourite', 'BR');
    await change(visitor, 'addFavourite', 'BR');
    await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  return next;
}

async function sees(connect) {
  const visitor = await newVisitor();
  const client = connect(visitor);
  const results = client.iterate({ query: watch });
  const { favouritesChanged } = await seen(visitor, results);
  equal(favouritesChanged.country, { name: 'Brazil' });
  await results.return();
  client.dispose();
}

async function unsubscribes() {
  const visitor = await newVisitor();
  const socket = await open(visitor);
  socket.send(init);
  await socket.until((message) => message.type === 'connection_ack');
  socket.send(subscribe);
  // The answer to a later query says that the subscription stands.
  await socket.ask('two');
  await change(visitor, 'addFavourite', 'BR');
  await socket.until((message) => message.id === 'one' && message.type === 'next');
  socket.send({ id: 'one', type: 'complete' });
  await socket.ask('three');
  const before = socket.messages.length;
  await change(visitor, 'addFavourite', 'AR');
  await socket.ask('four');
  const late = socket.messages.slice(before).filter(({ id }) => id === 'one');
  equal(late, []);
  // The id is free again.
  socket.send(subscribe);
  await socket.ask('five');
  socket.end();
}

async function sessionsAreApart() {
  const [mine, yours] = [await newVisitor(), await newVisitor()];
  const socket = await open(mine);
  socket.send(init);
  socket.send(subscribe);
  await socket.ask('two');
  await change(yours, 'addFavourite', 'CL');
  await change(mine, 'addFavourite', 'PE');
  const message = await socket.until(({ id }) => id === 'one');
  equal(message.payload.data.favouritesChanged.favourites, [{ code: 'PE' }]);
  socket.end();
}

async function refusal() {
  const socket = await open();
  socket.send(init);
  socket.send({ id: 'one', type: 'subscribe', payload: { query: 'subscription { nothing }' } });
  const message = await socket.until(({ id }) => id === 'one');
  equal(message.type, 'error');
  equal(Array.isArray(message.payload), true);
  socket.end();
}

/** Sends the messages, and wants the socket closed with that code. */
async function closes(code, messages) {
  const socket = await open();
  for (const message of messages) socket.send(message);
  equal(await socket.closed, code);
}

/** A bare socket that keeps what comes. */
async function open(visitor) {
  const cookie = visitor ?? (await newVisitor());
  const socket = new WebSocket(socketUrl, 'graphql-transport-ws', { headers: { cookie } });
  const messages = [];
  let arrived = () => {};
  socket.on('message', (text) => {
    messages.push(JSON.parse(text));
    arrived();
  });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const bare = {
    messages,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    end: () => socket.terminate(),
    async until(fits) {
      while (!messages.some(fits)) await new Promise((resolve) => (arrived = resolve));
      return messages.find(fits);
    },
    async ask(id) {
      bare.send({ id, type: 'subscribe', payload: { query: '{ __typename }' } });
      await bare.until((message) => message.id === id && message.type === 'complete');
    },
  };
  return bare;
}
