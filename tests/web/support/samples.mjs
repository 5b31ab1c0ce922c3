// Which test runs the samples of which page, and the words of an app that samples use without saying what they are.

/** Pages whose `js` blocks docs.test.mjs runs; `join`: a block that goes on where another one ended. */
export const PAGES = {
  'README.md': {},
  'docs/api.md': {},
  'docs/budget.md': {},
  'docs/calibration.md': {},
  'docs/choosing-a-model.md': {},
  'docs/documents.md': {},
  'docs/escalation-guide.md': {},
  'docs/escalation.md': { prelude: "const kinglet = await createKinglet({ model: '/models/desk-nano.gguf', backend: 'cpu', remote: [{ name: 'strong', price }] });" },
  'docs/privacy.md': { join: [[2, 3]] },
  'docs/quick-start.md': {},
  'docs/relay.md': {},
  'docs/remote.md': {},
  'docs/routing.md': {},
  'docs/speculation.md': {},
  'docs/store.md': {},
  'docs/structured.md': {},
  'docs/tasks.md': {},
  'docs/telemetry.md': {},
  'models/desk/README.md': {},
};

/** Pages whose samples another test runs: by language, and where. */
export const ELSEWHERE = {
  'pkg/README.md': { languages: ['js', 'jsx', 'html', 'json'], test: 'tests/web/packaging.test.mjs' },
  'docs/adapters.md': { languages: ['js'], test: 'tests/web/adapters-page.test.mjs' },
  'docs/hosts.md': { languages: ['js'], test: 'tests/web/docs.test.mjs' },
  'docs/relay.md': { languages: ['sh'], test: 'tests/web/commands.test.mjs' },
  'docs/webview.md': { languages: ['js', 'kotlin', 'swift', 'sh'], test: 'tests/web/webview-docs.test.mjs' },
};

/** Name to expression: what stands before a sample that uses the name and does not declare it. */
export const WORDS = {
  price: "{ inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' }",
  model: "'/models/desk-nano.gguf'",
  url: "'/models/desk-nano.gguf'",
  profile: "await (await fetch('/cases/profile.json')).json()",
  binding: "(await (await fetch('/cases/profile.json')).json()).binding",
  rows: "(await (await fetch('/cases/rows.jsonl')).text()).trim().split('\\n').map((line) => JSON.parse(line))",
  engine: 'kinglet',
  request: "{ messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 4 }",
  messages: 'request.messages',
  examplesForASmallModel: "'Answer in one word.'",
  record: "'Order 4711 was sent on Monday.'",
  askTheUser: "() => 'once'",
  paragraph: "document.body.appendChild(document.createElement('p'))",
  output: "document.querySelector('#output')",
  onProgress: '() => undefined',
  signal: 'new AbortController().signal',
  session: "{ token: async () => 'a-token' }",
};
