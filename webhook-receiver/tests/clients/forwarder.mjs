// Our own forwarder: byte for byte, in order, back to the sender, on after a break, and the signature still fits.

import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";

import { BINARY, SELF, URL_, beside, check, json, newToken, same, target, temporary, until } from "./harness.mjs";

const SECRET = "It's a Secret to Everybody";

export function forward(token, url, flags, action) {
  const args = ["forward", "--token", token, "--server", URL_, "--target", url, "--state", temporary(), ...flags];
  return beside(BINARY, args, {}, async (said, child) => {
    await until("the forwarder connects", () => said.text.includes("connected"));
    return action(said, child);
  });
}

function freePort() {
  return new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function multipart() {
  const boundary = "lab-8-boundary";
  const part = (head, content) => Buffer.concat([Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), content, Buffer.from("\r\n")]);
  const body = Buffer.concat([
    part('Content-Disposition: form-data; name="text"', Buffer.from("größer")),
    part('Content-Disposition: form-data; name="file"; filename="x.bin"\r\nContent-Type: application/octet-stream', randomBytes(500)),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return [`multipart/form-data; boundary=${boundary}`, body];
}

const BODIES = {
  "JSON with odd spacing": ["application/json", Buffer.from('{ "n":1.0 ,\t"a" : [ ],\r\n "ü":"\\u00fc" }\n\n')],
  "a form payload=": ["application/x-www-form-urlencoded", Buffer.from(`payload=${encodeURIComponent('{"a": "b+c d"}')}`)],
  "256 binary bytes": ["application/octet-stream", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
  multipart: multipart(),
  "10 MB": ["application/octet-stream", randomBytes(10 * 1024 * 1024)],
};

export async function forwarder() {
  for (const [name, [type, body]] of Object.entries(BODIES)) {
    await check(`our forwarder is byte-exact for ${name}, and the signature still fits`, async () => {
      const token = await newToken({ secret: SECRET });
      const server = await target(() => ({ status: 202, headers: { "x-answer": "8" }, body: Buffer.from([0, 255, 10]) }));
      await forward(token, server.url, [], async () => {
        const sign = (bytes) => `sha256=${createHmac("sha256", SECRET).update(bytes).digest("hex")}`;
        const answer = await fetch(`${URL_}/${token}/a%2Fb//c?x=1&x=2&e=`, { method: "POST", body,
          headers: { "content-type": type, "x-hub-signature-256": sign(body) } });
        same([answer.status, answer.headers.get("x-answer")], [202, "8"], "answer");
        same([...new Uint8Array(await answer.arrayBuffer())], [0, 255, 10], "answer's bytes");
        const [got] = server.seen;
        same(got.url, "/a%2Fb//c?x=1&x=2&e=", "path");
        same(got.body.equals(body), true, "same bytes");
        same([got.headers["content-type"], got.headers["x-hub-signature-256"]], [type, sign(got.body)], "headers");
        const { data } = await json("GET", `/token/${token}/requests`);
        same(data[0].signature?.verdict, "valid", "the inbox's own verdict");
      });
      server.close();
    });
  }

  await check("our forwarder keeps the order and goes on after a target that was down", async () => {
    const token = await newToken();
    let down = 4;
    const server = await target(() => (down-- > 0 ? { status: 503 } : { status: 200 }));
    await forward(token, server.url, ["--listen-timeout", "0", "--pause-ms", "20"], async () => {
      for (let at = 0; at < 20; at++) await fetch(`${URL_}/${token}/${at}x`, { method: "POST", body: "x" });
      await until("all arrive", () => server.seen.length >= 24);
      const order = server.seen.slice(4).map((got) => got.url);
      same(order, Array.from({ length: 20 }, (_, at) => `/${at}x`), "order");
    });
    server.close();
  });

  await check("our forwarder, killed and started again, loses nothing and repeats nothing that it had finished", async () => {
    const token = await newToken();
    const server = await target();
    const folder = temporary();
    const flags = ["--listen-timeout", "0", "--state", folder];
    const args = ["forward", "--token", token, "--server", URL_, "--target", server.url, ...flags];
    await beside(BINARY, args, {}, async (said, child) => {
      await until("connected", () => said.text.includes("connected"));
      for (let at = 0; at < 5; at++) await fetch(`${URL_}/${token}/${at}x`, { method: "POST" });
      const cursor = () => { try { return readFileSync(join(folder, "cursor"), "utf8"); } catch { return ""; } };
      const { data } = await json("GET", `/token/${token}/requests?sorting=newest`);
      await until("the cursor is there", () => cursor().trim() === String(data[0].sequence));
      child.kill("SIGKILL");
    });
    for (let at = 5; at < 10; at++) await fetch(`${URL_}/${token}/${at}x`, { method: "POST" });
    await beside(BINARY, args, {}, () => until("the rest", () => server.seen.length >= 10));
    same(server.seen.map((got) => got.url), Array.from({ length: 10 }, (_, at) => `/${at}x`), "all, once, in order");
    server.close();
  });

  await check("our forwarder writes a dead letter and goes on", async () => {
    const token = await newToken();
    const server = await target((got) => ({ status: got.url === "/bad" ? 500 : 200 }));
    const folder = temporary();
    const flags = ["--listen-timeout", "0", "--attempts", "3", "--pause-ms", "10", "--state", folder];
    const args = ["forward", "--token", token, "--server", URL_, "--target", server.url, ...flags];
    await beside(BINARY, args, {}, async (said) => {
      await until("connected", () => said.text.includes("connected"));
      for (const path of ["bad", "good"]) await fetch(`${URL_}/${token}/${path}`, { method: "POST" });
      await until("the second", () => server.seen.some((got) => got.url === "/good"));
    });
    same(server.seen.map((got) => got.url), ["/bad", "/bad", "/bad", "/good"], "attempts");
    const letter = JSON.parse(readFileSync(join(folder, "dead.jsonl"), "utf8"));
    same([letter.attempts, letter.reason], [3, "answered 500"], "dead letter");
    server.close();
  });

  await check("a forwarding rule of the server delivers, retries and refuses other machines", async () => {
    // Its target is another inbox of the same server: in Docker the policy lets it reach nothing else.
    const [token, other] = [await newToken(), await newToken({ default_status: 500 })];
    await json("POST", `/token/${token}/forwards`, { target: `${SELF}/${other}`, pause_ms: 20, attempts: 20 });
    await fetch(`${URL_}/${token}/one?a=1&a=2`, { method: "POST", body: "1" });
    await fetch(`${URL_}/${token}/two`, { method: "POST", body: "2" });
    const arrived = async () => (await json("GET", `/token/${other}/requests?sorting=oldest`)).data;
    await until("it tries again", async () => (await arrived()).length >= 3);
    await json("PUT", `/token/${other}`, { default_status: 200 });
    await until("counted", async () => (await json("GET", `/token/${token}/forwards`)).data[0].delivered === 2);
    const paths = (await arrived()).map((record) => record.url.split(other)[1]);
    same(paths.pop(), "/two", "the last at the target");
    same([...new Set(paths)], ["/one?a=1&a=2"], "before it");
    for (const far of ["http://169.254.169.254/", "http://10.0.0.1/", "ftp://127.0.0.1/"]) {
      const refused = await json("POST", `/token/${token}/forwards`, { target: far }).then(() => "", (error) => error.message);
      same(/ 422 .*refused/.test(refused), true, far);
    }
  });

  await check("a name of our own DNS hook that is pointed at this machine after the check is refused", async () => {
    const [http, dns] = [await freePort(), await freePort()];
    const args = ["--bind", `127.0.0.1:${http}`, "--dns", `127.0.0.1:${dns}`, "--data", join(temporary(), "w.db"),
      "--forward-policy", "public", "--resolver", `127.0.0.1:${dns}`];
    await beside(BINARY, args, {}, async () => {
      const base = `http://127.0.0.1:${http}`;
      await until("it serves", () => fetch(`${base}/healthz`).then((answer) => answer.ok, () => false));
      const points = (address) => ({ default_content: JSON.stringify([{ type: "a", value: address }]) });
      const name = await json("POST", "/token", points("8.8.8.8"), base);
      const inbox = await json("POST", "/token", {}, base);
      const victim = await target();
      const hostile = `http://rebind.${name.uuid}.dnshook.localhost:${new URL(victim.url).port}/`;
      await json("POST", `/token/${inbox.uuid}/forwards`, { target: hostile, attempts: 1 }, base);
      for (const [address, what] of [["127.0.0.1", "loopback"], ["169.254.169.254", "link-local"], ["10.0.0.1", "private"]]) {
        await json("PUT", `/token/${name.uuid}`, points(address), base);
        await fetch(`${base}/${inbox.uuid}`, { method: "POST", body: address });
        await until(`${address} is refused`, async () => {
          const { data } = await json("GET", `/token/${inbox.uuid}/forwards`, undefined, base);
          return data[0].last_error?.includes(what);
        });
      }
      same(victim.seen.length, 0, "requests at the victim");
      victim.close();
    });
  });
}
