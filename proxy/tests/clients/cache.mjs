// What https://cache-tests.fyi asks of a cache: `node cache.mjs URL [ID]` runs its checks against the cache at URL and
// prints as JSON which of those that RFC 9111 requires have passed. With an ID: that check alone, as the suite shows it.
import fetch from 'node-fetch'
import tests from 'http-cache-tests/tests/index.mjs'
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs'

const [, , url, only] = process.argv
// The suite's modules talk; what is printed here is read by a program.
const print = console.log
if (!only) console.log = () => {}

const all = tests.flatMap(suite => suite.tests).filter(test => !test.browser_only)
const byId = new Map(all.map(test => [test.id, test]))
const asked = only ? [{ name: only, tests: [{ ...byId.get(only), dump: true }] }] : tests
await runTests(asked, fetch, false, url, 40)
const results = getResults()

/** As the suite's own page counts: a check whose foundation has failed says nothing. */
const passes = id => {
  const on = byId.get(id)?.depends_on ?? []
  return results[id] === true && on.every(passes)
}

const required = all.filter(test => (test.kind ?? 'required') === 'required')
const kinds = ['required', 'optimal']
const counts = kinds.map(kind => {
  const those = all.filter(test => (test.kind ?? 'required') === kind)
  return [kind, { passed: those.filter(test => passes(test.id)).length, of: those.length }]
})
if (only) {
  print(JSON.stringify(results[only]))
} else {
  const failed = required.filter(test => !passes(test.id))
  const why = test => (results[test.id] === true ? ['depends on', test.depends_on] : results[test.id])
  print(JSON.stringify({
    ...Object.fromEntries(counts),
    failed: Object.fromEntries(failed.map(test => [test.id, why(test)]))
  }))
}
process.exit(0)
