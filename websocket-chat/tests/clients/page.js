// A member on our own page, in a headless Chromium: types each line of its input into the page and sends it, prints
// what the page shows. The browser is spoken to by the W3C's WebDriver protocol, which is JSON over HTTP.
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const [url, room, name] = process.argv.slice(2);
const POLL_MS = 50;
const START_PATIENCE_MS = 10_000;
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chat-page-'));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ask(method, address, body) {
  const answer = await fetch(address, { method, body: body && JSON.stringify(body) });
  const { value } = await answer.json();
  if (value?.error) throw new Error(`${value.error}: ${value.message}`);
  return value;
}

async function startBrowser() {
  const base = `http://127.0.0.1:${await freePort()}`;
  const driver = spawn('chromedriver', [`--port=${new URL(base).port}`], { stdio: 'ignore' });
  driver.on('error', (error) => { console.error(error.message); process.exit(1); });
  const deadline = Date.now() + START_PATIENCE_MS;
  while (!await ask('GET', `${base}/status`).then((status) => status.ready, () => false)) {
    if (Date.now() > deadline) throw new Error('chromedriver does not answer');
    await sleep(POLL_MS);
  }
  const args = ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--no-first-run', '--no-proxy-server',
    '--disable-background-networking', `--user-data-dir=${profile}`];
  const alwaysMatch = { browserName: 'chrome', 'goog:chromeOptions': { args } };
  const { sessionId } = await ask('POST', `${base}/session`, { capabilities: { alwaysMatch } });
  const session = `${base}/session/${sessionId}`;
  return {
    open: (page) => ask('POST', `${session}/url`, { url: page }),
    script: (script, ...values) => ask('POST', `${session}/execute/sync`, { script, args: values }),
    quit: async () => {
      await ask('DELETE', session).catch(() => {});
      driver.kill();
      fs.rmSync(profile, { recursive: true, force: true });
    },
  };
}

const ENTER = `
  window.heard = [];
  const confirmed = (row) => ['mine', 'other'].includes(row.className);
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((row) => confirmed(row)
    && window.heard.push(row.querySelector('.who').textContent + row.querySelector('.text').textContent))))
    .observe(document.getElementById('messages'), { childList: true });
  document.getElementById('name').value = arguments[0];
  document.getElementById('room').value = arguments[1];
  document.getElementById('enter').requestSubmit();`;
const SAY = `
  document.getElementById('say').value = arguments[0];
  document.getElementById('speak').requestSubmit();`;

async function main() {
  const browser = await startBrowser();
  let ended = false;
  process.on('SIGTERM', () => { ended = true; });
  try {
    await browser.open(url);
    await browser.script(ENTER, name, room);
    while (!ended && await browser.script("return document.getElementById('state').dataset.up") !== 'yes') await sleep(POLL_MS);
    console.log('ready');
    // One after the other: the driver promises no order for commands that are under way together.
    let typing = Promise.resolve();
    readline.createInterface({ input: process.stdin }).on('line', (text) => {
      typing = typing.then(() => browser.script(SAY, text)).catch((error) => console.error(error.message));
    });
    while (!ended) {
      for (const line of await browser.script('return window.heard.splice(0)')) console.log(line);
      await sleep(POLL_MS);
    }
  } finally {
    await browser.quit();
  }
}

main().then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); });
