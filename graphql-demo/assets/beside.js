// The panel beside the explorer: one question over GraphQL, REST-style JSON and SOAP, with what went over the wire.
'use strict';

const bytes = (text) => new Blob([text]).size;
const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
};

async function text(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.text();
}

/** Each way gives its trips: what was asked, the request's body, the answer's. */
const ways = {
  async GraphQL(code) {
    const sent = JSON.stringify({ query: lab.question, variables: { code } });
    const headers = { 'content-type': 'application/json' };
    const got = await text('/graphql', { method: 'POST', body: sent, headers });
    return [{ asked: 'POST /graphql', sent, got }];
  },

  async 'REST-style JSON'(code) {
    const get = async (url) => ({ asked: `GET ${url}`, sent: '', got: await text(url) });
    const country = await get(`/rest/countries/${encodeURIComponent(code)}`);
    // Only this answer tells which languages to ask for.
    return [country, ...(await Promise.all(JSON.parse(country.got).languages.map(get)))];
  },

  async SOAP() {
    const [sent, got] = await Promise.all([text('/assets/soap-request.xml'), text('/assets/soap-answer.xml')]);
    return [{ asked: 'POST /websamples.countryinfo/CountryInfoService.wso', sent, got }];
  },
};

async function ask() {
  const code = document.getElementById('code').value.trim().toUpperCase();
  const table = document.getElementById('ways');
  const wire = document.getElementById('wire');
  const verdict = document.getElementById('verdict');
  try {
    const names = Object.keys(ways);
    const all = await Promise.all(Object.values(ways).map((way) => way(code)));
    table.replaceChildren(...all.map((trips, index) => row(names[index], trips)));
    wire.replaceChildren(...all.map((trips, index) => details(names[index], trips)));
    verdict.textContent = says(all);
  } catch (error) {
    verdict.textContent = `No comparison: ${error.message}`;
  }
}

const sum = (trips, part) => trips.reduce((total, trip) => total + bytes(trip[part]), 0);

function row(name, trips) {
  const line = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  head.textContent = name;
  const numbers = [trips.length, sum(trips, 'sent'), sum(trips, 'got')].map((number) => {
    const cell = document.createElement('td');
    cell.className = 'number';
    cell.textContent = number;
    return cell;
  });
  line.append(head, ...numbers);
  return line;
}

function details(name, trips) {
  const box = document.createElement('details');
  const summary = document.createElement('summary');
  summary.textContent = `${name} on the wire`;
  const lines = trips.map(({ asked, sent, got }) => [asked, sent && pretty(sent), pretty(got)].filter(Boolean).join('\n\n'));
  const shown = document.createElement('pre');
  shown.tabIndex = 0;
  shown.textContent = lines.join('\n\n');
  box.append(summary, shown);
  return box;
}

function says([graphql, rest]) {
  const more = (sum(rest, 'got') / sum(graphql, 'got')).toFixed(1);
  return `REST receives ${more} times as much as GraphQL, in ${rest.length} round trips of which only the first can start at once; `
    + 'but its GETs send nothing, and any cache between you and the server can keep them.';
}

addEventListener('DOMContentLoaded', () => {
  document.getElementById('ask').addEventListener('click', ask);
  document.getElementById('code').addEventListener('keydown', (event) => {
    if (event.key === 'Enter') ask();
  });
});
