// What the checks share: a token, a server that remembers what reached it, a program that is ended at the end, and
// waiting for a condition instead of a time.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const URL_ = process.env.URL;
/** The receiver as it reaches itself. */
export const SELF = process.env.DIRECT_URL;
export const BINARY = process.env.BINARY ?? "webhook-receiver";
const DEADLINE_MS = 20_000;

let passed = 0;
let failed = 0;
let skipped = 0;

export async function check(name, action) {
  try {
    await action();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.message}`);
  }
}

export function skip(name, why) {
  skipped += 1;
  console.log(`skipped ${name}: ${why}`);
}

const folders = [];
process.on("exit", () => { for (const folder of folders) rmSync(folder, { recursive: true, force: true }); });

/** A new folder, gone when the checks are over. */
export function temporary() {
  folders.push(mkdtempSync(join(tmpdir(), "webhook-clients-")));
  return folders.at(-1);
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

export function same(found, expected, what) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${cut(a)} instead of ${cut(b)}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}

function cut(text) {
  return text?.length > 300 ? `${text.slice(0, 300)}...` : text;
}

/** Asks until the answer is truthy. */
export async function until(what, question, deadline = DEADLINE_MS) {
  const end = Date.now() + deadline;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadline} ms`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function json(method, path, body, base = URL_) {
  const response = await fetch(base + path, {
    method,
    headers: { accept: "application/json", "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${cut(text)}`);
  return text === "" ? null : JSON.parse(text);
}

/** A new token with settings. */
export async function newToken(settings = {}) {
  const token = await json("POST", "/token", settings);
  return token.uuid;
}

/** A server on a free port; `seen` holds method, url, headers, body of each request; `answer` decides the response. */
export async function target(answer = () => ({})) {
  const seen = [];
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const got = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) };
    seen.push(got);
    const { status = 200, headers = {}, body = "" } = answer(got);
    response.writeHead(status, headers);
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, seen, close: () => { server.closeAllConnections(); server.close(); } };
}

/** Starts a program, runs `action` beside it, ends it. What it said is shown if the action fails. */
export async function beside(command, args, env, action) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const said = { text: "" };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => { said.text += chunk; });
  child.on("error", (error) => { said.text += error.message; });
  const ended = once(child, "close");
  try {
    return await action(said, child);
  } catch (error) {
    throw new Error(`${error.message}; ${command} said: ${cut(said.text.slice(-300))}`);
  } finally {
    child.kill("SIGINT");
    const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
    await ended;
    clearTimeout(timer);
  }
}
