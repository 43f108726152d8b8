// The other two doors: mail by curl and by Python's smtplib, names by dig over UDP and TCP.

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { check, json, newToken, same, skip, temporary, until } from "./harness.mjs";

const [smtp, dns] = [process.env.SMTP, process.env.DNS];

async function latest(token, type) {
  return until(`an entry of type ${type}`, async () => {
    const { data } = await json("GET", `/token/${token}/requests`);
    return data.find((record) => record.type === type);
  });
}

async function mail() {
  await check("curl smtp:// makes an entry", async () => {
    const token = await newToken();
    const file = join(temporary(), "m.eml");
    writeFileSync(file, "From: ada@example.org\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n\r\nHello\r\n.dot\r\n");
    const to = `${token}@hook.localhost`;
    execFileSync("curl", ["-sS", "--max-time", "10", `smtp://${smtp}`, "--mail-from", "ada@example.org", "--mail-rcpt", to, "--upload-file", file]);
    const record = await latest(token, "email");
    same([record.sender, record.destinations], ["ada@example.org", [to]], "envelope");
    same(/Hello\r?\n\.dot/.test(record.text_content), true, "text");
  });

  await check("smtplib makes an entry with an attachment", async () => {
    const token = await newToken();
    const script = `
import smtplib, sys
from email.message import EmailMessage
m = EmailMessage()
m["From"], m["To"], m["Subject"] = "ada@example.org", sys.argv[2], "Größe"
m.set_content("Hello")
m.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="x.bin")
host, port = sys.argv[1].split(":")
with smtplib.SMTP(host, int(port), timeout=10) as server:
    server.send_message(m)
`;
    execFileSync("python3", ["-c", script, smtp, `${token}@hook.localhost`]);
    const record = await latest(token, "email");
    const [file] = Object.values(record.files);
    same([file.filename, file.size], ["x.bin", 256], "attachment");
  });
}

async function names() {
  if (spawnSync("dig", ["-v"]).error) {
    skip("dig over UDP and TCP", "dig is not installed (package bind9-dnsutils)");
    return;
  }
  const [host, port] = dns.split(":");
  for (const transport of ["+notcp", "+tcp"]) {
    await check(`dig ${transport} makes an entry`, async () => {
      const token = await newToken({ default_content: '[{"type":"txt","value":"lab 8"}]' });
      const name = `Any.Label.${token}.dnshook.localhost`;
      const answer = execFileSync("dig", [`@${host}`, "-p", port, transport, "+tries=1", "+time=5", "+short", name, "TXT"]).toString();
      same(answer.trim(), '"lab 8"', "answer");
      const record = await latest(token, "dns");
      same(record.url.toLowerCase().includes("any.label"), true, record.url);
    });
  }
}

export async function mailAndDns() {
  if (smtp) await mail();
  else skip("curl smtp:// and smtplib", "SMTP is not set");
  if (dns) await names();
  else skip("dig", "DNS is not set");
}
