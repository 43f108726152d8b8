// The npm soap peer: `node npm_soap_server.js PORT OURS WSDL_FOLDER` answers Add and FullCountryInfoAllCountries on
// 127.0.0.1:PORT, by our contracts. It learns the countries from OURS, our server's address, as a client.
const http = require('node:http');
const fs = require('node:fs');
const path = require('node:path');
const soap = require('soap');

const [port, ours, contracts] = process.argv.slice(2);
const contract = name => fs.readFileSync(path.join(contracts, `${name}.wsdl`), 'utf8');
const COUNTRY_INFO = '/websamples.countryinfo/CountryInfoService.wso';

async function main() {
  const client = await soap.createClientAsync(`${ours}${COUNTRY_INFO}?wsdl`);
  const [countries] = await client.FullCountryInfoAllCountriesAsync({});
  const server = http.createServer((request, response) => response.writeHead(404).end());
  server.keepAliveTimeout = 60_000;
  server.listen(Number(port), '127.0.0.1', () => {
    soap.listen(server, COUNTRY_INFO, portOf('CountryInfoService', { FullCountryInfoAllCountries: () => countries }), contract('CountryInfoService'));
    const Add = ({ intA, intB }) => ({ AddResult: Number(intA) + Number(intB) });
    soap.listen(server, '/calculator.asmx', portOf('Calculator', { Add }), contract('Calculator'));
  });
}

function portOf(service, operations) {
  return { [service]: { [`${service}Soap`]: operations } };
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
