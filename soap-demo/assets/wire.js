// Messages: how they are written, sent and shown.

export const NAMESPACES = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
};

export function escape(text) {
  return text.replace(/[&<>"]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);
}

/** A request for `operation` of `contract`, with `values` by parameter; what is in `oddities` is wrong on purpose. */
export function message(contract, operation, values, version, oddities = {}) {
  const name = oddities.element ?? operation.name;
  const parameters = Object.entries(values).map(([key, value]) => `      <${key}>${escape(value)}</${key}>\n`).join('');
  const body = parameters ? `>\n${parameters}    </${name}>` : '/>';
  const action = oddities.action ?? operation.action;
  return {
    path: contract.path,
    headers: version === '1.1'
      ? { 'Content-Type': 'text/xml; charset=utf-8', SOAPAction: `"${action}"` }
      : { 'Content-Type': `application/soap+xml; charset=utf-8; action="${action}"` },
    body: `<?xml version="1.0" encoding="utf-8"?>
${oddities.doctype ?? ''}<soap:Envelope xmlns:soap="${oddities.namespace ?? NAMESPACES[version]}">
${oddities.header ?? ''}  <soap:Body>
    <${name} xmlns="${contract.namespace}"${body}
  </soap:Body>
</soap:Envelope>`,
  };
}

/** Sends it; the answer with everything that a page may see of it. */
export async function send({ path, headers, body }) {
  const begun = performance.now();
  const response = await fetch(path, { method: 'POST', headers, body });
  const text = await response.text();
  const took = performance.now() - begun;
  return { status: response.status, reason: response.statusText, headers: [...response.headers], text, took };
}

export function bytes(text) {
  return new TextEncoder().encode(text).length;
}

/** Writes a message into `place`: first line, headers, body. */
export function show(place, first, headers, body) {
  place.textContent = '';
  add(place, 'x-start', first + '\n');
  for (const [name, value] of headers) add(place, 'x-header', `${name}: ${value}\n`);
  add(place, '', '\n');
  // Longer ones are shown in part: a page with 120 KB of coloured text is no pleasure.
  const shown = body.slice(0, 20000);
  for (const [kind, text] of pieces(indented(shown))) add(place, kind, text);
  if (shown.length < body.length) add(place, 'x-quiet', `\n… ${body.length - shown.length} more characters`);
}

function add(place, kind, text) {
  const span = document.createElement('span');
  span.className = kind;
  span.textContent = text;
  place.append(span);
}

/** A message on one line is hard to read; one that has lines is left as it came. */
function indented(xml) {
  if (!xml.startsWith('<') || xml.trim().split('\n').length > 2) return xml;
  let depth = 0;
  return xml.replace(/>\s*</g, '>\n<').split('\n').map(line => {
    if (line.startsWith('</')) depth -= 1;
    const out = '  '.repeat(Math.max(depth, 0)) + line;
    if (/^<[^?!/]/.test(line) && !/\/>$/.test(line) && !/<\/[^>]+>$/.test(line)) depth += 1;
    return out;
  }).join('\n');
}

/** Splits XML into kind and text, for colours only: the server is the one that must read it rightly. */
function* pieces(xml) {
  for (const [part] of xml.matchAll(/<[^>]*>|[^<]+/g)) {
    if (/^<[?!]/.test(part)) yield ['x-quiet', part];
    else if (!part.startsWith('<')) yield ['', part];
    else for (const [piece] of part.matchAll(/^<\/?[^\s/>]+|"[^"]*"|[^\s="]+=|[^"]/g)) {
      yield [piece.startsWith('<') ? 'x-name' : piece.startsWith('"') ? 'x-value' : piece.endsWith('=') ? 'x-attribute' : 'x-name', piece];
    }
  }
}
