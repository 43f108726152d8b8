// The last requests: a list that holds still while somebody points at it, and the chosen one in every detail.
import { byId, element, hue, micros, setText, statusClass, time } from "/dom.js";
import { light } from "/conf.js";

const MOST = 200;
const SHOWN = 60;
const PHASES = { first_byte: "first byte", upload: "request body" };
let samples = [];
let chosen = null;
let isPinned = false;

/** The name of a peer as it stands in the file; a try knows its address only. */
let names = new Map();
export function learn(upstreams) {
  names = new Map(upstreams.flatMap((upstream) => upstream.peers.map((peer) => [upstream.name + "\n" + peer.address, peer.name])));
}
export const peerOf = (upstream, one) => one.choice?.peer ?? names.get(upstream + "\n" + one.address) ?? one.address;

const FILTERS = {
  all: () => true,
  retried: (sample) => sample.tries.length > 1,
  failed: (sample) => sample.status >= 500 || sample.status === 0,
};

export function add(fresh) {
  samples = [...fresh].reverse().concat(samples).slice(0, MOST);
  show();
}

export function forget() {
  samples = [];
}

function isHeld() {
  const list = byId("list");
  return list.matches(":hover") || list.contains(document.activeElement);
}

export function show(always = false) {
  const wanted = samples.filter(FILTERS[byId("filter").value]);
  const held = isHeld() && !always;
  const list = byId("list");
  const newest = Number(list.dataset.newest ?? 0);
  const newer = held ? wanted.filter((sample) => sample.id > newest).length : 0;
  setText(byId("held"), newer ? `${newer} newer: the list holds still while you are on it` : "");
  if (held) return;
  list.dataset.newest = wanted[0]?.id ?? 0;
  list.replaceChildren(...wanted.slice(0, SHOWN).map(row));
  // Until somebody chooses, the newest is shown; a retried one tells more than one that went well.
  if (!isPinned && wanted.length) choose(wanted.slice(0, 20).find(FILTERS.retried) ?? wanted[0], false);
}

function row(sample) {
  const dots = element("span");
  for (const one of sample.tries) {
    const dot = element("span", { className: "dot", title: peerOf(sample.upstream, one) });
    dot.style.color = hue(sample.upstream, peerOf(sample.upstream, one));
    dots.append(dot);
  }
  const button = element("button", { type: "button" },
    element("strong", { className: statusClass(sample.status) }, String(sample.status)),
    element("span", { className: "target mono" }, `${sample.method} ${sample.target}`), dots,
    element("span", { className: "took" }, micros(sample.took)));
  const peers = sample.tries.map((one) => peerOf(sample.upstream, one)).join(", then ") || "answered by the proxy itself";
  button.setAttribute("aria-label", `${sample.method} ${sample.target}, ${sample.status}, ${peers}, ${micros(sample.took)}`);
  button.dataset.id = sample.id;
  if (sample === chosen) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => choose(sample, true));
  return element("li", {}, button);
}

function choose(sample, pin) {
  isPinned ||= pin;
  if (sample === chosen) return;
  chosen = sample;
  for (const button of byId("list").querySelectorAll("button")) {
    if (button.dataset.id === String(sample.id)) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  byId("detail").replaceChildren(...detail(sample));
  byId("detail").dataset.id = sample.id;
  light(sample);
}

function detail(sample) {
  const status = element("strong", { className: statusClass(sample.status) }, String(sample.status));
  const title = element("h3", {}, element("span", { className: "mono" }, `${sample.method} ${sample.target}`), " → ", status, ` in ${micros(sample.took)}`);
  const facts = [`${time(sample.at)} from ${sample.client}`, sample.protocol, sample.tls, `host ${sample.host}`,
    sample.server.name ? `server ${sample.server.name}` : null, sample.upstream ? `upstream ${sample.upstream}` : "no upstream", sample.fault];
  const parts = [title, element("p", { className: "quiet facts" }, facts.filter(Boolean).join(" · "))];
  const own = sample.spans.filter((span) => span.try === null);
  const firstTry = sample.spans.findIndex((span) => span.try !== null);
  const isBefore = (span) => firstTry < 0 || sample.spans.indexOf(span) < firstTry;
  parts.push(...own.filter(isBefore).map((span) => bar(sample, span)));
  sample.tries.forEach((one, index) => parts.push(attempt(sample, one, index)));
  parts.push(...own.filter((span) => !isBefore(span)).map((span) => bar(sample, span)));
  const heads = element("div", { className: "heads" });
  parts.push(headsTitle(sample, heads), heads);
  return parts;
}

function bar(sample, span, colour, isLost) {
  const mark = element("i", { className: isLost ? "lost" : "" });
  const whole = Math.max(1, sample.took);
  mark.style.left = Math.min(99.5, 100 * span.from / whole) + "%";
  mark.style.width = 100 * (span.to - span.from) / whole + "%";
  if (colour) mark.style.setProperty("--hue", colour);
  const took = micros(span.to - span.from);
  return element("div", { className: "span" }, element("span", {}, PHASES[span.phase] ?? span.phase),
    element("span", { className: "track" }, mark), element("span", { className: "took" }, took));
}

function attempt(sample, one, index) {
  const name = peerOf(sample.upstream, one);
  const colour = hue(sample.upstream, name);
  const spans = sample.spans.filter((span) => span.try === index);
  const lost = one.failure !== null || (sample.tries.length > index + 1);
  const dot = element("span", { className: "dot" });
  dot.style.color = colour;
  const head = element("p", {}, dot, element("strong", {}, `Try ${index + 1}: ${name}`), " ",
    element("strong", { className: statusClass(one.status ?? 0) }, one.status === null ? "no answer" : String(one.status)));
  const why = one.choice ? element("p", { className: "quiet" }, "Why: " + one.choice.why) : null;
  const failure = one.failure ? element("p", { className: "bad" }, one.failure) : null;
  const made = element("div", { className: "try" }, head, why, failure, ...spans.map((span, n) => bar(sample, span, colour, lost && n === spans.length - 1)));
  made.style.setProperty("--hue", colour);
  return made;
}

function headsTitle(sample, place) {
  const title = element("h4", {}, "Heads");
  const show = (index) => place.replaceChildren(...heads(sample, sample.tries[index]));
  show(sample.tries.length - 1);
  if (sample.tries.length < 2) return title;
  const select = element("select", { className: "small", "aria-label": "Heads of which try" });
  select.append(...sample.tries.map((one, n) => element("option", { value: n }, `of try ${n + 1}`)));
  select.value = sample.tries.length - 1;
  select.addEventListener("change", () => show(Number(select.value)));
  title.append(" ", select);
  return title;
}

/** Four heads side by side. What only the second of a pair has is new; what only the first has was not passed on. */
function heads(sample, one) {
  return [
    head("Client sent", sample.request, one?.request, "del", "not passed on"),
    head("Peer was sent", one?.request, sample.request, "ins", "by the proxy"),
    head("Peer answered", one?.answer, sample.answer, "del", "not passed on"),
    head("Client got", sample.answer, one?.answer, "ins", "by the proxy"),
  ].filter(Boolean);
}

function head(title, lines, other, tag, meaning) {
  if (!lines) return null;
  const known = new Set((other?.fields ?? []).map(([name, value]) => name.toLowerCase() + ":" + value));
  const shown = lines.fields.map(([name, value]) => {
    const text = `${name}: ${value}`;
    const isSame = !other || known.has(name.toLowerCase() + ":" + value);
    return isSame ? text + "\n" : element(tag, { title: meaning }, text + "\n");
  });
  return element("div", {}, element("h5", {}, title), element("pre", {}, lines.line + "\n", ...shown, lines.cut ? "…" : ""));
}

byId("filter").addEventListener("change", () => show(true));
