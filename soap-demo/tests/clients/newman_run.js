// Runs a Postman collection (a file or a URL) against BASE: `node newman_run.js BASE COLLECTION` prints a line for each
// request, its name and what is wrong with its answer, if anything is.
const newman = require('newman');

const [base, collection] = process.argv.slice(2);

newman.run(
  { collection, envVar: [{ key: 'base', value: base }], timeoutRequest: 10000 },
  (error, summary) => {
    if (error) {
      console.error(error);
      process.exit(1);
    }
    for (const { item, response, requestError, assertions = [] } of summary.run.executions) {
      const wrong = assertions.filter(each => each.error).map(each => each.error.message);
      if (requestError) wrong.push(requestError.message);
      else if (response.code !== 200) wrong.push(`status ${response.code}`);
      console.log(`${item.name}\t${wrong.join('; ').replace(/\s+/g, ' ')}`);
    }
  },
);
