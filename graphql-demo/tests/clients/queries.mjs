// node queries.mjs URL: npm graphql-request asks the module's question, and npm graphql's own client utilities rebuild
// the schema from the introspection and find in it all that the public API's interface has.
import { readFileSync } from 'node:fs';
import { buildClientSchema, buildSchema, findBreakingChanges, getIntrospectionQuery } from 'graphql';
import { ClientError, GraphQLClient, gql } from 'graphql-request';

const [url, sdl] = process.argv.slice(2);
const client = new GraphQLClient(url);
const question = gql`
  query GetCountry($code: ID!) {
    country(code: $code) { name native capital emoji currency languages { code name } }
  }
`;
let passed = 0;
let failed = 0;

function check(name, holds, otherwise = '') {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}${holds ? '' : `: ${otherwise}`}`);
}

const { country } = await client.request(question, { code: 'BR' });
const brazil = {
  name: 'Brazil',
  native: 'Brasil',
  capital: 'Brasília',
  emoji: '🇧🇷',
  currency: 'BRL',
  languages: [{ code: 'pt', name: 'Portuguese' }],
};
check("graphql-request: the module's question, keys in the order of the query", JSON.stringify(country) === JSON.stringify(brazil), JSON.stringify(country));

const batch = await client.batchRequests(['BR', 'AR', 'XX'].map((code) => ({ document: question, variables: { code } })));
check('graphql-request: three questions in one request', batch.map(({ data }) => data.country?.name).join() === 'Brazil,Argentina,', JSON.stringify(batch));

const error = await client.request('{ country { name } }').catch((error) => error);
check('graphql-request: a wrong question is an error of the client', error instanceof ClientError && error.response.errors.length > 0, String(error));

const ours = buildClientSchema(await client.request(getIntrospectionQuery()));
// graphql-js adds to any SDL the standard directives as it knows them, drafts included; those are not the API's.
const missing = findBreakingChanges(buildSchema(readFileSync(sdl, 'utf8')), ours).filter(
  ({ type }) => !type.startsWith('DIRECTIVE_'),
);
check("graphql: nothing of the public API's interface is missing", missing.length === 0, missing.map(({ description }) => description).join('; '));

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
