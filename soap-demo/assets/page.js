// The form: operations from the contracts, both messages of each call.
import { message, send, show, bytes } from './wire.js';
import { startComparison } from './compare.js';

const at = id => document.getElementById(id);
const contracts = await (await fetch('/page/operations.json')).json();

function chosen() {
  const contract = contracts[at('service').value];
  return { contract, operation: contract.operations[at('operation').value] };
}

function options(select, names) {
  select.replaceChildren(...names.map((name, index) => new Option(name, index)));
}

function showOperations() {
  options(at('operation'), contracts[at('service').value].operations.map(operation => operation.name));
  showParameters();
}

function showParameters() {
  const { operation } = chosen();
  at('result-type').textContent = `answers ${operation.result}`;
  at('parameters').replaceChildren(...operation.parameters.map(({ name, type, sample }) => {
    const label = document.createElement('label');
    const input = document.createElement('input');
    Object.assign(input, { name, value: sample });
    label.append(`${name} (${type}) `, input);
    return label;
  }));
}

async function exchange(request) {
  const headers = Object.entries(request.headers);
  show(at('request'), `POST ${request.path} HTTP/1.1`, headers, request.body);
  at('summary').textContent = '…';
  try {
    const answer = await send(request);
    show(at('answer'), `HTTP/1.1 ${answer.status} ${answer.reason}`, answer.headers, answer.text);
    at('summary').textContent = `${bytes(request.body)} bytes there, ${bytes(answer.text)} back, ${answer.took.toFixed(1)} ms`;
  } catch (error) {
    at('answer').textContent = `no answer: ${error.message}`;
    at('summary').textContent = '';
  }
}

at('form').addEventListener('submit', event => {
  event.preventDefault();
  const { contract, operation } = chosen();
  const values = Object.fromEntries([...at('parameters').querySelectorAll('input')].map(input => [input.name, input.value]));
  const request = message(contract, operation, values, event.submitter?.value ?? '1.1');
  if (at('strict').checked) request.path = `/strict${request.path}`;
  exchange(request);
});

const BREAKS = {
  'must-understand': [{
    header: '  <soap:Header>\n    <t:Transaction xmlns:t="urn:lab8" soap:mustUnderstand="1">42</t:Transaction>\n  </soap:Header>\n',
  }, 'A receiver that does not know a header with mustUnderstand="1" must refuse the message: a transaction is nothing to ignore.'],
  action: [{ action: 'http://tempuri.org/Divide' },
    'Header and body must not say different things: a firewall may look at one, the service at the other.'],
  doctype: [{ doctype: '<!DOCTYPE lol [<!ENTITY lol "lol">]>\n' },
    'SOAP forbids DTDs: entities that hold entities make gigabytes of a few hundred bytes.'],
  unknown: [{ element: 'Power', action: 'http://tempuri.org/Power' }, 'It is not in the contract, so it can\'t be called.'],
  version: [{ namespace: 'urn:soap:2.0' }, 'The namespace of the envelope is the version: this server says which ones it speaks.'],
};

at('break').addEventListener('click', event => {
  const kind = event.target.dataset.break;
  if (!kind) return;
  const [oddities, why] = BREAKS[kind];
  const contract = contracts.find(({ service }) => service === 'Calculator');
  const operation = contract.operations.find(({ name }) => name === 'Add');
  at('expectation').textContent = why;
  exchange(message(contract, operation, { intA: '17', intB: '5' }, '1.1', oddities));
});

at('contracts').append(...contracts.flatMap(({ service, path }, index) => {
  const link = document.createElement('a');
  Object.assign(link, { href: `${path}?WSDL`, textContent: service });
  return index ? [', ', link] : [link];
}));
options(at('service'), contracts.map(({ service }) => service));
at('service').addEventListener('change', showOperations);
at('operation').addEventListener('change', showParameters);
showOperations();
const capital = contracts[0].operations.findIndex(({ name }) => name === 'CapitalCity');
if (capital >= 0) at('operation').value = capital;
showParameters();
startComparison(contracts);
document.body.dataset.ready = 'yes';
