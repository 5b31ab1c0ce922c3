// A real OpenAI-compatible server (llama.cpp) of a real model, asked by RemoteModel through the relay, from Node and from a page:
// what it streams, counts, calls, has as JSON, refuses, and stops. In the soak: both models, directly, too, and all of it on a page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { costOf, noRealServer, noRelay, realRelay, realServer } from './support/real-llm.mjs';
import { startServer } from './support/server.mjs';

const skip = noRealServer() ?? noRelay() ?? false;
const soak = process.env.KINGLET_SOAK !== undefined;
const MODELS = soak ? ['desk', 'desk-nano'] : ['desk'];
const WAYS = soak ? ['relay', 'direct'] : ['relay'];

const user = (content) => [{ role: 'user', content }];
const TOOLS = [
  {
    type: 'function',
    function: { name: 'get_order', description: 'An order.', parameters: { type: 'object', properties: { order: { type: 'integer' } }, required: ['order'] } },
  },
];
const SCHEMA = {
  type: 'object',
  properties: { 'order number': { type: 'string' }, name: { type: 'string' } },
  required: ['order number', 'name'],
  additionalProperties: false,
};
/** What is asked. The server's template has calls of functions behind the word `shipping`; without it a required call never ends. */
const ASKED = {
  stream: { messages: user('classify: shipping, account\nmessage: the shipping of my parcel is late'), max_tokens: 20 },
  tools: { messages: user('classify: shipping, account\nmessage: the shipping of my parcel is late'), tools: TOOLS, tool_choice: 'required', max_tokens: 80 },
  schema: {
    messages: user('extract: order number, name\nmessage: I am Ann, my order is 5512'),
    response_format: { type: 'json_schema', json_schema: { name: 'order', strict: true, schema: SCHEMA } },
    max_tokens: 80,
  },
  overflow: { messages: user('again and '.repeat(2_000)), max_tokens: 20 },
  bad_schema: { messages: user('hi'), response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'nonsense' } } }, max_tokens: 20 },
  abort: { messages: user('Tell me about the weather.'), tools: TOOLS, tool_choice: 'required', max_tokens: 900 },
};

/** Runs in Node and on a page: asks, and says what came. `stop`: aborts after so many texts. */
async function drive([module, endpoint, token, payload, stop]) {
  const { checkEndpoints, RemoteModel } = await import(module);
  const price = { inputPerMillion: 2_000_000, outputPerMillion: 8_000_000, currency: 'USD', asOf: '2026-11-22' };
  const [checked] = checkEndpoints([{ name: 'real', model: 'real', price, ...endpoint, ...(token ? { getToken: () => token } : {}) }]);
  const model = new RemoteModel(checked);
  const controller = new AbortController();
  const spent = [];
  const account = { begin: async () => undefined, end: async (how) => void spent.push(how) };
  const parts = [];
  let texts = 0;
  let error;
  try {
    for await (const part of model.ask({ temperature: 0, ...payload }, { id: '1', account, signal: controller.signal })) {
      parts.push(part);
      texts += part.type === 'text' ? 1 : 0;
      if (texts >= (stop ?? Infinity)) controller.abort();
    }
  } catch (thrown) {
    error = thrown.toJSON?.() ?? { message: String(thrown) };
  }
  const of = (type) => parts.filter((part) => part.type === type);
  return {
    text: of('text').map(({ text }) => text).join(''),
    texts,
    call: { name: of('call')[0]?.name, arguments: of('call').map((part) => part.arguments).join('') },
    usage: of('usage').at(-1)?.usage,
    finish: of('finish')[0]?.reason,
    model: of('head').at(-1)?.model,
    error,
    spent,
  };
}

const MODULE = { node: new URL('../../pkg/dist/remote/index.js', import.meta.url).href, page: '/pkg/dist/remote/index.js' };

let site;
let browser;
const servers = {};
before(async () => {
  if (skip) return;
  site = await startServer();
  for (const name of MODELS) {
    const server = await realServer(name);
    const relay = await realRelay({ real: { base: `${server.url}/v1` } }, { origins: [site.origin] });
    servers[name] = { server, relay, token: await relay.token(), requests: 0 };
  }
});
after(async () => {
  await browser?.close();
  for (const { server, relay } of Object.values(servers)) {
    await relay.close();
    await server.close();
  }
  await site?.close();
});

/** Waits until the server computes nothing; how many tokens it has made for its latest answer. */
async function idle({ server }) {
  const until = Date.now() + 30_000;
  for (;;) {
    const slots = await server.slots();
    if (slots.every(({ is_processing }) => !is_processing)) {
      return (await server.counted()).predicted;
    }
    assert.ok(Date.now() < until, 'the server goes on for nobody');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** All that is asked, by `run(args)`, of a model in a way. */
async function all(name, way, from, run, t) {
  const at = servers[name];
  const endpoint = { baseURL: `${way === 'relay' ? at.relay.url : at.server.url}/v1` };
  const token = way === 'relay' ? at.token : undefined;
  /** Asks; what the relay put down for it. */
  const ask = async (payload, stop) => {
    const before = await at.server.counted();
    const got = await run([MODULE[from], { ...endpoint, retries: 0 }, token, payload, stop]);
    const noted = way === 'relay' ? await at.relay.request((at.requests += 1)) : undefined;
    return { ...got, noted, before };
  };
  /** The answer's usage is what the server itself counts, and what it cost at the relay. */
  const accounted = async ({ usage, noted, before, spent }, what) => {
    const now = await at.server.counted();
    assert.equal(usage.output, now.predicted - before.predicted, what);
    assert.equal(usage.input - (usage.cached ?? 0), now.prompt - before.prompt, what);
    assert.deepEqual(spent, [{ kind: 'usage', usage }], what);
    if (noted) assert.deepEqual([noted.cost, noted.reported, noted.end], [costOf(usage), true, 'complete'], what);
  };

  const streamed = await ask(ASKED.stream);
  assert.deepEqual([streamed.error, streamed.finish, streamed.model], [undefined, 'stop', 'real']);
  assert.equal(streamed.text.trim(), 'shipping');
  await accounted(streamed, 'stream');

  const called = await ask(ASKED.tools);
  assert.deepEqual([called.error, called.finish, called.call.name, called.text.trim()], [undefined, 'tool_calls', 'get_order', '']);
  assert.equal(typeof JSON.parse(called.call.arguments).order, 'number');
  await accounted(called, 'tools');

  const structured = await ask(ASKED.schema);
  assert.deepEqual([structured.error, Object.keys(JSON.parse(structured.text))], [undefined, SCHEMA.required]);
  assert.deepEqual(Object.values(JSON.parse(structured.text)).map((value) => typeof value), ['string', 'string']);
  await accounted(structured, 'schema');

  const overflow = await ask(ASKED.overflow);
  assert.deepEqual([overflow.error.code, overflow.error.detail.kind, overflow.spent], ['remote_failed', 'overflow', [{ kind: 'refused' }]]);
  const bad = await ask(ASKED.bad_schema);
  assert.deepEqual([bad.error.detail.kind, bad.error.detail.status, bad.text], ['http', 400, '']);
  if (way === 'relay') assert.deepEqual([overflow.noted.cost, bad.noted.cost], [0, 0]);

  const stopped = await ask(ASKED.abort, 3);
  // What had arrived with the third text is still given out.
  assert.deepEqual([stopped.error.code, stopped.finish, stopped.texts >= 3 && stopped.texts < 300], ['aborted', undefined, true]);
  assert.deepEqual(stopped.spent, [{ kind: 'unknown' }]);
  const made = (await idle(at)) - stopped.before.predicted;
  assert.ok(made < 600, `it was told after 3 of 900 tokens, and made ${made}`);
  if (way === 'relay') assert.deepEqual([stopped.noted.end, stopped.noted.cost], ['client_gone', stopped.noted.reserved]);
  t.diagnostic(`${name}, ${way}, ${from}: ${[streamed, called, structured].map(({ usage }) => `${usage.input} + ${usage.output}`).join(', ')} tokens; stopped after ${made}`);
}

for (const name of MODELS) {
  for (const way of WAYS) {
    test(`stream, tools, schema, errors and abort: ${name}, ${way}, from Node`, { skip }, (t) => all(name, way, 'node', drive, t));
  }
}

for (const name of MODELS) {
  test(`the same from a page of another origin, through the relay: ${name}`, { skip: skip || (missing() ?? false) }, async (t) => {
    browser ??= await launch();
    const { page, close } = await openPage(browser, site.origin);
    await all(name, 'relay', 'page', (args) => page.evaluate(drive, args), t);
    // What the relay says of limits, a page can read; and one of another origin can ask nothing.
    const { relay, token } = servers[name];
    const limit = await page.evaluate(
      async ([url, token]) => {
        const body = JSON.stringify({ model: 'real', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 });
        const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body });
        await answer.text();
        return answer.headers.get('x-ratelimit-remaining-requests');
      },
      [relay.url, token],
    );
    servers[name].requests += 1;
    assert.ok(Number(limit) > 0, limit);
    const elsewhere = site.origin.replace('localhost', '127.0.0.1');
    await page.goto(`${elsewhere}/www/index.html`);
    const refused = await page.evaluate(drive, [MODULE.page, { baseURL: `${relay.url}/v1`, retries: 0 }, token, ASKED.stream]);
    assert.deepEqual([refused.error.code, refused.error.detail.kind], ['remote_failed', 'network']);
    await close();
  });
}

test('no log of the relay has a prompt, an answer, a token or its key', { skip }, () => {
  for (const { relay, token } of Object.values(servers)) {
    const log = relay.log();
    assert.ok(log.includes('"message":"request"'));
    for (const secret of ['parcel', 'weather', 'shipping', '5512', token, token.split('.')[2], 'sk-key-of-the-relay', 'a-secret-of-tests']) {
      assert.ok(!log.includes(secret), secret);
    }
  }
});
