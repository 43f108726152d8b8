// The unmodified command line of webhook.site (npm @webhooksite/cli), pointed here by its two variables.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { URL_, beside, check, holds, newToken, same, target, temporary, until } from "./harness.mjs";

const HERE = { WH_API: URL_, WH_WS_HOST: URL_ };
const CONNECTED = "Connected to Websocket";

/** Sends until the forwarder is subscribed: whcli says "connected" a moment before that. */
async function reached(server, token, path = "/ready") {
  await until("whcli forwards", async () => {
    await fetch(`${URL_}/${token}${path}`, { method: "POST", body: "ready?" });
    return server.seen.length > 0;
  });
}

function forward(token, server, flags, action) {
  const args = ["forward", `--token=${token}`, `--target=${server.url}`, ...flags];
  return beside("whcli", args, HERE, async (said) => {
    await until("whcli connects", () => said.text.includes(CONNECTED));
    await reached(server, token);
    server.seen.length = 0;
    await action();
  });
}

export async function whcli() {
  await check("whcli forward, both ways: the sender gets the target's answer", async () => {
    const token = await newToken();
    const server = await target(() => ({
      status: 201, headers: { "content-type": "text/x-lab", "set-cookie": ["a=1", "b=2"] }, body: "from the target",
    }));
    await forward(token, server, [], async () => {
      const answer = await fetch(`${URL_}/${token}/a/b?x=1&y=%C3%A4`, { method: "PUT", body: "hello", headers: { "x-mine": "8" } });
      same([answer.status, await answer.text()], [201, "from the target"], "answer");
      same(answer.headers.get("content-type"), "text/x-lab", "content type");
      same(answer.headers.getSetCookie(), ["a=1", "b=2"], "cookies");
      const [got] = server.seen;
      same([got.method, got.url, got.body.toString()], ["PUT", "/a/b?x=1&y=%C3%A4", "hello"], "at the target");
      same(got.headers["x-mine"], "8", "header");
    });
    server.close();
  });

  await check("whcli forward --keep-url leaves path and query out", async () => {
    const token = await newToken();
    const server = await target();
    const kept = { ...server, url: `${server.url}/only/here` };
    await forward(token, kept, ["--keep-url"], async () => {
      await fetch(`${URL_}/${token}/a/b?x=1`, { method: "POST", body: "hello" });
      await until("it arrives", () => server.seen.length > 0);
      same(server.seen[0].url, "/only/here", "path");
    });
    server.close();
  });

  await check("whcli forward --listen-timeout=0 is one way: the sender does not wait", async () => {
    const token = await newToken({ default_content: "from the inbox" });
    const server = await target(() => ({ status: 500 }));
    await forward(token, server, ["--listen-timeout=0"], async () => {
      const answer = await fetch(`${URL_}/${token}`, { method: "POST", body: "hello" });
      same([answer.status, await answer.text()], [200, "from the inbox"], "answer");
      await until("it arrives", () => server.seen.some((got) => got.body.toString() === "hello"));
    });
    server.close();
  });

  await check("whcli that was killed leaves no sender waiting", async () => {
    const token = await newToken({ listen: 5 });
    const server = await target();
    await forward(token, server, [], async () => {});
    const started = Date.now();
    await fetch(`${URL_}/${token}`, { method: "POST", body: "x" });
    holds(Date.now() - started < 2000, `it waited ${Date.now() - started} ms`);
    server.close();
  });

  await check("whcli exec runs its command with the event's variables", async () => {
    const token = await newToken();
    const file = join(temporary(), "said");
    const command = `echo "$request.method$ $request.query.x$ $request.uuid$" >> ${file}`;
    const read = () => { try { return readFileSync(file, "utf8"); } catch { return ""; } };
    await beside("whcli", ["exec", `--token=${token}`, `--command=${command}`], HERE, async (said) => {
      await until("whcli connects", () => said.text.includes(CONNECTED));
      await until("the command runs", async () => {
        await fetch(`${URL_}/${token}?x=eight`, { method: "POST", body: "hello" });
        return /POST eight [0-9a-f-]{36}/.test(read());
      });
    });
  });

  await check("whcli forward --query replays what the inbox holds", async () => {
    const token = await newToken();
    for (let at = 0; at < 60; at++) await fetch(`${URL_}/${token}/n${at}`, { method: "POST", body: `${at}` });
    const server = await target();
    const args = ["forward", `--token=${token}`, `--target=${server.url}`, "--query=method:POST"];
    await beside("whcli", args, HERE, () => until("60 arrive", () => server.seen.length >= 60));
    same(new Set(server.seen.map((got) => got.url)).size, 60, "different paths");
    server.close();
  });
}
