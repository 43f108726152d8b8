// Building the page from data that strangers sent: every text becomes a text node, never markup.

/** An element with properties and children; strings become text. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

export async function copy(text, button) {
  let done = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard without HTTPS or permission: choose the text instead.
    const area = el("textarea", { class: "skip" });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy") ? "Copied" : "Can't copy";
    area.remove();
  }
  if (!button) return;
  const before = button.textContent;
  button.textContent = done;
  setTimeout(() => { button.textContent = before; }, 1200);
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** A table of names and values. */
export function table(caption, pairs) {
  if (pairs.length === 0) return el("p", { class: "quiet" }, `${caption}: none`);
  const rows = pairs.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)));
  return el("table", {}, el("caption", {}, caption), el("tbody", {}, ...rows));
}

/** A JSON value that opens and closes; `budget.left` bounds the number of lines. */
export function tree(value, key, budget = { left: 3000 }, depth = 0) {
  const name = key === undefined ? "" : el("span", { class: "key" }, `${key}: `);
  if (budget.left-- <= 0) return el("li", { class: "quiet" }, "more; see Raw");
  if (value === null || typeof value !== "object") return el("li", {}, name, JSON.stringify(value));
  const entries = Object.entries(value);
  const short = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0) return el("li", {}, name, short);
  const list = el("ul");
  for (const [inner, item] of entries) {
    list.append(tree(item, inner, budget, depth + 1));
    if (budget.left <= 0) break;
  }
  const details = el("details", {}, el("summary", {}, name, short), list);
  details.open = depth < 2;
  return el("li", {}, details);
}

/** Offset, sixteen bytes, the same as characters. */
export function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${digits}  ${text}`);
  }
  return lines.join("\n");
}
