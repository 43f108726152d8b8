// node spec.mjs URL SDL: each of documents.mjs is sent, and graphql-js, here in this process, is the judge: what it
// refuses must be refused before execution, so without `data`; what it takes must be answered without errors.
import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { documents } from './documents.mjs';

const [url, sdl] = process.argv.slice(2);
const schema = buildSchema(readFileSync(sdl, 'utf8'));
/** Documents whose answer is known to the letter: a variable's default counts in @skip and @include. */
const answers = {
  okVarDefaultSkip: { country: { code: 'BR' } },
  okVarDefaultInclude: { country: { code: 'BR' } },
  okUnicodeEscape: { country: { name: 'Brazil' } },
  okUnicodeEscape2: { country: { name: 'Brazil' } },
};

let failed = 0;
for (const [name, query] of Object.entries(documents)) {
  const wanted = isValid(query);
  const answer = await ask(query);
  const fits = wanted
    ? !answer.errors && (!answers[name] || JSON.stringify(answer.data) === JSON.stringify(answers[name]))
    : Boolean(answer.errors) && !('data' in answer);
  if (fits) continue;
  failed += 1;
  const expected = wanted ? 'an answer' : 'a refusal without data';
  console.log(`FAIL ${name}: ${expected} expected, got ${JSON.stringify(answer).slice(0, 220)}`);
}
console.log(`${Object.keys(documents).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;

function isValid(query) {
  try {
    return validate(schema, parse(query)).length === 0;
  } catch {
    return false;
  }
}

async function ask(query) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return answer.json().catch(() => ({ errors: [{ message: 'no JSON' }] }));
}
