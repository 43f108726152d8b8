// node audit.mjs URL: the audits of npm graphql-http, "GraphQL over HTTP". A line for each; exit 1 if one fails.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
const results = [];
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const result = await audit.fn().catch((error) => ({ status: 'error', reason: String(error.cause ?? error) }));
  const ok = result.status === 'ok';
  results.push({ level: audit.name.split(' ')[0], ok });
  const answer = result.response ? ` [${result.response.status} ${result.response.headers.get('content-type')}]` : '';
  console.log(ok ? `ok   ${audit.id} ${audit.name}` : `FAIL ${audit.id} ${audit.name}: ${result.reason}${answer}`);
}

const passed = results.filter(({ ok }) => ok).length;
const level = (name) => {
  const all = results.filter((result) => result.level === name);
  return `${name} ${all.filter(({ ok }) => ok).length}/${all.length}`;
};
console.log(['MUST', 'SHOULD', 'MAY'].map(level).join(', '));
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exitCode = passed === results.length ? 0 : 1;
