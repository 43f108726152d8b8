// Asks for the status and the new samples twice a second while somebody looks, and shows them. No framework.
import { byId, change, count, element, notice, setText, statusClass, time } from "/dom.js";
import { refresh as refreshConf } from "/conf.js";
import { rates, send, showFlow } from "/flow.js";
import { noteKey, showUpstreams } from "/peers.js";
import * as requests from "/requests.js";

const PERIOD_MS = 500;
let isPaused = false;
let seen = 0;
let last = null;
let wasRunning = false;

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error("status " + answer.status);
  return answer.json();
}

function duration(seconds) {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
}

function showSummary(status) {
  setText(byId("summary"), `proxy ${status.version}, up ${duration(status.uptime_seconds)}, configuration ${status.generation} ` +
    `(since ${time(status.loaded)}), ${status.workers.length} ${status.workers.length === 1 ? "worker" : "workers"}`);
}

function showServices(status) {
  const health = new Map(status.upstreams.map((upstream) => [upstream.name,
    [upstream.peers.filter((peer) => peer.state === "up").length, upstream.peers.length]]));
  const place = byId("services");
  const services = status.services.map((service) => ({ ...service, up: health.get(service.upstream) }));
  const shown = JSON.stringify(services);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  place.replaceChildren(...services.map(({ name, about, port, up }) => {
    const url = `${location.protocol}//${location.hostname}${port === 80 ? "" : ":" + port}/`;
    const state = !up ? "quiet" : up[0] === 0 ? "bad" : up[0] < up[1] ? "warn" : "good";
    const words = !up ? "" : up[1] === 1 ? (up[0] ? "" : "down") : `${up[0]} of ${up[1]} up`;
    return element("li", {}, element("a", { href: url, title: about },
      element("span", { className: "dot " + state, role: "img", "aria-label": { good: "up", warn: "partly up", bad: "down", quiet: "" }[state] }), element("strong", {}, name), " ", element("span", {}, `:${port} ${words}`)));
  }));
  const port = byId("port");
  if (!port.options.length) port.append(...services.map((service) => element("option", { value: service.written }, service.name)));
}

function tile(title, value, more, picture) {
  return element("div", {}, element("dt", {}, title), element("dd", {}, value, more ? element("small", {}, more) : null, picture));
}

/** A bucket for each of the keys that were asked for last, the fullest first, filled as far as it is. */
function buckets({ levels, capacity, kind }) {
  const full = levels.length ? `${levels[0].toFixed(kind === "requests" ? 1 : 0)} of ${capacity} ${kind} in the fullest bucket` : "all buckets are empty";
  const row = element("div", { className: "buckets", role: "img", "aria-label": full, title: full });
  for (const level of levels) {
    const fill = element("i");
    fill.style.height = Math.min(100, 100 * level / Math.max(1, capacity)) + "%";
    row.append(element("span", {}, fill));
  }
  return row;
}

function showTiles(status, perSecond) {
  const { responses, connections, upgrades, tls } = status;
  const bad = responses["5xx"];
  const tiles = [
    ["Requests", count(status.requests), perSecond >= 0.05 ? `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} a second` : "none now"],
    ["Answers 2xx, 3xx", count(responses["2xx"] + responses["3xx"]), "to clients"],
    ["Answers 4xx | 5xx", `${count(responses["4xx"])} | ${count(bad)}`, bad ? "some failed" : "none failed"],
    ["Connections", count(connections.active), `of ${count(connections.accepted)} accepted`],
    ["Open tunnels", count(upgrades.open), `of ${count(upgrades.total)} upgrades`],
    ["TLS 1.3 | 1.2", `${count(tls["TLSv1.3"])} | ${count(tls["TLSv1.2"])}`, `${count(tls.resumed)} resumed, ${count(tls.http2)} HTTP/2`],
  ];
  for (const zone of status.limits ?? []) {
    tiles.push([`Limit ${zone.name}`, `${count(zone.rejected)} refused`,
      `${count(zone.delayed)} delayed, ${count(zone.passed)} passed, ${count(zone.keys)} keys`, buckets(zone)]);
  }
  for (const cache of status.caches ?? []) {
    const told = Object.entries(cache.answers).filter(([, times]) => times > 0).map(([how, times]) => `${count(times)} ${how}`);
    tiles.push([`Cache ${cache.name}`, `${cache.hit_percent.toFixed(1)} % hits`, told.join(", ") || `${count(cache.entries)} entries`]);
  }
  byId("tiles").replaceChildren(...tiles.map((one) => tile(...one)));
}

function showLoad({ running, requests, done, failed, statuses }) {
  const bar = byId("sent");
  bar.hidden = !running;
  bar.max = requests || 1;
  bar.value = done;
  byId("load").querySelector("button").disabled = running;
  if (wasRunning && !running) {
    const told = Object.entries(statuses).map(([status, times]) => `${count(times)} times ${status}`);
    if (failed) told.push(`${count(failed)} without an answer`);
    const isGood = !failed && Object.keys(statuses).every((status) => statusClass(Number(status)) === "good");
    notice(`${count(done)} requests: ${told.join(", ")}`, isGood);
  }
  wasRunning = running;
}

async function refresh() {
  try {
    const [status, { samples }] = await Promise.all([ask("/api/status"), ask("/api/samples?after=" + seen)]);
    if (last && status.started !== last.started) [seen] = [0];
    const now = performance.now();
    const seconds = last ? (now - last.at) / 1000 : 1;
    const perSecond = last ? Math.max(0, status.requests - last.requests) / seconds : 0;
    showSummary(status);
    showServices(status);
    showTiles(status, perSecond);
    showLoad(status.load);
    requests.learn(status.upstreams);
    showUpstreams(status.upstreams);
    showFlow(status.upstreams, rates(status.upstreams, seconds), perSecond);
    await refreshConf(status.generation);
    if (last) show(samples);
    else if (samples.length) show(samples.slice(-20));
    last = { at: now, requests: status.requests, started: status.started };
    stale("");
  } catch (error) {
    stale(`The proxy does not answer (${error.message}); these are its last numbers.`);
  }
}

function show(samples) {
  if (!samples.length) return;
  // In order, spread over the time until the next answer: many come in the first moment of it.
  samples.forEach((sample, n) => {
    noteKey(sample);
    send(sample, PERIOD_MS * n / samples.length, requests.peerOf);
  });
  seen = samples.at(-1).id;
  requests.add(samples);
}

let wasStale = false;
function stale(trouble) {
  if (trouble || wasStale) notice(trouble);
  wasStale = trouble !== "";
  byId("upstreams").classList.toggle("stale", wasStale);
}

async function poll() {
  if (!isPaused && !document.hidden) await refresh();
  setTimeout(poll, PERIOD_MS);
}

byId("pause").addEventListener("click", (event) => {
  isPaused = !isPaused;
  event.target.setAttribute("aria-pressed", String(isPaused));
  setText(event.target, isPaused ? "Go on" : "Pause");
});
byId("reset").addEventListener("click", async () => {
  if (await change("/api/reset", {})) await refresh();
});
byId("load").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await change("/api/load", { requests: 1000, port: Number(byId("port").value) })) wasRunning = true;
});
poll();
