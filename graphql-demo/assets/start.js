// What both explorers start from: the module's question, where it goes, and what the answers say about the limit.
'use strict';

const lab = {
  question: `query GetCountry($code: ID!) {
  country(code: $code) {
    name
    native
    capital
    emoji
    currency
    languages {
      code
      name
    }
  }
}`,
  variables: '{\n  "code": "BR"\n}',

  address() {
    return document.getElementById('limited').checked ? '/limited/graphql' : '/graphql';
  },

  /** fetch() to the address that is chosen, with a look at the limit in the answer. */
  async fetch(_, options) {
    const answer = await fetch(lab.address(), options);
    lab.showLimit(answer.headers);
    return answer;
  },

  /** `RateLimit-Policy: "ip";q=50;w=60` and `RateLimit: "ip";r=47;t=14`, in words. */
  showLimit(headers) {
    const number = (name, key) => Number((headers.get(name) ?? '').match(new RegExp(`;\\s*${key}=(\\d+)`))?.[1]);
    const left = number('RateLimit', 'r');
    const line = document.getElementById('limit');
    if (Number.isNaN(left)) {
      line.textContent = 'No limit here.';
      line.className = 'quiet';
      return;
    }
    const of = number('RateLimit-Policy', 'q');
    line.textContent = `IP limit ${left} (out of ${of}) requests remaining (refills in ${number('RateLimit', 't')}s)`;
    line.className = left === 0 ? 'bad' : left < of / 5 ? 'warn' : 'good';
  },
};

addEventListener('DOMContentLoaded', () => {
  const place = document.getElementById('graphiql');
  if (!place) return;
  const tabs = [
    { query: lab.question, variables: lab.variables },
    {
      query: `# Run this one, leave it running, and use the next tab: each change shows up here.
subscription Watch {
  favouritesChanged {
    action
    country { name emoji }
    favourites { code }
  }
}`,
    },
    { query: 'mutation Like($code: ID!) {\n  addFavourite(code: $code) {\n    name\n    emoji\n  }\n}', variables: lab.variables },
  ];
  const socket = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`;
  const fetcher = GraphiQL.createFetcher({
    url: '/graphql',
    fetch: lab.fetch,
    wsClient: graphqlWs.createClient({ url: socket }),
  });
  ReactDOM.createRoot(place).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultTabs: tabs,
      // The first tab's variables are taken from here, not from the tab.
      variables: lab.variables,
      defaultEditorToolsVisibility: 'variables',
    }),
  );
});
