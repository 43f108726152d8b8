// The same question as SOAP 1.1, SOAP 1.2, JSON and GraphQL.
import { message, send, bytes } from './wire.js';

const at = id => document.getElementById(id);

/** What graphql-demo answers to the same question, recorded, since it is another origin. */
const recorded = await (await fetch('/page/graphql.json')).json();

export function startComparison(contracts) {
  const contract = contracts.find(({ service }) => service === 'CountryInfoService');
  const operation = contract.operations.find(({ name }) => name === 'FullCountryInfo');
  at('ask').addEventListener('click', () => ask(contract, operation, at('code').value));
  at('code').addEventListener('keydown', event => {
    if (event.key === 'Enter') ask(contract, operation, at('code').value);
  });
}

async function ask(contract, operation, code) {
  const rows = [];
  for (const version of ['1.1', '1.2']) {
    const values = { sCountryISOCode: code };
    rows.push(await soap(`SOAP ${version}`, message(contract, operation, values, version)));
    const strict = message(contract, operation, values, version);
    strict.path = `/strict${strict.path}`;
    rows.push(await soap(`SOAP ${version}, strict`, strict));
  }
  rows.push(await json(contract, operation, code), graphql(code));
  at('rows').replaceChildren(...rows.map(row));
}

async function soap(title, request) {
  const answer = await send(request);
  const reason = /<faultstring[^>]*>([^<]*)|<soap:Text[^>]*>([^<]*)/.exec(answer.text);
  const shape = reason ? `a fault: ${reason[1] ?? reason[2]}` : inBand(answer.text);
  return [title, bytes(request.body), bytes(answer.text), 1, answer.status, shape];
}

async function json(contract, operation, code) {
  const response = await fetch(`${contract.path}/${operation.name}/JSON?sCountryISOCode=${encodeURIComponent(code)}`);
  const text = await response.text();
  return ['JSON, by GET', 0, bytes(text), 1, response.status, inBand(text)];
}

function inBand(text) {
  return text.includes('not found') ? 'a result whose name is "Country not found in the database"' : 'found';
}

function graphql(code) {
  const query = recorded.query.replace('BR', code);
  const back = code === 'BR' ? recorded.found : code === 'QQ' ? recorded.missing : null;
  const shape = { [recorded.found]: 'found', [recorded.missing]: 'null where the country would be' }[back] ?? 'not recorded';
  return ['GraphQL (recorded)', bytes(query), back ? bytes(back) : '–', 1, back ? 200 : '–', shape];
}

function row(cells) {
  const line = document.createElement('tr');
  cells.forEach((cell, index) => {
    const place = document.createElement(index ? 'td' : 'th');
    if (index > 0 && index < 4) place.className = 'number';
    place.textContent = cell;
    line.append(place);
  });
  return line;
}
