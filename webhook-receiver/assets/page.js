// Ties the page together: which token it is, its addresses, the live line and the keys.

import { byId, copy } from "./dom.js";
import { Detail } from "./detail.js";
import { List } from "./list.js";
import { Panels } from "./panels.js";
import * as wire from "./wire.js";

const REMEMBERED = "webhook-token";
const detail = new Detail(() => list.load());
const list = new List((uuid) => detail.show(current.uuid, uuid));
const panels = new Panels();
let current = null;
let line = null;

/** The token in the address bar, else the last one, else a new one. */
async function start() {
  const named = location.hash.slice(1);
  for (const id of [named, localStorage.getItem(REMEMBERED)]) {
    if (!id || !/^[A-Za-z0-9_-]{3,36}$/.test(id)) continue;
    try { return open(await wire.token(id)); } catch (error) { if (error.status === undefined) throw error; }
  }
  return open(await wire.createToken());
}

async function open(token) {
  current = token;
  localStorage.setItem(REMEMBERED, token.uuid);
  history.replaceState(null, "", `#${token.uuid}`);
  const url = `${location.origin}/${token.uuid}`;
  byId("url").textContent = url;
  byId("email").textContent = `${token.uuid}@hook.localhost`;
  byId("dns").textContent = `anything.${token.uuid}.dnshook.localhost`;
  byId("try").textContent = `curl ${url} -d hello=world`;
  byId("qr").src = `/token/${token.uuid}/qr.svg`;
  detail.clear();
  panels.open(token);
  line?.close();
  line = wire.follow(token.uuid, (rows) => list.arrived(rows), (up) => {
    byId("live").textContent = up ? "live" : "reconnecting";
    byId("live").className = up ? "good" : "warn";
    if (up) list.load();
  });
  await list.open(token.uuid);
}

const say = (error) => { byId("live").textContent = error.message; byId("live").className = "bad"; };

byId("new").addEventListener("click", () => wire.createToken().then(open).catch(say));
byId("clear").addEventListener("click", async () => {
  if (!confirm("Delete all deliveries of this inbox?")) return;
  await wire.removeAll(current.uuid).catch(say);
  detail.clear();
  await list.load();
});
document.addEventListener("click", (event) => {
  const source = event.target.dataset?.copy;
  if (source) copy(byId(source).textContent, event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = { j: () => list.step(1), k: () => list.step(-1), "/": () => byId("search").focus(), c: () => byId("curl")?.click() }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
window.addEventListener("hashchange", () => { if (location.hash.slice(1) !== current?.uuid) start().catch(say); });
start().catch(say);
