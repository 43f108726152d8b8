// Polls /api/status once a second and shows it. No framework: rows are made once and then only their texts change, so
// a selection or a focus in the table survives the next second.
"use strict";

const PERIOD_MS = 1000;
const STATES = { up: "good", unavailable: "bad", down: "quiet", unresolved: "warn" };
const COLUMNS = [
  ["Peer", "", (peer) => peer.name + (peer.backup ? " (backup)" : "")],
  ["Address", "mono", (peer) => peer.address ?? "none"],
  ["State", "", showState],
  ["In flight", "number", (peer) => count(peer.in_flight)],
  ["Requests", "number", (peer) => count(peer.requests)],
  ["Share", "share", showShare],
  ["Fails", "number", (peer) => count(peer.fails)],
  ["p50 ms", "number", (peer) => ms(peer.latency_ms.p50)],
  ["p95 ms", "number", (peer) => ms(peer.latency_ms.p95)],
  ["p99 ms", "number", (peer) => ms(peer.latency_ms.p99)],
];

const byId = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en");
const ms = (value) => (value === null ? "" : value < 10 ? value.toFixed(2) : value.toFixed(0));
const time = (utc) => new Date(utc).toLocaleTimeString();
let paused = false;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// Texts are only ever set as text: a name from a configuration can't become markup.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function showState(peer, cell) {
  if (!cell.firstChild) cell.append(element("strong"), element("span", "why quiet"));
  const [state, why] = cell.children;
  state.className = STATES[peer.state] ?? "";
  setText(state, peer.state);
  const parts = [peer.why];
  if (peer.since) parts.push("since " + time(peer.since));
  if (peer.until) parts.push("tried again after " + time(peer.until));
  setText(why, parts.filter(Boolean).join("; "));
}

function showShare(peer, cell) {
  if (!cell.firstChild) {
    const track = element("div", "track");
    track.append(element("span", "bar"));
    cell.append(element("span"), track);
  }
  setText(cell.firstChild, peer.share_percent.toFixed(1) + " %");
  const bar = cell.lastChild.firstChild;
  bar.classList.toggle("empty", peer.requests === 0);
  bar.style.width = peer.share_percent + "%";
}

function table(upstream) {
  const made = element("table");
  made.append(element("caption"));
  const head = made.createTHead().insertRow();
  for (const [title, className] of COLUMNS) {
    const cell = element("th", className === "mono" ? "" : className, title);
    cell.scope = "col";
    head.append(cell);
  }
  made.createTBody();
  const scroll = element("div", "scroll");
  // Wide tables scroll by keyboard, too.
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "Peers of " + upstream.name);
  scroll.append(made);
  return scroll;
}

function showUpstream(upstream, place) {
  const made = place.querySelector("table");
  const requests = upstream.requests === 1 ? "1 request" : count(upstream.requests) + " requests";
  setText(made.caption, `upstream ${upstream.name}: ${upstream.method}, ${requests}`);
  const body = made.tBodies[0];
  while (body.rows.length > upstream.peers.length) body.deleteRow(-1);
  upstream.peers.forEach((peer, n) => {
    const row = body.rows[n] ?? body.insertRow();
    COLUMNS.forEach(([, className, show], column) => {
      let cell = row.cells[column];
      if (!cell) {
        cell = column === 0 ? element("th") : element("td", className);
        if (column === 0) cell.scope = "row";
        row.append(cell);
      }
      const text = show(peer, cell);
      if (text !== undefined) setText(cell, text);
    });
  });
}

function showUpstreams(upstreams) {
  const place = byId("upstreams");
  const names = upstreams.map((upstream) => upstream.name).join("\n");
  if (place.dataset.names !== names) {
    place.dataset.names = names;
    place.replaceChildren(...upstreams.map(table));
  }
  upstreams.forEach((upstream, n) => showUpstream(upstream, place.children[n]));
}

function showServices(services) {
  const place = byId("services");
  const shown = JSON.stringify(services);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  place.replaceChildren(...services.map((service) => {
    const url = `${location.protocol}//${location.hostname}${service.port === 80 ? "" : ":" + service.port}/`;
    const link = element("a", "", service.name);
    link.href = url;
    const card = element("li", "card");
    card.append(link, " ", element("span", "quiet mono", url), element("p", "", service.about));
    return card;
  }));
}

function duration(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
}

function showSummary(status) {
  const { active, accepted } = status.connections;
  setText(byId("summary"), `proxy ${status.version}, up ${duration(status.uptime_seconds)}, ` +
    `configuration ${status.generation} (since ${time(status.loaded)}), ${status.workers.length} workers, ` +
    `${count(active)} connections open of ${count(accepted)}, ${count(status.requests)} requests`);
}

async function refresh() {
  try {
    const answer = await fetch("/api/status", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error("status " + answer.status);
    const status = await answer.json();
    showSummary(status);
    showServices(status.services);
    showUpstreams(status.upstreams);
    fresh("");
  } catch (error) {
    fresh(`The proxy does not answer (${error.message}); these are its last numbers.`);
  }
}

function fresh(trouble) {
  setText(byId("freshness"), trouble);
  byId("upstreams").classList.toggle("stale", trouble !== "");
}

async function poll() {
  if (!paused && !document.hidden) await refresh();
  setTimeout(poll, PERIOD_MS);
}

byId("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.setAttribute("aria-pressed", String(paused));
  setText(event.target, paused ? "Go on" : "Pause");
});
poll();
