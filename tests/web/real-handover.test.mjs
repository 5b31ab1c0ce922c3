// All of it together, with nothing that is scripted: a page whose small model is in doubt asks the larger one behind a real server
// through the relay, and both accounts are one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { costOf, noRealServer, noRelay, PRICE, realRelay, realServer } from './support/real-llm.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = noRealServer() ?? noRelay() ?? missing() ?? noDesk() ?? false;
const ASK = 'classify: shipping, account\nmessage: the shipping of my parcel is late';

let [site, server, relay, browser] = [];
before(async () => {
  if (skip) return;
  site = await startServer(new Map([['nano.gguf', fileModel(DESK_NANO)]]));
  server = await realServer('desk');
  relay = await realRelay({ desk: { base: `${server.url}/v1` } }, { origins: [site.origin] });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await relay?.close();
  await server?.close();
  await site?.close();
});

test('a page hands over to a real server through the relay: hold, replace, schema, a failure; both accounts agree', { skip }, async (t) => {
  const { page, complaints, close } = await openPage(browser, site.origin);
  const token = await relay.token('ann');
  const run = (options, request) =>
    page.evaluate(
      async ([options, request, token, price]) => {
        const { createKinglet } = await import('/pkg/dist/index.js');
        const { baseURL, ...rest } = options;
        const remote = [{ name: 'strong', model: 'desk', baseURL, price, retries: 0, getToken: () => token }];
        const kinglet = await createKinglet({ model: '/models/nano.gguf', backend: 'cpu', remote, privacy: { consent: 'free' }, budget: { store: 'memory' }, ...rest });
        try {
          const chunks = [];
          for await (const chunk of await kinglet.chat.completions.create({ ...request, temperature: 0, stream: true })) chunks.push(chunk);
          const parts = chunks.flatMap((chunk) => chunk.kinglet?.parts ?? []);
          return {
            text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''),
            kinds: [...new Set(parts.map(({ type }) => type))],
            last: chunks.findLast((chunk) => chunk.kinglet?.decision)?.kinglet,
            rows: (await kinglet.ledger.rows()).filter(({ source }) => source === 'remote'),
          };
        } finally {
          kinglet.dispose();
        }
      },
      [options, request, token, { ...PRICE, currency: 'USD', asOf: '2026-11-22' }],
    );
  const user = (content) => ({ messages: [{ role: 'user', content }], max_tokens: 60 });
  const endpoint = { baseURL: `${relay.url}/v1` };
  const doubt = { conservative: 'escalate' };
  const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false };
  const asked = {
    replace: [{ ...endpoint, escalation: { ...doubt, handover: 'replace', probation: 2 } }, user('Tell me about the weather.')],
    hold: [{ ...endpoint, escalation: { ...doubt, handover: 'hold' } }, user(ASK)],
    schema: [{ ...endpoint, mode: 'prefer-remote' }, { ...user('extract: name\nmessage: I am Ann'), response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } } }],
  };
  let n = 0;
  for (const [name, [options, request]] of Object.entries(asked)) {
    const got = await run(options, request);
    assert.deepEqual([got.last.source, got.last.escalation], ['remote', 'answered'], `${name}: ${JSON.stringify(got.last)}`);
    if (name === 'schema') assert.deepEqual(Object.keys(JSON.parse(got.text)), ['name']);
    else assert.match(got.text, name === 'hold' ? /^ ?shipping$/ : /\w+ \w+/, name);
    assert.equal(got.kinds.includes('replace'), name === 'replace', `${name}: ${got.kinds}`);
    const [row] = got.rows;
    const noted = await relay.request((n += 1));
    assert.deepEqual([got.rows.length, row.tokens, row.cost, noted.cost, noted.reported], [1, 'reported', got.last.cost, row.cost, true], name);
    assert.equal(row.cost, costOf({ input: row.input_tokens, output: row.output_tokens, cached: row.cached_tokens }), name);
    t.diagnostic(`${name}: ${row.input_tokens} + ${row.output_tokens} tokens, ${row.cost} micro-units in both accounts`);
  }
  // A relay that refuses: the local answer stands, and says why.
  const refused = await run({ baseURL: `${relay.url}/nowhere`, escalation: doubt }, user(ASK));
  assert.deepEqual([refused.last.source, refused.last.escalation, refused.last.cost], ['local', 'failed', 0]);
  assert.ok(refused.text.trim() !== '');
  assert.deepEqual(complaints.filter((text) => !text.includes('404')), []);
  await close();
});
