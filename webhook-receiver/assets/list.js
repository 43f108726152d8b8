// The list of deliveries: the newest first, narrowed by the search, moved through by keyboard.

import { byId, el, size } from "./dom.js";
import * as wire from "./wire.js";

const MOST_ROWS = 500;

export class List {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.rows = [];
    this.page = 1;
    this.total = 0;
    this.turn = 0;
    this.chosen = null;
    const search = byId("search");
    search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.load(), 200);
    });
    byId("more").firstElementChild.addEventListener("click", () => this.older());
  }

  get query() { return byId("search").value.trim(); }

  async open(token) {
    this.token = token;
    this.chosen = null;
    await this.load();
  }

  /** Asks again, from the newest on. A slower answer to an older question is thrown away. */
  async load() {
    const turn = ++this.turn;
    try {
      const answer = await wire.requests(this.token, this.query, 1);
      if (turn !== this.turn) return;
      this.page = 1;
      this.rows = answer.data;
      this.total = answer.total;
      this.last = answer.is_last_page;
      this.draw();
    } catch (error) {
      if (turn === this.turn) byId("count").textContent = error.message;
    }
  }

  async older() {
    const answer = await wire.requests(this.token, this.query, ++this.page);
    const known = new Set(this.rows.map((row) => row.uuid));
    this.rows.push(...answer.data.filter((row) => !known.has(row.uuid)));
    this.last = answer.is_last_page;
    this.draw();
  }

  /** Rows that have just arrived, the oldest first. */
  arrived({ rows, missed }) {
    if (this.query || missed > 0) {
      // Whether they match, or what was missed, only the server knows.
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.load(), 200);
      return;
    }
    const known = new Set(this.rows.map((row) => row.uuid));
    const fresh = rows.filter((row) => !known.has(row.uuid)).reverse();
    this.rows = [...fresh, ...this.rows].slice(0, MOST_ROWS);
    this.total += fresh.length;
    this.draw();
  }

  draw() {
    const list = byId("list");
    const focused = document.activeElement?.dataset?.uuid;
    list.replaceChildren(...this.rows.map((row) => this.item(row)));
    if (focused) list.querySelector(`[data-uuid="${CSS.escape(focused)}"]`)?.focus();
    const what = this.query ? "found" : "stored";
    byId("count").textContent = `${this.total} ${what}`;
    byId("more").hidden = this.last !== false;
    if (this.rows.length === 0) {
      list.append(el("li", { class: "quiet" }, this.query ? "Nothing matches." : "Nothing yet. Send something."));
    }
  }

  item(row) {
    const path = row.type === "dns" ? row.url.replace("dns://", "") : pathOf(row.url, this.token);
    const tags = [];
    if (row.signature?.scheme) tags.push(tag(row.signature.verdict === "valid" ? "good" : "bad", `signature ${row.signature.verdict}`));
    if (row.duplicate_of) tags.push(tag("warn", "repeated"));
    const button = el("button", { type: "button", "data-uuid": row.uuid, onclick: () => this.choose(row.uuid) },
      el("span", { class: "method" }, row.type === "web" ? row.method : row.type.toUpperCase()),
      el("span", { class: "what mono" }, row.type === "email" ? (row.sender ?? "") : path),
      el("span", { class: "quiet" }, size(row.size)),
      el("span", { class: "note quiet" }, `${row.created_at.slice(11)} UTC from ${row.ip} `, ...tags));
    if (row.uuid === this.chosen) button.setAttribute("aria-current", "true");
    return el("li", {}, button);
  }

  choose(uuid) {
    this.chosen = uuid;
    for (const button of byId("list").querySelectorAll("button")) {
      button.toggleAttribute("aria-current", false);
      if (button.dataset.uuid === uuid) button.setAttribute("aria-current", "true");
    }
    this.onChoose(uuid);
  }

  /** The next (1) or previous (-1) row. */
  step(by) {
    if (this.rows.length === 0) return;
    const at = this.rows.findIndex((row) => row.uuid === this.chosen);
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), this.rows.length - 1);
    this.choose(this.rows[next].uuid);
    byId("list").querySelectorAll("button")[next]?.focus();
  }
}

function tag(look, text) {
  return el("span", { class: `tag ${look}` }, text);
}

/** What stands behind the token in a URL. */
export function pathOf(url, token) {
  const at = url.indexOf(`/${token}`);
  return (at < 0 ? url : url.slice(at + token.length + 1)) || "/";
}
