// Small things that every part of the page needs. Texts are only ever set as text: a name from a configuration or a
// header of a stranger can't become markup.
export const byId = (id) => document.getElementById(id);
export const count = (n) => n.toLocaleString("en");
export const ms = (value) => (value === null ? "" : value < 10 ? value.toFixed(2) : value.toFixed(0));
export const time = (at) => new Date(at).toLocaleTimeString();
export const percent = (value) => value.toFixed(1) + " %";

export function micros(us) {
  if (us < 1000) return us + " µs";
  return us < 1e6 ? (us / 1000).toFixed(us < 1e4 ? 2 : 1) + " ms" : (us / 1e6).toFixed(2) + " s";
}

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
export function svg(tag, attributes = {}, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Every peer has a colour of its own, the same everywhere on the page. */
const hues = new Map();
export function hue(upstream, peer) {
  const key = upstream + "\n" + peer;
  if (!hues.has(key)) hues.set(key, `var(--peer${hues.size % 8})`);
  return hues.get(key);
}

export const statusClass = (status) => (status >= 500 || status === 0 ? "bad" : status >= 400 ? "warn" : "good");

/** Whatever needs saying to whoever clicked. */
export function notice(text, isGood = false) {
  const place = byId("notice");
  place.classList.toggle("good", isGood);
  setText(place, text);
}

/** A change over the status API; answers whether it was accepted. */
export async function change(path, body, method = "POST") {
  try {
    const answer = await fetch(path, {
      method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(5000),
    });
    const said = await answer.json();
    notice(said.error ?? "");
    return answer.ok;
  } catch (error) {
    notice("The proxy does not answer: " + error.message);
    return false;
  }
}
