// Talking to the receiver: its REST API and its live stream.

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let answer = null;
  try { answer = text === "" ? null : JSON.parse(text); } catch { /* an error page */ }
  if (response.ok) return answer;
  const fields = answer && !answer.error ? Object.values(answer).flat().filter((part) => typeof part === "string") : [];
  const message = answer?.error?.message ?? (fields.join("; ") || `the receiver answered ${response.status}`);
  throw Object.assign(new Error(message), { status: response.status });
}

export const createToken = () => call("POST", "/token", {});
export const token = (id) => call("GET", `/token/${id}`);
export const saveToken = (id, fields) => call("PUT", `/token/${id}`, fields);
export const requests = (id, query, page) => {
  const search = new URLSearchParams({ sorting: "newest", per_page: "50", page: String(page) });
  if (query) search.set("query", query);
  return call("GET", `/token/${id}/requests?${search}`);
};
export const request = (id, uuid) => call("GET", `/token/${id}/request/${uuid}`);
export const note = (id, uuid, text) => call("PUT", `/token/${id}/requests/${uuid}`, { note: text });
export const remove = (id, uuid) => call("DELETE", `/token/${id}/request/${uuid}`);
export const removeAll = (id) => call("DELETE", `/token/${id}/request`);
export const resend = (id, uuid, target) => call("POST", `/token/${id}/request/${uuid}/resend`, target ? { target } : {});
export const forwards = (id) => call("GET", `/token/${id}/forwards`);
export const addForward = (id, target) => call("POST", `/token/${id}/forwards`, { target });
export const switchForward = (id, rule, enabled) => call("PUT", `/token/${id}/forwards/${rule}`, { enabled });
export const removeForward = (id, rule) => call("DELETE", `/token/${id}/forwards/${rule}`);
export const deadLetters = (id, rule) => call("GET", `/token/${id}/forwards/${rule}/dead`);
export const retryDead = (id, rule, uuid) => call("POST", `/token/${id}/forwards/${rule}/dead/${uuid}`);
export const send = (id, wish) => call("POST", `/token/${id}/deliveries`, wish);
export const deliveries = (id) => call("GET", `/token/${id}/deliveries`);
export const redeliver = (id, delivery) => call("POST", `/token/${id}/deliveries/${delivery}/attempts`);

/** The body as it came. */
export async function raw(id, uuid) {
  const response = await fetch(`/token/${id}/request/${uuid}/raw`);
  if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Rows as they arrive; the browser reconnects by itself, and `onState(true)` then says that rows may be missing. */
export function follow(id, onRows, onState) {
  const source = new EventSource(`/token/${id}/stream`);
  source.addEventListener("ready", () => onState(true));
  source.addEventListener("rows", (event) => onRows(JSON.parse(event.data)));
  source.addEventListener("error", () => onState(false));
  return source;
}
