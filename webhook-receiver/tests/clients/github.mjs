// GitHub: every example payload that octokit publishes reaches a target through us, as JSON and as form, and octokit's
// own verification accepts it there; and what our sender makes up is valid against octokit's schema.

import { execFileSync } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { createRequire } from "node:module";

import { verify } from "@octokit/webhooks-methods";

import { BINARY, URL_, check, holds, json, newToken, same, target, until } from "./harness.mjs";
import { forward } from "./forwarder.mjs";

const require = createRequire(import.meta.url);
const SECRET = "It's a Secret to Everybody";
const EVENTS = {
  ping: "ping$event", "issues.opened": "issues$opened", "issues.edited": "issues$edited",
  "issues.closed": "issues$closed", issue_comment: "issue_comment$created", push: "push$event", star: "star$created",
};

async function examples() {
  const events = require("@octokit/webhooks-examples");
  const wanted = events.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));
  const token = await newToken({ secret: SECRET, request_limit: 2000 });
  const server = await target();
  const hook = `${URL_}/${token}`;
  await forward(token, server.url, ["--listen-timeout", "0"], async () => {
    for (const { name, payload } of wanted) {
      const text = JSON.stringify(payload);
      for (const [type, body] of [
        ["application/json", text],
        ["application/x-www-form-urlencoded", new URLSearchParams({ payload: text }).toString()],
      ]) {
        const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
        const answer = await fetch(hook, { method: "POST", body, headers: {
          "content-type": type, "x-github-event": name, "x-github-delivery": randomUUID(), "x-hub-signature-256": signature } });
        holds(answer.ok, `the inbox answered ${answer.status}`);
      }
    }
    await until("all arrive", () => server.seen.length >= wanted.length * 2, 60_000);
  });
  let valid = 0;
  for (const got of server.seen) {
    if (await verify(SECRET, got.body.toString(), got.headers["x-hub-signature-256"])) valid += 1;
  }
  same(valid, wanted.length * 2, "verified at the target");
  const { data } = await json("GET", `/token/${token}/requests?per_page=100`);
  holds(data.every((record) => record.signature.verdict === "valid"), "the inbox calls one invalid");
  server.close();
  return wanted.length;
}

export async function github() {
  await check("all example payloads of octokit, as JSON and as form, verify at the target", async () => {
    const count = await examples();
    console.log(`        ${count} payloads, ${count * 2} deliveries`);
  });

  const Ajv = require("ajv").default;
  const ajv = new Ajv({ strict: false });
  require("ajv-formats").default(ajv);
  ajv.addSchema(require("@octokit/webhooks-schemas"), "github");
  for (const [event, definition] of Object.entries(EVENTS)) {
    await check(`our ${event} is valid against octokit's schema, and its delivery verifies`, async () => {
      const server = await target();
      for (const form of [false, true]) {
        const flags = ["send", event, "--url", `${server.url}/`, "--secret", SECRET, ...(form ? ["--form"] : [])];
        await new Promise((done, fail) => {
          const child = require("node:child_process").execFile(BINARY, flags, (error) => (error ? fail(error) : done()));
          child.on("error", fail);
        });
        const got = server.seen.pop();
        const text = got.body.toString();
        const payload = JSON.parse(form ? new URLSearchParams(text).get("payload") : text);
        const validate = ajv.getSchema(`github#/definitions/${definition}`);
        holds(validate(payload), `${form ? "form" : "JSON"}: ${JSON.stringify(validate.errors?.[0])}`);
        same(await verify(SECRET, text, got.headers["x-hub-signature-256"]), true, "signature");
        holds(got.headers["user-agent"].startsWith("GitHub-Hookshot/"), "user agent");
      }
      server.close();
    });
  }

  await check("a redelivery has the same id, and the inbox says so", async () => {
    const token = await newToken({ secret: SECRET });
    execFileSync(BINARY, ["send", "issues.opened", "--url", `${URL_}/${token}`, "--secret", SECRET, "--redeliver", "1"]);
    const { data } = await json("GET", `/token/${token}/requests?sorting=oldest`);
    same(data.length, 2, "deliveries");
    same([data[0].duplicate_of ?? null, data[1].duplicate_of], [null, data[0].uuid], "duplicate of");
    same(data.map((record) => record.signature.verdict), ["valid", "valid"], "signatures");
  });

  await check("the page's sender delivers and redelivers", async () => {
    const token = await newToken({ secret: SECRET });
    const first = await json("POST", `/token/${token}/deliveries`, { event: "push", title: "T", text: "t", form: true });
    const again = await json("POST", `/token/${token}/deliveries/${first.id}/attempts`);
    same([first.status, again.status, again.guid, again.redelivery], [200, 200, first.guid, true], "deliveries");
  });

  await check("Standard Webhooks by our sender are valid in the inbox", async () => {
    const secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const token = await newToken({ secret });
    execFileSync(BINARY, ["send", "standard", "--url", `${URL_}/${token}`, "--secret", secret]);
    const { data } = await json("GET", `/token/${token}/requests`);
    same([data[0].signature.scheme, data[0].signature.verdict], ["standard-webhooks", "valid"], "signature");
  });
}
