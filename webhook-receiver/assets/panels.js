// The three panels below: the inbox's answer, forwarding rules, and the sender.

import { byId, el } from "./dom.js";
import * as wire from "./wire.js";

const POLL_MILLISECONDS = 2000;

/** Runs a form's action and says in its output how it went. */
function onSubmit(form, action) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector("output");
    try {
      output.textContent = await action(new FormData(form));
      output.className = "good";
    } catch (error) {
      output.textContent = error.message;
      output.className = "bad";
    }
  });
}

export class Panels {
  constructor() {
    onSubmit(byId("answer"), (form) => this.saveAnswer(form));
    onSubmit(byId("forward"), (form) => this.addRule(form));
    onSubmit(byId("send"), (form) => this.send(form));
    byId("forward-panel").addEventListener("toggle", () => this.drawRules());
    byId("send-panel").addEventListener("toggle", () => this.drawDeliveries());
    setInterval(() => { if (byId("forward-panel").open && !document.hidden) this.drawRules(); }, POLL_MILLISECONDS);
  }

  open(token) {
    this.token = token.uuid;
    const form = byId("answer").elements;
    for (const name of ["default_status", "default_content_type", "timeout", "default_content", "secret"]) {
      form[name].value = token[name] ?? "";
    }
    form.cors.checked = Boolean(token.cors);
    byId("forward-command").textContent =
      `webhook-receiver forward --token ${token.uuid} --server ${location.origin} --target http://localhost:3000`;
    this.drawRules();
    this.drawDeliveries();
  }

  async saveAnswer(form) {
    await wire.saveToken(this.token, {
      default_status: Number(form.get("default_status")),
      default_content_type: form.get("default_content_type"),
      default_content: form.get("default_content"),
      timeout: Number(form.get("timeout") || 0),
      secret: form.get("secret"),
      cors: form.get("cors") !== null,
    });
    return "Saved.";
  }

  async addRule(form) {
    await wire.addForward(this.token, form.get("target"));
    await this.drawRules();
    return "Added; it begins with the next delivery.";
  }

  async send(form) {
    const secret = form.get("secret");
    const wish = { event: form.get("event"), form: form.get("form") === "1", title: form.get("title"), text: "Seen in lab 8." };
    if (secret) wish.secret = secret;
    const entry = await wire.send(this.token, wish);
    this.drawDeliveries();
    return entry.status ? `Answered ${entry.status} in ${entry.duration_ms} ms.` : entry.error;
  }

  async drawRules() {
    if (!byId("forward-panel").open) return;
    const { data, listening } = await wire.forwards(this.token);
    byId("listening").textContent = listening === 0 ? "No forwarder is connected."
      : `${listening} ${listening === 1 ? "forwarder is" : "forwarders are"} connected.`;
    // Don't pull a button from under a finger, nor dead letters from under an eye.
    const busy = byId("rules").contains(document.activeElement) || byId("rules").querySelector(":scope ul button");
    if (busy && data.length === byId("rules").children.length) return;
    byId("rules").replaceChildren(...data.map((rule) => this.rule(rule)));
  }

  rule(rule) {
    const state = rule.enabled ? (rule.failed ? `trying again, ${rule.failed} failed` : "running") : "stopped";
    const told = [`${state}, ${rule.delivered} delivered, ${rule.dead} dead`, rule.stopped, rule.last_error].filter(Boolean);
    const act = (action) => async () => { await action(); byId("rules").replaceChildren(); this.drawRules(); };
    const letters = el("ul");
    const showDead = async () => {
      const { data } = await wire.deadLetters(this.token, rule.id);
      letters.replaceChildren(...data.map((letter) => el("li", {}, `${letter.request}: ${letter.reason} `,
        el("button", { type: "button", onclick: act(() => wire.retryDead(this.token, rule.id, letter.request)) }, "Try again"))));
    };
    return el("li", {},
      el("code", {}, rule.target), ` ${told.join("; ")} `,
      el("button", { type: "button", onclick: act(() => wire.switchForward(this.token, rule.id, !rule.enabled)) }, rule.enabled ? "Stop" : "Start"), " ",
      el("button", { type: "button", onclick: act(() => wire.removeForward(this.token, rule.id)) }, "Remove"), " ",
      rule.dead ? el("button", { type: "button", onclick: showDead }, "Dead letters") : null,
      letters);
  }

  async drawDeliveries() {
    if (!byId("send-panel").open) return;
    const { data } = await wire.deliveries(this.token);
    byId("deliveries").replaceChildren(...data.slice(0, 10).map((entry) => el("li", {},
      `${entry.event} ${entry.redelivery ? "redelivered" : "delivered"}: ${entry.status ?? entry.error} `,
      el("code", {}, entry.guid), " ",
      el("button", { type: "button", onclick: async () => { await wire.redeliver(this.token, entry.id); this.drawDeliveries(); } }, "Redeliver"))));
  }
}
