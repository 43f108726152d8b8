// All checks, one after the other: each file exports checks, the harness counts. URL is the receiver through the proxy,
// DIRECT_URL how it reaches itself (in Docker nobody else does); SMTP and DNS are host:port; BINARY is our program.

import { finish } from "./harness.mjs";
import { forwarder } from "./forwarder.mjs";
import { github } from "./github.mjs";
import { mailAndDns } from "./mail_dns.mjs";
import { smee } from "./smee.mjs";
import { snippets } from "./snippets.mjs";
import { whcli } from "./whcli.mjs";

for (const suite of [whcli, snippets, smee, forwarder, github, mailAndDns]) await suite();
finish();
