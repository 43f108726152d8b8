// The unmodified smee-client: a channel is a token.

import { createHmac } from "node:crypto";

import { URL_, beside, check, holds, newToken, same, target, until } from "./harness.mjs";

export async function smee() {
  await check("smee: /new names a channel", async () => {
    const answer = await fetch(`${URL_}/new`, { redirect: "manual" });
    same(answer.status, 307, "status");
    holds(/^https?:\/\/[^/]+\/[A-Za-z0-9_-]{1,128}$/.test(answer.headers.get("location")), answer.headers.get("location"));
  });

  await check("smee-client brings a GitHub delivery, JSON or form, to its target", async () => {
    const token = await newToken();
    const server = await target();
    const args = ["--url", `${URL_}/${token}`, "--target", `${server.url}/hook`];
    await beside("smee", args, {}, async () => {
      const body = JSON.stringify({ action: "opened", n: 1 });
      const signature = `sha256=${createHmac("sha256", "s3cret").update(body).digest("hex")}`;
      await until("it arrives", async () => {
        await fetch(`${URL_}/${token}?a=1`, { method: "POST", body, headers: {
          "content-type": "application/json", "x-github-event": "issues", "x-hub-signature-256": signature } });
        return server.seen.length > 0;
      });
      const [got] = server.seen;
      same([got.method, got.url, JSON.parse(got.body.toString())], ["POST", "/hook?a=1", JSON.parse(body)], "at the target");
      same([got.headers["x-github-event"], got.headers["x-hub-signature-256"]], ["issues", signature], "headers");
      server.seen.length = 0;
      await fetch(`${URL_}/${token}`, { method: "POST", body: new URLSearchParams({ payload: body }) });
      await until("the form arrives", () => server.seen.length > 0);
    });
    server.close();
  });
}
