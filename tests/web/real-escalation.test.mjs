// A page asks a real server behind the relay for what is harder than text (real-handover.test.mjs): calls of tools, a schema, a prompt
// that is too long for it, and an answer that nobody wants any more.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing } from './support/browser.mjs';
import { noRealServer, noRelay, PRICE, realRelay, realServer } from './support/real-llm.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = noRealServer() ?? noRelay() ?? missing() ?? false;
const price = { ...PRICE, currency: 'USD', asOf: '2026-11-22' };
const TOOLS = [{ type: 'function', function: { name: 'get_order', description: 'An order.', parameters: { type: 'object', properties: { order: { type: 'integer' } }, required: ['order'] } } }];
const schema = { type: 'object', properties: { 'order number': { type: 'string' }, name: { type: 'string' } }, required: ['order number', 'name'], additionalProperties: false };
const user = (content) => [{ role: 'user', content }];

let browser, site, server, relay, page;
before(async () => {
  if (skip) return;
  const nano = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
  [browser, site, server] = [await launch(), await startServer(new Map([['nano.gguf', fileModel(nano)]])), await realServer('desk')];
  relay = await realRelay({ real: { base: `${server.url}/v1` } }, { origins: [site.origin] });
  page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(site.origin);
  await page.evaluate(
    async ([baseURL, token, price]) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const remote = [{ name: 'real', model: 'real', price, baseURL, getToken: () => token, retries: 0 }];
      const open = (mode) => createKinglet({ model: '/models/nano.gguf', backend: 'cpu', threads: 1, context: 4096, mode, remote, privacy: { consent: 'free' }, escalation: { conservative: 'escalate', probation: 0 }, budget: { store: 'memory' } });
      const kinglet = await open('prefer-remote');
      globalThis.ask = async (request) => {
        const control = new AbortController();
        globalThis.stop = () => control.abort();
        const chunks = [];
        let error;
        try {
          for await (const chunk of await kinglet.chat.completions.create({ temperature: 0, ...request, stream: true, stream_options: { include_usage: true }, signal: control.signal })) {
            chunks.push(chunk);
          }
        } catch (thrown) {
          error = { code: thrown.code };
        }
        const rows = await kinglet.ledger.rows();
        const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
        const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
        return { text, calls, finish: chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0].finish_reason, usage: chunks.at(-1)?.usage, own: chunks.findLast(({ kinglet }) => kinglet?.decision)?.kinglet, kinds: chunks.flatMap(({ kinglet }) => kinglet?.parts ?? []).map(({ type }) => type), row: rows.at(-1), error };
      };
    },
    [`${relay.url}/v1`, await relay.token(), price],
  );
});
after(async () => {
  await browser?.close();
  await Promise.all([relay?.close(), server?.close(), site?.close()]);
});
let requests = 0;
/** What a page gets, and what the relay has put down for it. */
async function ask(request) {
  const got = await page.evaluate((request) => globalThis.ask(request), request);
  return { ...got, noted: await relay.request((requests += 1)) };
}

test('calls of tools and JSON are held against their schemas, and come whole', { skip }, async () => {
  const called = await ask({ messages: user('classify: shipping, account\nmessage: the shipping of my parcel is late'), tools: TOOLS, tool_choice: 'required', max_tokens: 80 });
  assert.deepEqual([called.own.source, called.finish, called.calls[0].function.name], ['remote', 'tool_calls', 'get_order']);
  const given = JSON.parse(called.calls.map((call) => call.function.arguments).join(''));
  assert.ok(Number.isInteger(given.order), JSON.stringify(given));
  const formed = await ask({ messages: user('extract: order number, name\nmessage: I am Ann, my order is 5512'), response_format: { type: 'json_schema', json_schema: { name: 'order', strict: true, schema } }, max_tokens: 80 });
  assert.equal(formed.own.source, 'remote');
  assert.deepEqual(Object.keys(JSON.parse(formed.text)), ['order number', 'name']);
  for (const { own, row, noted } of [called, formed]) assert.deepEqual([own.cost, noted.cost], [row.cost, row.cost], 'one account');
});

test('what is refused there is answered here; what is left stops there, and is booked', { skip }, async () => {
  const refused = await ask({ messages: user('again and '.repeat(1_000)), max_tokens: 4 });
  assert.deepEqual([refused.own.source, refused.own.escalation, refused.own.decision.reason], ['local', 'failed', 'remote_failed']);
  assert.ok(refused.kinds.includes('error'));
  assert.equal(refused.own.cost, 0, 'turned away before any work');
  const leaving = ask({ messages: user('Tell me about the weather.'), tools: TOOLS, tool_choice: 'required', max_tokens: 900 });
  leaving.catch(() => undefined); // it is awaited below
  const busy = async () => (await server.slots()).some(({ is_processing }) => is_processing);
  assert.ok(await eventually(busy, (is) => is, 30_000), 'the server is at work');
  await page.evaluate(() => globalThis.stop());
  const left = await leaving;
  assert.equal(left.error.code, 'aborted');
  assert.deepEqual([left.row.source, left.row.tokens, left.row.cost], ['remote', 'estimated', left.row.reserved]);
  assert.ok(!(await eventually(busy, (is) => !is, 30_000)), 'the server goes on for nobody');
  assert.ok((await server.counted()).predicted < 900);
});
