// The loaded configuration, with the server and the location of the chosen request lit.
import { byId, element } from "/dom.js";

let files = [];
let loaded = 0;
let lit = null;

/** Reads the files again after a reload. */
export async function refresh(generation) {
  if (generation === loaded) return;
  const answer = await fetch("/api/config", { cache: "no-store", signal: AbortSignal.timeout(5000) });
  const config = await answer.json();
  [files, loaded] = [config.files, config.generation];
  const select = byId("file");
  select.replaceChildren(...files.map((file, n) => element("option", { value: n }, file.path)));
  show(0);
}

function show(index) {
  const place = byId("conf");
  byId("file").value = index;
  place.dataset.file = files[index]?.path ?? "";
  const lines = (files[index]?.text ?? "").replace(/\n$/, "").split("\n");
  place.replaceChildren(...lines.map((line, n) => element("span", { "data-line": n + 1 }, line || " ")));
  mark();
}

/** Lights the blocks of a request; `null` is a request that met none. */
export function light(sample) {
  lit = sample;
  const path = (sample.location.place ?? sample.server.place)?.file;
  const index = files.findIndex((file) => file.path === path);
  if (index >= 0 && byId("conf").dataset.file !== path) show(index);
  else mark();
}

function mark() {
  const place = byId("conf");
  const within = (block, line) => block?.place && block.place.file === place.dataset.file && line >= block.place.from && line <= block.place.to;
  let first = null;
  [...place.children].forEach((row, n) => {
    const isServer = within(lit?.server, n + 1);
    const isLocation = isServer && lit.location.place.from !== lit.server.place.from && within(lit.location, n + 1);
    row.className = isLocation ? "location" : isServer ? "server" : "";
    if (isLocation && !first) first = row;
    else if (isServer && !first && lit.location.place.from === lit.server.place.from) first = row;
  });
  // Not scrollIntoView: it would move the page, too.
  if (first) place.scrollTop = Math.max(0, first.offsetTop - place.offsetTop - 60);
}

byId("file").addEventListener("change", (event) => show(Number(event.target.value)));
