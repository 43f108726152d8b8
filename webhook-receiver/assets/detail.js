// One delivery: what it is, headers, query, form, files, body as tree, text and bytes, and what can be done with it.

import { byId, copy, el, hex, size, table, tree } from "./dom.js";
import * as wire from "./wire.js";

const SHOWN_TEXT = 200_000;
const SHOWN_BYTES = 16_384;

export class Detail {
  constructor(onRemoved) {
    this.onRemoved = onRemoved;
    this.turn = 0;
    this.record = null;
  }

  clear() {
    this.turn++;
    this.record = null;
    byId("detail").replaceChildren(el("p", { class: "quiet" }, "Nothing chosen."));
  }

  async show(token, uuid) {
    const turn = ++this.turn;
    try {
      const [record, body] = await Promise.all([wire.request(token, uuid), wire.raw(token, uuid)]);
      if (turn !== this.turn) return;
      this.token = token;
      this.record = record;
      this.body = body;
      this.draw();
    } catch (error) {
      if (turn === this.turn) byId("detail").replaceChildren(el("p", { class: "bad" }, error.message));
    }
  }

  draw() {
    const { record } = this;
    byId("detail").replaceChildren(
      el("h2", { class: "mono" }, `${record.method || record.type} ${record.url}`),
      this.tools(),
      this.facts(),
      this.note(),
      this.tabs());
  }

  tools() {
    const result = el("output", { role: "status" });
    const target = el("input", { type: "url", id: "resend-to", "aria-label": "Where to send it again", placeholder: "this inbox, or http://127.0.0.1:3000/" });
    const resend = async () => {
      try {
        const told = await wire.resend(this.token, this.record.uuid, target.value.trim());
        result.textContent = told.status ? `answered ${told.status}` : told.error;
      } catch (error) { result.textContent = error.message; }
    };
    const web = this.record.type === "web";
    return el("div", { class: "tools" },
      web ? el("button", { type: "button", id: "curl", onclick: (event) => copy(this.curl(), event.target) }, "Copy as curl") : null,
      el("a", { href: `/token/${this.token}/request/${this.record.uuid}/raw`, target: "_blank", rel: "noopener" }, "Raw"),
      el("button", { type: "button", onclick: () => this.remove() }, "Delete"),
      web ? target : null,
      web ? el("button", { type: "button", id: "resend", onclick: resend }, "Send again") : null,
      result);
  }

  note() {
    const { token, record } = this;
    const text = el("input", { name: "note", maxlength: "10000", "aria-label": "Note", placeholder: "A note on this delivery", value: record.note ?? "" });
    const result = el("output", { role: "status" });
    const save = async (event) => {
      event.preventDefault();
      try {
        await wire.note(token, record.uuid, text.value);
        result.textContent = "Saved.";
      } catch (error) { result.textContent = error.message; }
    };
    return el("form", { class: "tools", id: "note", onsubmit: save }, text, el("button", {}, "Save note"), result);
  }

  facts() {
    const { record } = this;
    const facts = [["id", record.uuid], ["arrived", `${record.created_at} UTC`], ["from", record.ip], ["size", size(record.size)]];
    if (record.sender) facts.push(["mail from", record.sender]);
    if (record.destinations?.length) facts.push(["mail to", record.destinations.join(", ")]);
    const signature = record.signature;
    if (signature) {
      const words = [signature.scheme, signature.verdict, signature.reason].filter(Boolean).join(": ");
      facts.push(["signature", words]);
    }
    if (record.delivery_id) facts.push(["delivery id", record.delivery_id]);
    if (record.duplicate_of) facts.push(["repeats", record.duplicate_of]);
    return table("Facts", facts);
  }

  tabs() {
    const { record } = this;
    const pairs = (object) => Object.entries(object ?? {}).map(([name, value]) => [name, plain(value)]);
    const headers = Object.entries(record.headers ?? {}).flatMap(([name, values]) => [values].flat().map((value) => [name, String(value)]));
    const text = new TextDecoder().decode(this.body.subarray(0, SHOWN_TEXT));
    const panels = [];
    const json = this.json(text);
    if (json !== undefined) panels.push(["Tree", () => el("ul", { class: "tree" }, tree(json))]);
    panels.push(["Raw", () => el("pre", { id: "raw" }, text + (this.body.length > SHOWN_TEXT ? "\n[cut]" : ""))]);
    panels.push([`Headers (${headers.length})`, () => table("Headers, names in lower case", headers)]);
    if (record.query) panels.push(["Query", () => table("Query", pairs(record.query))]);
    if (record.request) panels.push(["Form", () => table("Form", pairs(record.request))]);
    if (Object.keys(record.files ?? {}).length) panels.push(["Files", () => this.files()]);
    if (record.text_content) panels.push(["Mail text", () => el("pre", {}, record.text_content)]);
    panels.push(["Hex", () => el("pre", { class: "hex" }, hex(this.body.subarray(0, SHOWN_BYTES)) + (this.body.length > SHOWN_BYTES ? "\n[cut]" : ""))]);
    return tabbed(panels);
  }

  /** The body's JSON, or that in a form's `payload`. */
  json(text) {
    for (const candidate of [text, this.record.request?.payload]) {
      try {
        const value = JSON.parse(candidate);
        if (value !== null && typeof value === "object") return value;
      } catch { /* no JSON */ }
    }
    return undefined;
  }

  files() {
    const items = Object.entries(this.record.files).map(([field, file]) => el("li", {},
      `${field}: `, el("a", { href: `/token/${this.token}/request/${this.record.uuid}/download/${encodeURIComponent(file.id)}`, download: "" }, file.filename || "file"),
      ` ${file.content_type ?? ""} ${size(file.size)}`));
    return el("ul", {}, ...items);
  }

  async remove() {
    await wire.remove(this.token, this.record.uuid);
    this.clear();
    this.onRemoved();
  }

  /** The request as a command for a POSIX shell: everything in single quotes, so nothing in it is a command. */
  curl() {
    const { record } = this;
    const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
    const parts = [`curl -X ${quote(record.method)} ${quote(record.url)}`];
    const dropped = new Set(["host", "content-length", "connection", "accept-encoding", "transfer-encoding", "expect"]);
    for (const [name, values] of Object.entries(record.headers ?? {})) {
      if (dropped.has(name) || name.startsWith("x-forwarded-") || name === "x-real-ip") continue;
      for (const value of [values].flat()) parts.push(`-H ${quote(`${name}: ${value}`)}`);
    }
    if (this.body.length === 0) return parts.join(" \\\n  ");
    let text = null;
    try { text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.body); } catch { /* bytes */ }
    if (text !== null && !text.includes("\0")) {
      // An @ at the start would name a file; --data-raw takes it as it is.
      parts.push(`--data-raw ${quote(text)}`);
      return parts.join(" \\\n  ");
    }
    parts.push("--data-binary @-");
    let binary = "";
    for (const byte of this.body) binary += String.fromCharCode(byte);
    return `printf %s ${quote(btoa(binary))} | base64 -d | ${parts.join(" \\\n  ")}`;
  }
}

function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Tabs that arrow keys move between; a panel is built when it is first looked at. */
function tabbed(panels) {
  const panel = el("div", { role: "tabpanel", tabindex: "0" });
  const tabs = panels.map(([name], at) => el("button", { type: "button", role: "tab", onclick: () => choose(at) }, name));
  const choose = (at) => {
    tabs.forEach((tab, other) => {
      tab.setAttribute("aria-selected", String(other === at));
      tab.tabIndex = other === at ? 0 : -1;
    });
    panel.replaceChildren(panels[at][1]());
  };
  const list = el("div", { role: "tablist", "aria-label": "Parts of the delivery", onkeydown: (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = (tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  } }, ...tabs);
  choose(0);
  return el("div", {}, list, panel);
}
