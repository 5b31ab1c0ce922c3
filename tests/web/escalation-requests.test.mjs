// What of a request is sent, held back or refused before anybody is asked: the real engine in Node, and a server that tells what it got.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { notBuilt } from './support/browser.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';

const NANO = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
const skip = notBuilt() ?? false;
const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, perRequest: 3, currency: 'USD', asOf: '2026-11-22' };
const ask = { messages: [{ role: 'user', content: 'What comes on Tuesday?' }], max_tokens: 12, temperature: 0 };
const free = { consent: 'free' };

let server;
const opened = [];
before(async () => {
  server = await startLlmFaults();
});
after(async () => {
  opened.forEach((kinglet) => kinglet.dispose());
  await server?.close();
});

const remote = (order, more = {}) => ({ name: 'strong', price, baseURL: `${server.origin}/do/${order}/v1`, model: 'large', retries: 0, ...more });
async function open(options) {
  const { nodeKinglet } = await import('./support/node-engine.mjs');
  const { kinglet } = await nodeKinglet(NANO, { budget: { store: 'memory' }, ...options });
  opened.push(kinglet);
  server.reset();
  return kinglet;
}
const wrong = (param) => (error) => error.code === 'invalid_request' && error.detail.param === param;

test('the bound of a remote answer is the caller\'s, or 1024, never what the context here has left', { skip }, async () => {
  const kinglet = await open({ context: 256, remote: [remote('ok')], privacy: free, escalation: { conservative: 'checks-only' } });
  const { max_tokens: _, ...unbound } = ask;
  const long = { ...unbound, messages: [{ role: 'user', content: 'word '.repeat(300) }] };
  const overflow = await kinglet.chat.completions.create(long);
  assert.equal(overflow.kinglet.decision.reason, 'context_overflow');
  assert.equal(server.truth[0].body.max_tokens, 1024);
  const [row] = await kinglet.ledger.rows();
  assert.equal(row.reserved >= 1024 * 10 + 3, true, 'and so much is reserved');
  const short = await kinglet.chat.completions.create(unbound);
  assert.equal(short.kinglet.source, 'local', '1024 tokens do not fit here, which nobody has asked for');
  for (const given of [{ max_tokens: 7 }, { max_completion_tokens: 7 }, { kinglet: { facts: { max_tokens: 7 } } }]) await kinglet.chat.completions.create({ ...long, ...given });
  assert.deepEqual(server.truth.slice(1).map(({ body }) => body.max_tokens), [7, 7, 7]);
});

test('what can never be asked elsewhere is not ended early for it; in only-remote it is an error, and nothing is loaded', { skip }, async () => {
  const others = (kinglet) => [
    () => kinglet.chat.completions.create({ ...ask, n: 2 }),
    () => kinglet.chat.completions.create({ ...ask, kinglet: { regex: '[A-Za-z ,.-]+' } }),
    () => kinglet.completions.create({ prompt: 'Hello there', max_tokens: 12 }),
  ];
  const early = { conservative: 'escalate', abort: { windowBelow: 0, grace: 2 } };
  for (const create of others(await open({ remote: [remote('ok')], privacy: free, escalation: early }))) {
    const { kinglet } = await create();
    assert.equal(kinglet.aborted, undefined);
  }
  const only = await open({ mode: 'only-remote', remote: [remote('ok')], privacy: free });
  for (const create of others(only)) await assert.rejects(create(), (error) => error.code === 'no_answer' && error.detail.reason === 'no_remote');
  assert.equal(only.ready, false);
  assert.equal(server.truth.length, 0);
});

test('tools, a schema and stops have the default label; a part of a content has its own', { skip }, async () => {
  const never = await open({ mode: 'only-remote', remote: [remote('ok')], privacy: { consent: 'never' } });
  const labelled = { ...ask, messages: [{ role: 'user', content: 'x', kinglet: free }] };
  const tools = [{ type: 'function', function: { name: 'f', description: 'TOP SECRET' } }];
  for (const more of [{ tools }, { stop: 'SECRET' }, { response_format: { type: 'json_object' } }]) {
    await assert.rejects(never.chat.completions.create({ ...labelled, ...more }), (error) => error.code === 'no_answer' && error.detail.reason === 'privacy_never');
  }
  assert.equal((await never.chat.completions.create(labelled)).kinglet.source, 'remote');
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('ok')], privacy: free });
  const content = (label) => [{ type: 'text', text: 'Hello ', cache_control: 'x' }, { type: 'text', text: 'there', kinglet: label }];
  const kept = await kinglet.chat.completions.create({ ...ask, messages: [{ role: 'user', content: content({ consent: 'never' }), kinglet: free }] });
  assert.deepEqual([kept.kinglet.source, kept.kinglet.decision.reason], ['local', 'privacy_never']);
  await kinglet.chat.completions.create({ ...ask, messages: [{ role: 'user', content: content(free) }] });
  assert.deepEqual(server.truth[0].body.messages[0].content, [{ type: 'text', text: 'Hello ' }, { type: 'text', text: 'there' }]);
  await assert.rejects(kinglet.chat.completions.create({ ...ask, messages: [{ role: 'user', content: content({ only: 'local' }) }] }), wrong('messages[0].content[1].kinglet.only'));
});

test('a draft is as secret as all that it was made of; it stands where no better answer comes', { skip }, async () => {
  const kinglet = await open({ remote: [remote('ok')], privacy: free, escalation: { conservative: 'checks-only' } });
  const messages = [{ role: 'system', content: 'The code word is Xylophone.', kinglet: { only: 'local', consent: 'never' } }, ...ask.messages];
  const secret = await kinglet.chat.completions.create({ ...ask, messages, max_tokens: 200 });
  assert.equal(secret.kinglet.source, 'local');
  const again = await kinglet.escalate(secret.id, { draft: true });
  assert.deepEqual([again.kinglet.source, again.kinglet.decision.reason], ['local', 'privacy_never']);
  assert.equal(again.choices[0].message.content, secret.choices[0].message.content);
  assert.equal(server.truth.length, 0);
  const broken = await open({ remote: [remote('status=500')], privacy: free, escalation: { conservative: 'checks-only' } });
  const draft = await broken.chat.completions.create({ ...ask, max_tokens: 200 });
  server.reset();
  const failed = await broken.escalate(draft.id, { draft: true });
  assert.equal(server.truth[0].body.messages[1].content, draft.choices[0].message.content);
  assert.deepEqual([failed.kinglet.source, failed.kinglet.escalation, failed.choices[0].message.content], ['local', 'failed', draft.choices[0].message.content]);
  for (const name of ['draft', 'stream']) await assert.rejects(broken.escalate(draft.id, { [name]: 'yes' }), wrong(`options.${name}`));
  const calls = await open({ mode: 'only-remote', remote: [remote('tools')], privacy: free });
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
  const called = await calls.chat.completions.create({ ...ask, tools });
  assert.equal(called.choices[0].finish_reason, 'tool_calls');
  await assert.rejects(calls.escalate(called.id, { draft: true }), wrong('options.draft'));
});

test('what is sent is the request as it was, whatever becomes of the app\'s objects', { skip }, async () => {
  const messages = [{ role: 'user', content: 'harmless' }];
  let preview;
  const onConsent = async (request) => {
    preview = request.preview;
    messages[0].content = 'SECRET';
    return 'once';
  };
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('ok')], privacy: { onConsent } });
  const answer = await kinglet.chat.completions.create({ ...ask, messages });
  assert.deepEqual(server.truth[0].body, JSON.parse(preview));
  messages.push({ role: 'user', content: 'later' });
  await kinglet.escalate(answer.id);
  assert.deepEqual(server.truth[1].body.messages, [{ role: 'user', content: 'harmless' }]);
});

test('no key is in what a log would print', { skip }, async () => {
  const kinglet = await open({ mode: 'only-remote', remote: [remote('ok', { apiKey: 'sk-raw-key', dangerouslyAllowBrowserKey: true, headers: { 'x-gateway': 'sk-raw-too' } })], privacy: free });
  await kinglet.chat.completions.create(ask);
  assert.equal(JSON.stringify(kinglet), '{"model":null,"ready":false}');
  assert.doesNotMatch(inspect(kinglet, { depth: 20, showHidden: true }), /sk-raw/);
});

test('wrong parameters are refused by name before anything is sent, also where no engine sees them', { skip }, async () => {
  const kinglet = await open({ mode: 'only-remote', remote: [remote('ok')], privacy: free });
  const tool = (name) => ({ type: 'function', function: { name } });
  const cases = {
    temperature: [{ temperature: 'hot' }, { temperature: Number.NaN }, { temperature: -1 }],
    top_p: [{ top_p: 0 }, { top_p: 2 }],
    max_tokens: [{ max_tokens: -5 }, { max_tokens: 1.5 }, { max_tokens: 1e15 }, { max_tokens: '12' }, { max_completion_tokens: 3 }],
    n: [{ n: Number.NaN }, { n: 1.5 }, { n: 0 }, { n: 129 }],
    stop: [{ stop: 5 }, { stop: [''] }],
    foo: [{ foo: 1 }],
    top_k: [{ top_k: 1 }],
    'kinglet.foo': [{ kinglet: { foo: 1 } }],
    'kinglet.facts.payload': [{ kinglet: { facts: { payload: { consent: 'never' } } } }],
    'kinglet.facts.tier': [{ kinglet: { facts: { tier: 5 } } }],
    tools: [{ tools: 'x' }],
    'tools[0]': [{ tools: [null] }],
    'tools[0].function.name': [{ tools: [tool('a b')] }],
    'tools[1].function.name': [{ tools: [tool('a'), tool('a')] }],
    tool_choice: [{ tool_choice: 'required' }, { tools: [tool('a')], tool_choice: { type: 'function', function: { name: 'b' } } }],
    'response_format.json_schema': [{ response_format: { type: 'json_schema' } }],
    'response_format.json_schema.schema': [{ response_format: { type: 'json_schema', json_schema: { schema: 5 } } }],
    messages: [{ messages: [] }],
    'messages[0]': [{ messages: [null] }],
    'messages[0].content': [{ messages: [{ role: 'user', content: 5 }] }],
    'messages[0].content[0]': [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] }],
    'messages[0].bad': [{ messages: [{ role: 'user', get bad() { throw new Error('no'); } }] }],
  };
  for (const [param, requests] of Object.entries(cases)) for (const more of requests) await assert.rejects(kinglet.chat.completions.create({ ...ask, ...more }), wrong(param), param);
  await assert.rejects(kinglet.batch([null], { budget: 1 }), wrong('request'));
  assert.equal(server.truth.length, 0);
  const all = { ...ask, model: 'x', top_p: 1, stop: ['a'], seed: -1, n: 1, logprobs: true, top_logprobs: 2, kinglet: { top_k: 3, facts: null }, user: 'u', presence_penalty: 1, max_completion_tokens: null };
  assert.equal((await kinglet.chat.completions.create(all)).kinglet.source, 'remote');
});

test('a model that was unloaded stays so while others answer; an answer from here brings it back', { skip }, async () => {
  const { nodeKinglet } = await import('./support/node-engine.mjs');
  const { kinglet } = await nodeKinglet(NANO, { mode: 'prefer-remote', remote: [remote('say=Pass')], privacy: free, budget: { store: 'memory' } });
  opened.push(kinglet);
  const loaded = async () => (await kinglet.contextUsage()).used > 0;
  await kinglet.chat.completions.create({ ...ask, kinglet: { facts: { payload: [{ consent: 'never' }] } } });
  assert.ok(await loaded());
  await kinglet.unload();
  assert.equal((await kinglet.chat.completions.create(ask)).kinglet.source, 'remote');
  assert.equal((await kinglet.summarise('A long text.')).kinglet.source, 'remote');
  assert.equal((await kinglet.filter('A text.', { facts: { payload: [free] } }).catch((error) => error)).code, undefined);
  assert.ok(!(await loaded()));
  const here = await kinglet.chat.completions.create({ ...ask, kinglet: { facts: { payload: [{ consent: 'never' }] } } });
  assert.equal(here.kinglet.source, 'local');
  assert.ok(await loaded());
});

test('an answer names its model: the one here where it is known, else the first remote one', { skip }, async () => {
  const there = await open({ mode: 'only-remote', remote: [remote('ok')], privacy: free });
  assert.equal((await there.chat.completions.create(ask)).model, 'large');
  const here = await open({ mode: 'prefer-remote', remote: [remote('ok')], privacy: free });
  assert.equal((await here.chat.completions.create(ask)).model, here.info.model);
});

test('labels of passages that an index has found hold, of the app\'s own index and of one that was kept', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('say=On%20Tuesday.')], privacy: free });
  const own = (label) => ({ search: async () => ({ hits: [{ id: 'a', text: 'It comes on Tuesday.', ...label }], signals: {} }) });
  const never = await kinglet.answer('When does it come?', own({ consent: 'never' }));
  assert.deepEqual([never.kinglet.source, never.kinglet.decision.reason], ['local', 'privacy_never']);
  assert.equal((await kinglet.answer('When does it come?', own({}))).kinglet.source, 'remote');
  await assert.rejects(kinglet.answer('When does it come?', own({ consent: 'maybe' })), wrong('passages.search().hits[0].consent'));
  await assert.rejects(kinglet.answer('When?', ['On Tuesday.'], { facts: { payload: 'never' } }), wrong('options.facts.payload'));
  const index = await kinglet.createIndex({ store: 'memory' });
  await index.add([
    { id: 'a', text: 'The kettle comes on Tuesday.', consent: 'never', redact: 'yes' },
    { id: 'b', text: 'The spoon comes on Friday.' },
  ]);
  const { hits } = await index.search('kettle');
  assert.deepEqual([hits[0].id, hits[0].consent, hits[0].redact], ['a', 'never', 'yes']);
  server.reset();
  assert.equal((await kinglet.answer('When does the kettle come?', index, { k: 1 })).kinglet.source, 'local');
  assert.equal((await kinglet.answer('When does the spoon come?', index, { k: 1 })).kinglet.source, 'remote');
  assert.equal(server.truth.length, 1);
  assert.throws(() => index.add({ id: 'c', text: 'x', consent: 'maybe' }), wrong('document.consent'));
});

test('wrong options of acting are named, and what throws when it is read', { skip }, async () => {
  const thrower = (name) => Object.defineProperty(remote('ok'), name, { enumerable: true, get: () => { throw new Error('no'); } });
  const cases = { escalation: { escalation: 5 }, 'offline.store': { offline: { store: 'x' } }, 'remote[0].model': { remote: [thrower('model')] }, 'remote[0].price': { remote: [thrower('price')] } };
  for (const [param, options] of Object.entries(cases)) await assert.rejects(open({ remote: [remote('ok')], ...options }), wrong(param), param);
});
