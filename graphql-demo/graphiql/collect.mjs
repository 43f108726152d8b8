// Collects GraphiQL and what it needs from node_modules into a folder, for `graphql-demo --graphiql DIR`:
//
//     npm ci --ignore-scripts && node collect.mjs DIR
//
// Each file also in gzip and brotli, made once here, so that the server never compresses them; and the licence of
// every package that is inside the bundles.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const FILES = {
  'react.js': 'react/umd/react.production.min.js',
  'react-dom.js': 'react-dom/umd/react-dom.production.min.js',
  'graphiql.js': 'graphiql/graphiql.min.js',
  'graphiql.css': 'graphiql/graphiql.min.css',
  // GraphiQL's own bundle has no client for subscriptions.
  'graphql-ws.js': 'graphql-ws/umd/graphql-ws.min.js',
};

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, 'node_modules');
const out = process.argv[2];
if (!out || !existsSync(modules)) {
  console.error('usage: npm ci --ignore-scripts && node collect.mjs DIR');
  process.exit(2);
}

mkdirSync(out, { recursive: true });
for (const [name, from] of Object.entries(FILES)) {
  copyFileSync(join(modules, from), join(out, name));
  compress(join(out, name));
}
const licences = join(out, 'LICENSES.txt');
writeFileSync(licences, allLicences());
compress(licences);
console.log(`${Object.keys(FILES).length} files and their licences are in ${out}`);

function compress(path) {
  const bytes = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
}

/** The lock file names every package that was installed; a package without a licence file says it in package.json. */
function allLicences() {
  const lock = JSON.parse(readFileSync(join(here, 'package-lock.json'), 'utf8'));
  return Object.keys(lock.packages)
    .filter((place) => place && existsSync(join(here, place, 'package.json')))
    .map((place) => licenceOf(join(here, place)))
    .join(`\n${'-'.repeat(79)}\n\n`);
}

function licenceOf(folder) {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((name) => /^licen[cs]e(\.|$)/i.test(name));
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `Licence: ${about.license}`;
  return `${about.name} ${about.version}\n\n${text}\n`;
}
