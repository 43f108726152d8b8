// The peers of each upstream: what was promised, what they have, what the balancer remembers; and the buttons.
// Rows are made once and then only their texts change, so a selection or a focus survives the next answer.
import { byId, change, count, element, hue, ms, percent, setText, svg, time } from "/dom.js";

const STATES = { up: "good", unavailable: "bad", unhealthy: "bad", down: "quiet", draining: "warn", unresolved: "warn", checking: "warn" };
const METHODS = ["round_robin", "least_conn", "ip_hash", "random", "random two least_conn"];
const HASHES = ["hash", "hash consistent"];
const COLUMNS = [
  ["Peer", "", showName],
  ["Address", "mono", (peer) => peer.address ?? "none"],
  ["State", "", showState],
  ["Requests", "number", (peer) => count(peer.requests)],
  ["Share | promised", "share", showShare],
  ["In flight", "number", (peer) => count(peer.in_flight)],
  ["p50 ms", "number", (peer) => ms(peer.latency_ms.p50)],
  ["p95 ms", "number", (peer) => ms(peer.latency_ms.p95)],
  ["p99 ms", "number", (peer) => ms(peer.latency_ms.p99)],
  ["Fails", "number", (peer) => count(peer.fails)],
  ["Balancer", "memory", memory],
  ["Change", "changes", showChanges],
];

function showName(peer, cell, upstream) {
  if (cell.firstChild) return;
  const dot = element("span", { className: "dot" });
  dot.style.color = hue(upstream.name, peer.name);
  cell.append(dot, peer.name);
  cell.title = (peer.address ?? "no address") + (peer.backup ? ", backup: used when no other is left" : "");
}

function countdown(until) {
  const seconds = Math.ceil((Date.parse(until) - Date.now()) / 1000);
  return seconds > 0 ? `tried again in ${seconds} s` : "tried again now";
}

function showState(peer, cell) {
  if (!cell.firstChild) cell.append(element("strong"), element("span", { className: "why quiet" }));
  const [state, why] = cell.children;
  state.className = STATES[peer.state] ?? "";
  setText(state, peer.state + (peer.backup ? " (backup)" : ""));
  const parts = [peer.why];
  if (peer.since) parts.push("since " + time(peer.since));
  if (peer.until) parts.push(countdown(peer.until));
  setText(why, parts.filter(Boolean).join("; "));
}

function showShare(peer, cell, upstream) {
  if (!cell.firstChild) {
    const track = element("div", { className: "track" }, element("span", { className: "bar" }), element("span", { className: "promise" }));
    track.style.setProperty("--hue", hue(upstream.name, peer.name));
    cell.append(element("span"), track);
  }
  setText(cell.firstChild, `${percent(peer.share_percent)} | ${percent(peer.promised_percent)}`);
  const [bar, promise] = cell.lastChild.children;
  bar.style.width = peer.share_percent + "%";
  promise.style.left = `calc(${peer.promised_percent}% - 1px)`;
}

/** What the method looks at when it chooses. */
function memory(peer, cell, upstream) {
  const total = upstream.peers.reduce((sum, one) => sum + one.weight, 0);
  switch (upstream.method) {
    case "least_conn": case "random two least_conn": return `${peer.in_flight} in flight / weight ${peer.weight}`;
    case "ip_hash": case "hash": return `owns ${peer.weight} of ${total} hash values`;
    case "hash consistent": {
      const index = upstream.peers.indexOf(peer);
      const owned = (upstream.ring ?? []).filter((owner) => owner === index).length;
      return `owns ${percent(100 * owned / Math.max(1, upstream.ring?.length))} of the ring`;
    }
    case "least_time header": case "least_time last_byte": return `answers in ${ms(peer.latency_ms.p50)} ms, ${peer.in_flight} in flight`;
    case "random": return `${peer.weight} of ${total} sides of the dice`;
    default: return `current weight ${peer.current_weight}, gains ${peer.effective_weight}`;
  }
}

function showChanges(peer, cell, upstream) {
  if (!cell.firstChild) {
    const path = `/api/upstreams/${encodeURIComponent(upstream.name)}/peers/${encodeURIComponent(peer.name)}`;
    const button = element("button", { type: "button", className: "small" });
    button.addEventListener("click", () => change(path, { state: button.dataset.to }, "PATCH"));
    const weight = element("input", { type: "number", min: 1, max: 1000, "aria-label": "Weight of " + peer.name, title: "Weight" });
    weight.addEventListener("change", () => change(path, { weight: Number(weight.value) }, "PATCH"));
    cell.append(button, " ", weight);
  }
  const [button, weight] = cell.children;
  const isOut = peer.state === "down" || peer.state === "draining";
  button.dataset.to = isOut ? "up" : "drain";
  setText(button, isOut ? "Bring up" : "Drain");
  button.setAttribute("aria-label", `${button.textContent} ${peer.name}`);
  if (document.activeElement !== weight) weight.value = peer.weight;
}

/** A panel for each upstream; those of one peer, next to each other, share one. */
function grouped(upstreams) {
  const groups = [];
  for (const upstream of upstreams) {
    const isLone = upstream.peers.length < 2;
    const last = groups.at(-1);
    if (isLone && last?.isLone) last.upstreams.push(upstream);
    else groups.push({ isLone, upstreams: [upstream] });
  }
  return groups;
}

function panel({ isLone, upstreams }) {
  const [upstream] = upstreams;
  const title = isLone ? (upstreams.length > 1 ? "One server each" : upstream.name) : upstream.name;
  const select = element("select", { className: "small", "aria-label": "Method of " + upstream.name });
  const known = HASHES.includes(upstream.method) ? [...METHODS, ...HASHES] : METHODS;
  select.append(...known.map((method) => element("option", { value: method }, method)));
  select.hidden = isLone;
  select.addEventListener("change", () => change(`/api/upstreams/${encodeURIComponent(upstream.name)}`, { method: select.value }, "PATCH"));
  const head = element("div", { className: "bar-of-tools" }, element("h3", {}, title), element("span", { className: "quiet" }), select);
  const table = element("table", { role: "table" });
  const row = table.createTHead().insertRow();
  for (const [title, className] of COLUMNS) row.append(element("th", { className: className === "number" ? className : "", scope: "col" }, title));
  table.createTBody();
  // Wide tables scroll by keyboard, too.
  const scroll = element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Peers: " + title }, table);
  const ring = svg("svg", { class: "ring", viewBox: "0 0 120 120", role: "img", "aria-label": "The ring of " + upstream.name });
  return element("section", { className: "panel upstream" }, head, element("div", { className: "with-ring" }, scroll, ring));
}

function showGroup({ upstreams }, place) {
  const [, requests, select] = place.firstChild.children;
  const total = upstreams.reduce((sum, upstream) => sum + upstream.requests, 0);
  setText(requests, total === 1 ? "1 request" : count(total) + " requests");
  if (document.activeElement !== select) select.value = upstreams[0].method;
  const body = place.querySelector("tbody");
  const rows = upstreams.flatMap((upstream) => upstream.peers.map((peer) => [upstream, peer]));
  const names = rows.map(([upstream, peer]) => upstream.name + " " + peer.name).join("\n");
  if (body.dataset.names !== names) body.replaceChildren();
  body.dataset.names = names;
  rows.forEach(([upstream, peer], n) => {
    const row = body.rows[n] ?? body.insertRow();
    COLUMNS.forEach(([title, className, show], column) => {
      let cell = row.cells[column];
      if (!cell) {
        cell = column === 0 ? element("th", { scope: "row" }) : element("td", { className, "data-label": title });
        row.append(cell);
      }
      const text = show(peer, cell, upstream);
      if (typeof text === "string") setText(cell, text);
    });
  });
  showRing(upstreams[0], place.querySelector(".ring"));
}

/** The ring of `hash ... consistent`, each part in the colour of its peer; marks are the keys of the last requests. */
const keys = new Map();
export function noteKey(sample) {
  for (const one of sample.tries) {
    if (one.choice?.degrees === null || one.choice?.degrees === undefined) continue;
    keys.set(sample.upstream, [...(keys.get(sample.upstream) ?? []), one.choice.degrees].slice(-12));
  }
}

function showRing(upstream, place) {
  const owners = upstream.ring ?? [];
  place.classList.toggle("hidden", owners.length === 0);
  const marks = keys.get(upstream.name) ?? [];
  const shown = JSON.stringify([owners, marks]);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  const around = 2 * Math.PI * 44;
  const step = around / owners.length;
  place.replaceChildren(...owners.map((owner, n) => {
    const part = svg("circle", {
      cx: 60, cy: 60, r: 44, "stroke-dasharray": `${step + 0.4} ${around}`, "stroke-dashoffset": -n * step, transform: "rotate(-90 60 60)",
    });
    part.style.stroke = hue(upstream.name, upstream.peers[owner].name);
    return part;
  }), ...marks.map((degrees) => {
    const mark = svg("path", { d: "M60 2 v12", transform: `rotate(${degrees} 60 60)`, "stroke-width": 3 });
    mark.style.stroke = "var(--ink)";
    return mark;
  }));
}

export function showUpstreams(upstreams) {
  const place = byId("upstreams");
  const groups = grouped(upstreams);
  const names = JSON.stringify(upstreams.map((upstream) => [upstream.name, HASHES.includes(upstream.method), upstream.peers.length > 1]));
  if (place.dataset.names !== names) {
    place.dataset.names = names;
    place.replaceChildren(...groups.map(panel));
  }
  groups.forEach((group, n) => showGroup(group, place.children[n]));
}
