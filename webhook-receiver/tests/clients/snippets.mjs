// The two programs that webhook.site's documentation shows for its push channel: socket.io-client 2 (Engine.IO 3) and
// python-socketio (Engine.IO 4).

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { URL_, beside, check, newToken, same, until } from "./harness.mjs";

const io = createRequire(import.meta.url)("socket.io-client");

export async function snippets() {
  for (const transports of [["polling", "websocket"], ["websocket"], ["polling"]]) {
    await check(`socket.io-client 2 over ${transports.join(", then ")}`, async () => {
      const token = await newToken();
      const socket = io(URL_, { transports });
      const got = [];
      socket.on("connect", () => socket.emit("subscribe", { channel: `private-token.${token}`, auth: { headers: {} } }));
      socket.on("request.created", (channel, data) => got.push([channel, data]));
      try {
        await until("an event", async () => {
          await fetch(`${URL_}/${token}/snippet`, { method: "POST", body: "größer 🎉" });
          return got.length > 0;
        });
        const [channel, data] = got[0];
        same(channel, `private-token.${token}`, "channel");
        same([data.request.method, data.request.content, data.truncated], ["POST", "größer 🎉", false], "data");
      } finally {
        socket.close();
      }
    });
  }

  await check("python-socketio", async () => {
    const token = await newToken();
    const script = join(dirname(fileURLToPath(import.meta.url)), "snippet.py");
    await beside("python3", [script, URL_, token], {}, async (said) => {
      await until("an event", async () => {
        await fetch(`${URL_}/${token}/snippet`, { method: "POST", body: "hello" });
        return said.text.includes("received");
      });
      const line = said.text.split("\n").find((text) => text.startsWith("received"));
      same(line, `received private-token.${token} POST hello`, "line");
    });
  });
}
