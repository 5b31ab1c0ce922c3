// The protocol without a browser: the real client code against the real server code over a MessageChannel, with a
// stand-in for the Wasm engine.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createKinglet, downloadModel, KingletError } from '../../pkg/dist/index.js';
import { fromWire, toWire } from '../../pkg/dist/errors.js';
import { serve } from '../../pkg/dist/serve.js';

const INFO = { backend: 'cpu', adapter: 'test', software: false, model: 'stand-in', architecture: 'none', context: 8, chat_template: true };

/** Emits the words of the request's prompt; logs what happens to it. */
class StandIn {
  log = [];
  steps = 0;
  #words;
  constructor(delay = 0) {
    this.delay = delay;
  }
  start(kind, request) {
    if (this.#words) throw new Error('two requests at once');
    if (request.bogus) throw { code: 'invalid_request', message: 'invalid request: bogus', detail: { param: 'bogus' } };
    const text = kind === 'chat' ? request.messages.at(-1).content : request.prompt;
    this.#words = text.split(' ');
    this.log.push(`start ${text}`);
  }
  async prefill() {
    if (!this.chunks) return false;
    this.chunks -= 1;
    this.log.push('chunk');
    return true;
  }
  async next() {
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    if (!this.#words) return undefined;
    if (this.#words[0] === 'boom') {
      this.#words = undefined;
      throw { code: 'gpu_lost', message: 'the GPU device was lost', detail: {} };
    }
    if (this.#words.length === 0) {
      this.#words = undefined;
      this.log.push('end');
      return undefined;
    }
    this.steps += 1;
    const text = this.#words.shift();
    const last = this.#words.length === 0;
    return { text, finish_reason: last ? 'stop' : null, ...(last ? { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } } : {}) };
  }
  abort() {
    if (this.#words) this.log.push('abort');
    this.#words = undefined;
  }
  info() {
    return INFO;
  }
  stats() {
    return { dispatches: 0, submits: 0, wasm_memory: 1, wasm_memory_fresh: 1, requests: 0 };
  }
  tokenize(text) {
    return Uint32Array.from([...text].map((c) => c.codePointAt(0)));
  }
  detokenize(ids) {
    return String.fromCodePoint(...ids);
  }
  count(request) {
    return request.messages.length;
  }
  context() {
    return { used: 3, total: 8 };
  }
}

/** A client connected to `engine`. */
async function connect(t, engine, options = {}, load = async () => engine) {
  const { port1, port2 } = new MessageChannel();
  const port = (end) => ({
    postMessage: (message) => end.postMessage(message),
    addEventListener: (type, listener) => end.addEventListener(type, listener),
    terminate: () => end.close(),
  });
  port1.start();
  port2.start();
  serve(port(port2), load);
  t.after(() => port1.close());
  return createKinglet({ model: 'http://localhost/m.gguf', worker: port(port1), ...options });
}

const chat = (content) => ({ messages: [{ role: 'user', content }] });
const rejects = (promise, code) => assert.rejects(promise, (e) => e instanceof KingletError && e.code === code);

test('errors keep code, message and detail across the worker', () => {
  const wire = { code: 'too_large', message: 'm', detail: { needed: 2, available: 1 } };
  assert.deepEqual(fromWire(toWire(wire)).toJSON(), wire);
  assert.deepEqual(toWire(new KingletError('http', 'm', { status: 404 })), { code: 'http', message: 'm', detail: { status: 404 } });
  assert.equal(toWire(new TypeError('x')).code, 'internal');
  assert.match(toWire(new TypeError('x')).message, /TypeError: x/);
  assert.equal(toWire('text').message, 'text');
});

test('the codes are those of the engine, and those of the browser', () => {
  const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const engine = [...read('src/error.rs').matchAll(/Error::\w+(?: \{ \.\. \})? => "(\w+)"/g)].map((match) => match[1]);
  const union = read('pkg/src/errors.ts').split('export type ErrorCode')[1].split(';')[0];
  const ours = [...union.matchAll(/\| '(\w+)'/g)].map((match) => match[1]);
  assert.ok(engine.length > 15, `${engine.length} codes found`);
  const table = read('docs/api.md').split('Only in JavaScript:')[1].split('Notices')[0];
  const browser = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.ok(browser.includes('simd_missing'), browser.join());
  assert.deepEqual(ours.toSorted(), [...engine, ...browser].toSorted());
});

test('a request that is too deep or too much for the engine is refused by its path', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  const nested = (levels) => Array.from({ length: levels }).reduce((items) => ({ items }), {});
  const format = (schema) => ({ response_format: { type: 'json_schema', json_schema: { schema } } });
  const ask = (schema) => kinglet.chat.completions.create({ ...chat('a'), ...format(schema) });
  assert.equal((await ask(nested(90))).choices[0].message.content, 'a');
  const around = { list: [] };
  around.list.push(around);
  const doubling = Array.from({ length: 40 }).reduce((x) => [x, x], []); // a few lists here, 2 ** 40 for the engine
  const schema = /^response_format\.json_schema\.schema/;
  for (const [value, path, expected] of [
    [nested(101), /schema(\.items){98}$/, /at most 100 values inside/],
    [nested(20_000), /schema\.items\.items/, /./],
    [around, /schema\.list\[0\]\.list\[0\]/, /at most 100 values inside/],
    [doubling, /schema\[0\]\[0\]/, /at most 200000 lists/],
    [{ properties: { when: () => 1 } }, /schema\.properties\.when$/, /plain data/],
    [{ deep: nested(200), when: () => 1 }, /schema\.when$/, /plain data/],
    [{ get type() { throw new Error('not now'); } }, /schema\.type$/, /plain data/],
  ]) {
    await assert.rejects(ask(value), ({ code, detail: { param, expected: e } }) => code === 'invalid_request' && schema.test(param) && path.test(param) && expected.test(e));
  }
  const messages = [{ role: 'user', content: [{ type: 'text', text: nested(200) }] }];
  await assert.rejects(kinglet.countTokens(messages), ({ code, detail }) => code === 'invalid_request' && detail.param.startsWith('messages[0].content[0].text.items'));
  assert.deepEqual(engine.log, ['start a', 'end']);
});

test('a streamed chat answer has the shape of OpenAI', async (t) => {
  const kinglet = await connect(t, new StandIn());
  assert.equal(kinglet.info.model, 'stand-in');
  const chunks = [];
  for await (const chunk of await kinglet.chat.completions.create({ ...chat('a b'), stream: true })) chunks.push(chunk);
  assert.equal(chunks.length, 2);
  assert.equal(chunks[0].object, 'chat.completion.chunk');
  assert.deepEqual(chunks[0].choices, [{ index: 0, delta: { role: 'assistant', content: 'a' }, finish_reason: null, logprobs: null }]);
  assert.deepEqual(chunks[1].choices, [{ index: 0, delta: { content: 'b' }, finish_reason: 'stop', logprobs: null }]);
  assert.equal(chunks[0].id, chunks[1].id);
  assert.ok(chunks.every((chunk) => !('usage' in chunk)));
});

test('a stream has its usage in a chunk of its own, where that is asked for', async (t) => {
  const kinglet = await connect(t, new StandIn());
  const options = { stream: true, stream_options: { include_usage: true } };
  for (const [calls, request] of [[kinglet.chat.completions, chat('a b')], [kinglet.completions, { prompt: 'a b' }]]) {
    const chunks = [];
    for await (const chunk of await calls.create({ ...request, ...options })) chunks.push(chunk);
    assert.deepEqual(chunks.map(({ usage }) => usage), [null, null, { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }]);
    assert.deepEqual(chunks.map(({ choices }) => choices.length), [1, 1, 0]);
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
  }
});

test('what the page itself reads of a request is checked like the rest', async (t) => {
  const kinglet = await connect(t, new StandIn());
  const cases = [
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['stream_options', { stream: true, stream_options: 7 }],
    ['stream_options.usage', { stream: true, stream_options: { usage: true } }],
    ['stream_options.include_usage', { stream: true, stream_options: { include_usage: 1 } }],
    ['signal', { signal: {} }],
  ];
  for (const [param, more] of cases) {
    const wrong = (e) => e instanceof KingletError && e.code === 'invalid_request' && e.detail.param === param;
    await assert.rejects(kinglet.completions.create({ prompt: 'a', ...more }), wrong, param);
    await assert.rejects(kinglet.chat.completions.create({ ...chat('a'), ...more }), wrong, param);
  }
  const both = [kinglet.completions.create.bind(kinglet.completions, { prompt: 'a' }), kinglet.chat.completions.create.bind(kinglet.chat.completions, chat('a'))];
  for (const [param, options] of [['options.timeout', { timeout: 5 }], ['options.maxRetries', { maxRetries: 0 }], ['options.headers', { headers: {} }], ['options.singal', { singal: 1 }], ['options', 7], ['signal', { signal: 1 }]]) {
    const wrong = (e) => e.code === 'invalid_request' && e.detail.param === param;
    for (const create of both) await assert.rejects(create(options), wrong, param);
    await assert.rejects(kinglet.load(options), wrong, param);
  }
  for (const [param, more] of [['stream', { stream: true }], ['stream_options', { stream: true, stream_options: {} }]]) {
    await assert.rejects(kinglet.embeddings.create({ input: 'a', ...more }), (e) => e.code === 'invalid_request' && more[e.detail.param] !== undefined, param);
  }
  for (const [param, call] of [
    ['special', () => kinglet.tokenize('a', { special: 'Parse' })],
    ['options.specail', () => kinglet.tokenize('a', { specail: 'parse' })],
    ['text', () => kinglet.tokenize(7)],
    ['ids[1]', () => kinglet.detokenize([1, 1.5])],
    ['ids[0]', () => kinglet.detokenize(['1'])],
    ['ids[0]', () => kinglet.detokenize([-1])],
    ['ids[0]', () => kinglet.detokenize([2 ** 32])],
    ['ids', () => kinglet.detokenize('12')],
    ['headres', () => downloadModel({ model: 'http://localhost/m.gguf', headres: {}, worker: () => assert.fail('started') })],
  ]) {
    await assert.rejects(call(), (e) => e instanceof KingletError && e.code === 'invalid_request' && e.detail.param === param, param);
  }
  assert.equal(await kinglet.detokenize(Uint32Array.of(104)), 'h');
  for (const params of [undefined, null, 7]) await rejects(kinglet.completions.create(params), 'invalid_request');
  const answer = await kinglet.completions.create({ prompt: 'x y', stream: null, stream_options: null, signal: null });
  assert.equal(answer.choices[0].text, 'xy');
});

test('several answers: each has its index, its role and its end', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  const say = (index, text, finish_reason = null, more = {}) => ({ index, text, finish_reason, ...more });
  const usage = { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 };
  const answers = () => {
    const left = [say(0, 'a'), say(0, 'b', 'stop'), say(1, 'c'), say(1, '', 'length', { usage, timings: { prefill_ms: 1 } })];
    engine.start = () => undefined;
    engine.next = async () => left.shift();
  };
  answers();
  const whole = await kinglet.chat.completions.create({ ...chat('x'), n: 2 });
  assert.deepEqual(whole.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason]), [[0, 'ab', 'stop'], [1, 'c', 'length']]);
  assert.deepEqual(whole.usage, usage);
  answers();
  const chunks = [];
  for await (const chunk of await kinglet.chat.completions.create({ ...chat('x'), n: 2, stream: true })) chunks.push(chunk);
  assert.deepEqual(chunks.map(({ choices: [{ index, delta }] }) => [index, delta.role]), [[0, 'assistant'], [0, undefined], [1, 'assistant'], [1, undefined]]);
  answers();
  const texts = await kinglet.completions.create({ prompt: 'x', n: 2 });
  assert.deepEqual(texts.choices.map(({ index, text }) => [index, text]), [[0, 'ab'], [1, 'c']]);
});

test('log-probabilities of a chat and of a completion', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  const entry = (token, logprob) => ({ token, logprob, bytes: [...new TextEncoder().encode(token)] });
  const piece = (token, more) => ({ text: token, finish_reason: null, logprobs: { content: [{ ...entry(token, -0.5), top_logprobs: [entry(token, -0.5), entry('z', -1)] }] }, ...more });
  const answer = () => {
    const left = [piece('ab'), piece('c'), piece('d', { finish_reason: 'stop' })];
    engine.start = () => undefined;
    engine.next = async () => left.shift();
  };
  answer();
  const { logprobs } = (await kinglet.chat.completions.create({ ...chat('x'), logprobs: true, top_logprobs: 2 })).choices[0];
  assert.deepEqual([logprobs.content.length, logprobs.refusal], [3, null]);
  answer();
  const legacy = (await kinglet.completions.create({ prompt: 'x', logprobs: 2 })).choices[0].logprobs;
  const top = (token) => ({ [token]: -0.5, z: -1 });
  const expected = { tokens: ['ab', 'c', 'd'], token_logprobs: [-0.5, -0.5, -0.5], top_logprobs: [top('ab'), top('c'), top('d')], text_offset: [0, 2, 3] };
  assert.deepEqual(legacy, expected);
  answer();
  const offsets = [];
  for await (const { choices: [choice] } of await kinglet.completions.create({ prompt: 'x', logprobs: 0, stream: true })) {
    offsets.push(...choice.logprobs.text_offset);
    assert.equal(choice.logprobs.top_logprobs, undefined);
  }
  assert.deepEqual(offsets, [0, 2, 3]);
});

test('offsets of tokens that are parts of characters, and alternatives of one text', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  const token = (bytes, top_logprobs = []) => ({ token: new TextDecoder().decode(Uint8Array.from(bytes)), logprob: -1, bytes, top_logprobs });
  const [first, second] = [[0xf0, 0x9f], [0x90, 0xa6]]; // a bird in two tokens
  const likely = { ...token(first), logprob: -0.1 };
  const content = [token([0x61]), token(first, [likely, { ...token(first), logprob: -3 }]), token(second), token([0x62]), token([0xff]), token([0x63])];
  const pieces = () => content.map((one, i) => ({ text: '', finish_reason: i === 5 ? 'stop' : null, logprobs: { content: [one] } }));
  engine.start = () => undefined;
  const expected = [0, 1, 1, 3, 4, 5]; // of 'a', the bird (two UTF-16 units), 'b', what is no character, 'c'
  let left = pieces();
  engine.next = async () => left.shift();
  const { logprobs } = (await kinglet.completions.create({ prompt: 'x', logprobs: 2 })).choices[0];
  assert.deepEqual(logprobs.text_offset, expected);
  assert.deepEqual(logprobs.top_logprobs[1], { '\ufffd': -0.1 }, 'the likelier one');
  left = pieces();
  const offsets = [];
  for await (const { choices: [choice] } of await kinglet.completions.create({ prompt: 'x', logprobs: 0, stream: true })) offsets.push(...choice.logprobs.text_offset);
  assert.deepEqual(offsets, expected);
});

test('a whole answer, a raw completion, tokens and counters', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  const answer = await kinglet.chat.completions.create(chat('a b'));
  assert.deepEqual(answer.choices[0].message, { role: 'assistant', content: 'ab', refusal: null });
  assert.equal(answer.choices[0].finish_reason, 'stop');
  const completion = await kinglet.completions.create({ prompt: 'c d' });
  assert.equal(completion.object, 'text_completion');
  assert.equal(completion.choices[0].text, 'cd');
  assert.deepEqual(await kinglet.tokenize('hi'), [104, 105]);
  assert.equal(await kinglet.detokenize([104, 105]), 'hi');
  assert.equal(await kinglet.countTokens('hey'), 3);
  assert.equal(await kinglet.countTokens([{ role: 'user', content: 'x' }]), 1);
  engine.count = (request) => ((engine.counted = request), 9);
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const own = { chat_template_kwargs: { thinking: true } };
  const signal = new AbortController().signal;
  assert.equal(await kinglet.countTokens(chat('x').messages, { tools, kinglet: own, stream: true, signal }), 9);
  assert.deepEqual(engine.counted, { ...chat('x'), tools, kinglet: own });
  await rejects(kinglet.countTokens('x', { tools }), 'invalid_request');
  await rejects(kinglet.countTokens(chat('x').messages, 7), 'invalid_request');
  assert.equal((await kinglet.stats()).wasm_memory, 1);
});

test('leaving the loop stops the engine at once', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  for await (const chunk of await kinglet.completions.create({ prompt: 'a b c d e f', stream: true })) {
    if (chunk.choices[0].text === 'b') break;
  }
  assert.equal(engine.steps, 2);
  assert.deepEqual(engine.log, ['start a b c d e f', 'abort']);
  assert.equal((await kinglet.completions.create({ prompt: 'x y' })).choices[0].text, 'xy');
});

test('a signal stops a running request within one step, and keeps its reason', async (t) => {
  const engine = new StandIn(5);
  const kinglet = await connect(t, engine);
  const control = new AbortController();
  let seen = 0;
  const run = (async () => {
    const stream = await kinglet.completions.create({ prompt: 'a b c d e f', stream: true, signal: control.signal });
    for await (const _ of stream) {
      seen += 1;
      if (seen === 2) setTimeout(() => control.abort('enough'), 0);
    }
  })();
  await assert.rejects(run, (e) => e.code === 'aborted' && e.cause === 'enough');
  assert.ok(engine.steps <= 3, `${engine.steps} steps`);
  assert.equal((await kinglet.completions.create({ prompt: 'x y' })).choices[0].text, 'xy');
});

test('of two signals either stops the request', async (t) => {
  const kinglet = await connect(t, new StandIn(5));
  for (const first of [true, false]) {
    const controls = [new AbortController(), new AbortController()];
    const [inside, beside] = controls.map(({ signal }) => signal);
    const run = kinglet.completions.create({ prompt: 'a b c d e f', signal: inside }, { signal: beside });
    setTimeout(() => controls[first ? 0 : 1].abort('mine'), 8);
    await assert.rejects(run, (e) => e.code === 'aborted' && e.cause === 'mine');
  }
});

test('a signal stops the reading of a long prompt between its chunks', async (t) => {
  const engine = new StandIn();
  engine.chunks = 1000;
  const kinglet = await connect(t, engine);
  await rejects(kinglet.completions.create({ prompt: 'a b' }, { signal: AbortSignal.timeout(20) }), 'aborted');
  const read = 1000 - engine.chunks;
  assert.ok(read < 100, `${read} chunks`);
  engine.chunks = 0;
  assert.equal((await kinglet.completions.create({ prompt: 'x y' })).choices[0].text, 'xy');
  assert.equal(engine.steps, 2);
});

test('a signal that had already aborted starts nothing', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  await rejects(kinglet.completions.create({ prompt: 'a', signal: AbortSignal.abort() }), 'aborted');
  assert.equal(engine.steps, 0);
  assert.equal((await kinglet.completions.create({ prompt: 'x y' })).choices[0].text, 'xy');
});

test('a signal frees the engine although nobody pulls', async (t) => {
  const engine = new StandIn();
  const kinglet = await connect(t, engine);
  const abort = new AbortController();
  const left = await kinglet.chat.completions.create({ ...chat('left lying about'), stream: true, signal: abort.signal });
  await left.next();
  abort.abort();
  const answer = await kinglet.chat.completions.create(chat('next'));
  assert.equal(answer.choices[0].message.content, 'next');
  await rejects(left.next(), 'aborted');
  assert.deepEqual(engine.log, ['start left lying about', 'abort', 'start next', 'end']);
});

test('what is no model and no address is said before a worker is started', async () => {
  const worker = { addEventListener: () => assert.fail('started'), postMessage: () => assert.fail('asked') };
  for (const model of [undefined, null, 7, {}, [undefined], []]) {
    await assert.rejects(createKinglet({ model, worker }), (e) => e.code === 'invalid_request' && e.detail.param === 'model');
  }
  const wasm = 'http://['; // no such address
  await assert.rejects(
    createKinglet({ model: 'http://localhost/m.gguf', worker, wasm }),
    (e) => e.code === 'invalid_request' && e.detail.param === 'wasm',
  );
});

test('the package holds what it names', () => {
  const root = new URL('../../pkg/', import.meta.url);
  const { exports, files, types } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const named = [types, ...files, ...Object.values(exports).flatMap((e) => (typeof e === 'string' ? [e] : Object.values(e)))];
  for (const path of named) {
    assert.ok(existsSync(new URL(path, root)), `${path}: run cargo xtask pkg`);
    assert.ok(files.some((f) => path === types || path === './package.json' || path.replace('./', '').startsWith(f)), `${path} is not packed`);
  }
});

test('requests run one after the other, in order', async (t) => {
  const engine = new StandIn(1);
  const kinglet = await connect(t, engine);
  const answers = await Promise.all(['a b', 'c d', 'e f'].map((prompt) => kinglet.completions.create({ prompt })));
  assert.deepEqual(answers.map((a) => a.choices[0].text), ['ab', 'cd', 'ef']);
  assert.deepEqual(engine.log, ['start a b', 'end', 'start c d', 'end', 'start e f', 'end']);
});

test('a waiting request can be aborted without harm to the others', async (t) => {
  const engine = new StandIn(3);
  const kinglet = await connect(t, engine);
  const control = new AbortController();
  const first = kinglet.completions.create({ prompt: 'a b c d' });
  const second = kinglet.completions.create({ prompt: 'never', signal: control.signal });
  const third = kinglet.completions.create({ prompt: 'x y' });
  setTimeout(() => control.abort(), 4);
  await rejects(second, 'aborted');
  assert.equal((await first).choices[0].text, 'abcd');
  assert.equal((await third).choices[0].text, 'xy');
  assert.ok(!engine.log.includes('start never'));
});

test('a failing request frees the engine for the next', async (t) => {
  const kinglet = await connect(t, new StandIn());
  await rejects(kinglet.completions.create({ prompt: 'a', bogus: 1 }), 'invalid_request');
  await rejects(kinglet.completions.create({ prompt: 'boom' }), 'gpu_lost');
  assert.equal((await kinglet.completions.create({ prompt: 'x y' })).choices[0].text, 'xy');
});

test('what cannot be cloned is an invalid request', async (t) => {
  const kinglet = await connect(t, new StandIn());
  const named = (param) => (e) => e instanceof KingletError && e.code === 'invalid_request' && e.detail.param === param && e.message.includes(`${param}: expected plain data`);
  await assert.rejects(kinglet.completions.create({ prompt: () => 'x' }), named('prompt'));
  const messages = [{ role: 'user', content: 'a' }, { role: 'user', content: 'b', seen: Symbol('x') }];
  await assert.rejects(kinglet.chat.completions.create({ messages }), named('messages[1].seen'));
  const own = { chat_template_kwargs: { at: new WeakMap() } };
  own.chat_template_kwargs.self = own;
  await assert.rejects(kinglet.chat.completions.create({ ...chat('a'), kinglet: own }), named('kinglet.chat_template_kwargs.at'));
  await assert.rejects(kinglet.completions.create({ prompt: 'a', kinglet: { get top_k() { throw new Error('mine'); } } }), named('kinglet.top_k'));
  const chain = { work: () => 'x' };
  chain.again = { chain };
  await assert.rejects(kinglet.chat.completions.create({ ...chat('a'), kinglet: { again: chain, work: 1 } }), (e) => e.code === 'invalid_request' && /work$/.test(e.detail.param));
});

test('progress arrives, loading fails with its own code, and can be aborted', async (t) => {
  const seen = [];
  const load = async (_, progress) => {
    progress({ phase: 'download', loaded: 1, total: 2 });
    return new StandIn();
  };
  await connect(t, null, { onProgress: (p) => seen.push(p) }, load);
  assert.deepEqual(seen, [{ status: 'download', progress: 0.5, text: 'downloading: 50 %', phase: 'download', loaded: 1, total: 2 }]);
  const fail = async () => {
    throw { code: 'http', message: 'HTTP status 404', detail: { status: 404 } };
  };
  await assert.rejects(connect(t, null, {}, fail), (e) => e.code === 'http' && e.detail.status === 404);
  const never = () => new Promise(() => undefined);
  await rejects(connect(t, null, { signal: AbortSignal.timeout(10) }, never), 'aborted');
});

test('after dispose, and after the death of the worker, calls fail with a typed error', async (t) => {
  const kinglet = await connect(t, new StandIn(20));
  const running = kinglet.completions.create({ prompt: 'a b c' });
  setTimeout(() => kinglet.dispose(), 5);
  await rejects(running, 'not_loaded');
  await rejects(kinglet.tokenize('x'), 'not_loaded');

  const listeners = {};
  const dead = { postMessage: () => undefined, addEventListener: (type, f) => (listeners[type] = f), terminate: () => undefined };
  const loading = createKinglet({ model: 'http://localhost/m.gguf', worker: dead });
  while (!listeners.error) await new Promise((resolve) => setTimeout(resolve, 1));
  listeners.error({ message: 'out of memory' });
  await assert.rejects(loading, (e) => e.code === 'worker_failed' && /out of memory/.test(e.message));
});

test('the sources are absolute addresses, split parts in order', async (t) => {
  let sources;
  await connect(t, null, { model: ['http://localhost/m-2.gguf', new URL('http://localhost/m-1.gguf')] }, async (args) => {
    sources = args.sources;
    return new StandIn();
  });
  assert.deepEqual(sources.map(({ kind, url }) => [kind, url]), [['url', 'http://localhost/m-1.gguf'], ['url', 'http://localhost/m-2.gguf']]);
  await rejects(createKinglet({ model: [] }), 'invalid_request');
  await rejects(createKinglet({ model: '/relative' }), 'invalid_request');
});
