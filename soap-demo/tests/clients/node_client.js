// npm soap makes the calls of calls.json: `node node_client.js BASE 1.1|1.2` prints a line for each.
const soap = require('soap');
const { paths, calls } = require('./calls.json');

const [base, version] = process.argv.slice(2);
const isSoap12 = version === '1.2';

/** The texts of an answer in document order, without empty ones. */
function leaves(value) {
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (typeof value !== 'object') return [String(value)];
  return Object.entries(value).flatMap(([name, item]) => (name === 'attributes' ? [] : leaves(item)));
}

function fault(error) {
  const fault = error.root?.Envelope.Body.Fault;
  if (!fault) throw error;
  const plain = value => value?.$value ?? value;
  const code = plain(fault.faultcode ?? fault.Code.Value).split(':').pop();
  const name = { Sender: 'Client', Receiver: 'Server' }[code] ?? code;
  return `FAULT ${name}: ${plain(fault.faultstring ?? fault.Reason.Text)}`;
}

async function main() {
  const clients = {};
  for (const { name, service, operation, arguments: given } of calls) {
    clients[service] ??= await soap.createClientAsync(base + paths[service] + '?wsdl', {
      forceSoap12Headers: isSoap12,
      disableCache: true,
    });
    const port = clients[service][service][service + (isSoap12 ? 'Soap12' : 'Soap')];
    const answer = await new Promise((resolve, reject) => {
      port[operation](given, (error, result) => {
        try {
          resolve(error ? fault(error) : leaves(result).join('|'));
        } catch (other) {
          reject(other);
        }
      });
    });
    console.log(`${name}\t${answer}`);
  }
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
