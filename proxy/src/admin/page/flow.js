// Who talks to whom, now: lanes from the clients through the proxy to each peer, as wide as what they carry, with the
// sampled requests moving on them. Whoever wants no motion sees the lanes and the numbers.
import { byId, element, hue, svg } from "/dom.js";

const ROW = 25;
const STEP_MS = 320;
const MOST_DOTS = 60;
const still = matchMedia("(prefers-reduced-motion: reduce)");
let lanes = new Map();
let entry = null;
let drawn = "";
let dots = [];
let layer = null;
let previous = new Map();

const keyOf = (upstream, name) => upstream + "\n" + name;

/** Requests a second since the last answer, for each peer. */
export function rates(upstreams, seconds) {
  const now = new Map();
  const found = new Map();
  for (const upstream of upstreams) {
    for (const peer of upstream.peers) {
      const key = keyOf(upstream.name, peer.name);
      now.set(key, peer.requests);
      found.set(key, Math.max(0, peer.requests - (previous.get(key) ?? peer.requests)) / seconds);
    }
  }
  previous = now;
  return found;
}

function curve(x1, y1, x2, y2) {
  const half = (x2 - x1) / 2;
  return `M${x1} ${y1} C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`;
}

function box(x, y, width, height, label) {
  const group = svg("g");
  const text = svg("text", { x: x + width / 2, y: y + height / 2 + 4.5, "text-anchor": "middle" }, label);
  group.append(svg("rect", { class: "node", x, y, width, height, rx: 8 }), text);
  return group;
}

function draw(upstreams, width) {
  const rows = upstreams.reduce((sum, upstream) => sum + upstream.peers.length, 0);
  const isGroup = (upstream) => upstream.peers.length > 1;
  const height = rows * ROW + upstreams.filter(isGroup).length * 26 + 12;
  const isNarrow = width < 560;
  const [client, proxy] = isNarrow ? [54, 54] : [90, 90];
  const middle = width * (isNarrow ? 0.26 : 0.32);
  const right = width * (isNarrow ? 0.5 : 0.66);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img" });
  const y = height / 2;
  entry = svg("path", { class: "lane", d: curve(client, y, middle, y), stroke: "var(--accent)" });
  layer = svg("g");
  lanes = new Map();
  const labels = [];
  let top = 6;
  for (const upstream of upstreams) {
    if (isGroup(upstream)) {
      labels.push(svg("text", { class: "faint", x: right + 14, y: top + 14 }, upstream.name));
      top += 18;
    }
    for (const peer of upstream.peers) {
      const at = top + ROW / 2;
      const lane = svg("path", { class: "lane", d: curve(middle + proxy, y, right, at) });
      lane.style.stroke = hue(upstream.name, peer.name);
      const name = svg("text", { x: right + 14, y: at + 4.5 }, peer.name);
      const rate = svg("text", { class: "faint", x: Math.min(width - 4, right + 250), y: at + 4.5, "text-anchor": "end" });
      const end = svg("circle", { cx: right + 4, cy: at, r: 5 });
      end.style.fill = hue(upstream.name, peer.name);
      lanes.set(keyOf(upstream.name, peer.name), { lane, rate, end });
      labels.push(name, rate, end);
      top += ROW;
    }
    if (isGroup(upstream)) top += 8;
  }
  picture.append(entry, ...[...lanes.values()].map((one) => one.lane), layer,
    box(0, y - 18, client, 36, "clients"), box(middle, y - 18, proxy, 36, "proxy"), ...labels);
  byId("flow").replaceChildren(picture);
  dots = [];
}

export function showFlow(upstreams, perPeer, total) {
  const width = Math.round(byId("flow").clientWidth);
  const shape = width + JSON.stringify(upstreams.map((upstream) => [upstream.name, upstream.peers.map((peer) => peer.name)]));
  if (shape !== drawn) draw(upstreams, width);
  drawn = shape;
  const thick = (rate) => (rate === 0 ? 1.5 : Math.min(16, 2.5 + 2 * Math.log2(1 + rate)));
  entry.setAttribute("stroke-width", thick(total));
  const said = [];
  for (const upstream of upstreams) {
    for (const peer of upstream.peers) {
      const { lane, rate, end } = lanes.get(keyOf(upstream.name, peer.name));
      const now = perPeer.get(keyOf(upstream.name, peer.name)) ?? 0;
      lane.setAttribute("stroke-width", thick(now));
      lane.classList.toggle("out", peer.state !== "up");
      end.style.fillOpacity = peer.state === "up" ? 1 : 0.15;
      rate.textContent = peer.state === "up" ? (now ? `${now < 10 ? now.toFixed(1) : Math.round(now)}/s` : "") : peer.state;
      said.push(`${peer.name} ${peer.state}, ${now.toFixed(1)} a second`);
    }
  }
  byId("flow").firstChild.setAttribute("aria-label", `Requests now: ${total.toFixed(1)} a second. ${said.join("; ")}`);
}

/** A sample's way: in, to each peer that was asked and back, out. */
export function send(sample, delay, peerOf) {
  if (still.matches || document.hidden || !layer || dots.length >= MOST_DOTS) return;
  const way = [{ path: entry, back: false, colour: "var(--accent)" }];
  for (const one of sample.tries) {
    const name = peerOf(sample.upstream, one);
    const lane = lanes.get(keyOf(sample.upstream, name))?.lane;
    if (!lane) continue;
    const failed = one.failure !== null || one.status >= 500;
    way.push({ path: lane, back: false, colour: hue(sample.upstream, name) });
    way.push({ path: lane, back: true, colour: failed ? "var(--bad)" : "var(--good)" });
  }
  const colour = sample.status >= 500 ? "var(--bad)" : sample.status >= 400 ? "var(--warn)" : "var(--good)";
  way.push({ path: entry, back: true, colour });
  const mark = svg("circle", { r: 4.5, visibility: "hidden" });
  layer.append(mark);
  dots.push({ mark, way, start: performance.now() + delay });
  if (dots.length === 1) requestAnimationFrame(move);
}

function move(now) {
  dots = dots.filter(({ mark, way, start }) => {
    const steps = (now - start) / STEP_MS;
    if (steps < 0) return true;
    const step = way[Math.floor(steps)];
    if (!step) {
      mark.remove();
      return false;
    }
    const done = step.back ? 1 - (steps % 1) : steps % 1;
    const at = step.path.getPointAtLength(done * step.path.getTotalLength());
    mark.setAttribute("cx", at.x);
    mark.setAttribute("cy", at.y);
    mark.setAttribute("visibility", "visible");
    mark.style.fill = step.colour;
    return true;
  });
  if (dots.length) requestAnimationFrame(move);
}
