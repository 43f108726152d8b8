// The countries API on mercurius with its JIT, as its users would write it: the same schema and the same facts as
// graphql-demo, every list built once at the start, and nothing in front.
//
//     PORT=4000 node mercurius.mjs ../countries.graphql ../../countries/data/countries.json
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import mercurius from 'mercurius';

const facts = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const schema = readFileSync(process.argv[2], 'utf8');
const byCode = (list) => new Map(list.map((one) => [one.code, one]));

correct();
const countries = facts.countries.map((country) => ({
  ...country,
  currencies: (country.currency ?? '').split(',').filter(Boolean),
  phones: country.phone.split(','),
}));
const country = byCode(countries);
const continent = byCode(facts.continents);
const language = byCode(facts.languages);
connect();

/** What the public API has wrong today; Tagalog is in a correction, but not among the public API's languages. */
function correct() {
  facts.languages.push({ code: 'tl', name: 'Tagalog', native: 'Wikang Tagalog', rtl: false });
  facts.languages.sort((a, b) => (a.code < b.code ? -1 : 1));
  const countries = byCode(facts.countries);
  for (const { code, field, value } of facts.corrections) countries.get(code)[field] = value;
}

/** Codes become the things themselves, so that a resolver has nothing to look for. */
function connect() {
  for (const one of [...continent.values(), ...language.values()]) one.countries = [];
  for (const one of countries) {
    one.continent = continent.get(one.continent);
    one.continent.countries.push(one);
    one.languages = one.languages.map((code) => language.get(code));
    for (const spoken of one.languages) spoken.countries.push(one);
    for (const state of one.states) state.country = one;
  }
}

const operators = {
  eq: (wanted) => (value) => value === wanted,
  ne: (wanted) => (value) => value !== wanted,
  in: (wanted) => (value) => wanted !== null && wanted.includes(value),
  nin: (wanted) => (value) => wanted === null || !wanted.includes(value),
  regex: (wanted) => {
    const regex = new RegExp(wanted);
    return (value) => regex.test(value);
  },
};

/** One test for each operator of each field; `values` reads what a country has under that name. */
function filtered(list, filter, values) {
  const tests = Object.entries(filter ?? {}).flatMap(([field, asked]) =>
    Object.entries(asked ?? {}).map(([operator, wanted]) => {
      const test = operators[operator](wanted);
      const some = operator === 'ne' || operator === 'nin' ? 'every' : 'some';
      return (one) => values[field](one)[some](test);
    }),
  );
  return list.filter((one) => tests.every((test) => test(one)));
}

const code = (one) => [one.code];
const countryValues = {
  code,
  name: (one) => [one.name],
  continent: (one) => [one.continent.code],
  currency: (one) => one.currencies,
};

const resolvers = {
  Query: {
    country: (_, { code }) => country.get(code),
    continent: (_, { code }) => continent.get(code),
    language: (_, { code }) => language.get(code),
    countries: (_, { filter }) => filtered(countries, filter, countryValues),
    continents: (_, { filter }) => filtered(facts.continents, filter, { code }),
    languages: (_, { filter }) => filtered(facts.languages, filter, { code }),
  },
  Country: { name: (one, { lang }) => (lang ? one.names[lang] : one.name) },
};

const app = Fastify();
await app.register(mercurius, { schema, resolvers, jit: 1 });
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
