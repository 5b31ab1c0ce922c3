// The remote client against a real server that does what good ones will not do: parts, kinds of failure, attempts, and the account,
// which is held against the server's own truth. And the parts of it that need no server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { checkEndpoints, policyPart, RemoteModel } from '../../pkg/dist/remote/index.js';
import { Breaker } from '../../pkg/dist/remote/breaker.js';
import { promptTokens, startLlmFaults } from './support/faults-llm.mjs';

const PRICE = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
const KEY = 'sk-live-0123456789abcdef';
const SECRET = 'my neighbour’s parcel 48213 is behind the blue door';
const PAYLOAD = { messages: [{ role: 'system', content: 'Be short.' }, { role: 'user', content: SECRET }], max_tokens: 50 };
const FULL = 'The kettle comes on Tuesday, grüß ';

let server;
before(async () => {
  server = await startLlmFaults();
});
beforeEach(() => server.reset());
after(() => server.close());

/** An endpoint at the fault server, or elsewhere, as option `remote` has it. */
const endpoint = (order, more = {}) => ({ name: 'strong', price: PRICE, baseURL: server.base(order), model: 'large', apiKey: KEY, dangerouslyAllowBrowserKey: true, ...more });

/** An account that writes down what happens. */
function keeper() {
  const log = [];
  return { log, begin: async () => void log.push('begin'), end: async (spent) => void log.push(spent) };
}

/** Asks; returns {model, text, parts, error, log}. */
async function ask(given, { payload = PAYLOAD, id = 'a-1', signal, options = {}, onPart, account = keeper() } = {}) {
  const [checked] = checkEndpoints([given]);
  const model = new RemoteModel(checked, { random: () => 0, ...options });
  return { model, ...(await askModel(model, { payload, id, signal, onPart, account })) };
}

async function askModel(model, { payload = PAYLOAD, id = 'a-1', signal, onPart, account = keeper() } = {}) {
  const parts = [];
  let error;
  try {
    for await (const part of model.ask(payload, { id, account, signal })) {
      parts.push(part);
      await onPart?.(part);
    }
  } catch (thrown) {
    error = thrown;
  }
  const text = parts.filter(({ type }) => type === 'text').map((part) => part.text).join('');
  return { parts, text, error, log: account.log };
}

/** What an account of these attempts may look like, held against what the server would bill for each. */
function settle(log, truth) {
  assert.equal(log.length, 2 * truth.length, `${JSON.stringify(log)} for ${truth.length} requests`);
  return truth.map(({ input, output, cached }, i) => {
    assert.equal(log[2 * i], 'begin');
    const { kind, usage } = log[2 * i + 1];
    if (kind === 'usage') {
      assert.deepEqual({ input: usage.input, output: usage.output, cached: usage.cached ?? 0 }, { input, output, cached });
    } else if (kind === 'refused') {
      assert.deepEqual([input, output], [0, 0], 'nothing is billed for what was turned away');
    }
    return kind;
  });
}

const STOP = { text: FULL, finish: 'stop', spent: ['usage'] };
const failed = (kind, spent, more = {}) => ({ kind, spent, ...more });
/** Order -> what comes of it. `spent`: of each attempt. Of a stalled one the time it has is short. */
const CASES = {
  ok: STOP,
  'n=40,split=5': { finish: 'stop', spent: ['usage'] },
  'bytes,lines=crlf,bom': STOP,
  'split=9,lines=cr,comments': STOP,
  gzip: STOP,
  'type=application%2Fjson': STOP,
  'type=text%2Fplain,think=4': STOP,
  'drip=2,comments': STOP,
  json: STOP,
  'json,type=text%2Fplain': STOP,
  nodone: STOP,
  linger: STOP,
  'nodone,linger': { ...STOP, timeouts: { idleMs: 1000 } },
  'usage=no,nodone,linger': { ...STOP, spent: ['unknown'], timeouts: { idleMs: 1000 } },
  cutend: STOP,
  duplicate: { finish: 'stop', spent: ['usage'] },
  'usage=beside': STOP,
  'usage=early': STOP,
  'usage=each': STOP,
  'usage=twice,cached=5': STOP,
  'usage=null': STOP,
  'cached=4': STOP,
  'usage=no': { ...STOP, spent: ['unknown'] },
  'usage=start': { ...STOP, spent: ['unknown'] },
  'usage=zero': { ...STOP, spent: ['unknown'] },
  'usage=bad': { ...STOP, spent: ['unknown'] },
  'json,usage=no': { ...STOP, spent: ['unknown'] },
  length: { ...STOP, finish: 'length' },
  filter: { ...STOP, finish: 'content_filter' },
  'filter=0': failed('content_filter', ['usage']),
  'filter=400': failed('content_filter', ['refused'], { status: 400 }),
  overflow: failed('overflow', ['refused'], { status: 400 }),
  'status=413': failed('overflow', ['refused'], { status: 413 }),
  'status=400': failed('http', ['refused'], { status: 400 }),
  'status=400,half': failed('http', ['refused'], { status: 400, timeouts: { idleMs: 100 } }),
  'status=401': failed('auth', ['refused'], { status: 401 }),
  'status=403': failed('auth', ['refused'], { status: 403 }),
  'status=404': failed('http', ['refused'], { status: 404 }),
  'status=422': failed('http', ['refused'], { status: 422 }),
  'status=402;ok': { code: 'budget_exhausted', spent: ['refused'], status: 402 },
  'status=429,after=90;ok': { code: 'rate_limited', spent: ['refused'], status: 429 },
  echo: failed('auth', ['refused'], { status: 401 }),
  'status=408;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'status=409;ok': { ...STOP, spent: ['refused', 'usage'] },
  'status=425;ok': { ...STOP, spent: ['refused', 'usage'] },
  'status=429;ok': { ...STOP, spent: ['refused', 'usage'] },
  'status=429,after=0;ok': { ...STOP, spent: ['refused', 'usage'] },
  'status=429,afterms=20;ok': { ...STOP, spent: ['refused', 'usage'] },
  'status=500;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'status=502;status=503;ok': { ...STOP, spent: ['unknown', 'refused', 'usage'] },
  'status=529;ok': { ...STOP, spent: ['refused', 'usage'] },
  'error=0;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'stop=0;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'close;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'think=2,cut=1;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'jsonerror=529;ok': { ...STOP, spent: ['unknown', 'usage'] },
  'status=503': failed('overloaded', ['refused', 'refused', 'refused'], { status: 503 }),
  'status=529': failed('overloaded', ['refused', 'refused', 'refused'], { status: 529 }),
  'status=500': failed('http', ['unknown', 'unknown', 'unknown'], { status: 500 }),
  'error=0': failed('overloaded', ['unknown', 'unknown', 'unknown']),
  'error=2;ok': failed('overloaded', ['unknown'], { text: 'The kettle ' }),
  'cut=2;ok': failed('cut', ['unknown'], { text: 'The kettle ' }),
  'usage=each,cut=3;ok': failed('cut', ['unknown'], { text: 'The kettle comes ' }),
  'stop=2;ok': failed('cut', ['unknown'], { text: 'The kettle ' }),
  'nofinish;ok': failed('cut', ['unknown'], { text: FULL }),
  'garbage;ok': failed('bad_answer', ['unknown'], { text: 'The ' }),
  html: failed('bad_answer', ['unknown']),
  endless: failed('bad_answer', ['unknown']),
  'jsonerror;ok': failed('reported', ['unknown']),
  'redirect=302;ok': failed('redirect', ['unknown'], { status: 302 }),
  'redirect=307;ok': failed('redirect', ['unknown'], { status: 307 }),
  'redirect=308;ok': failed('redirect', ['unknown'], { status: 308 }),
  'head=stall;ok': { ...STOP, spent: ['unknown', 'usage'], timeouts: { connectMs: 1000 } },
  'stall=0;ok': { ...STOP, spent: ['unknown', 'usage'], timeouts: { firstTokenMs: 1000 } },
  'head=stall': failed('connect_timeout', ['unknown', 'unknown', 'unknown'], { timeouts: { connectMs: 500 } }),
  'stall=0': failed('first_token_timeout', ['unknown', 'unknown', 'unknown'], { timeouts: { firstTokenMs: 100 } }),
  'pings=20': failed('first_token_timeout', ['unknown'], { timeouts: { firstTokenMs: 100 }, retries: 0 }),
  'stall=2;ok': failed('idle_timeout', ['unknown'], { text: 'The kettle ', timeouts: { idleMs: 1000 } }),
};

for (const api of ['openai', 'anthropic']) {
  for (const [order, expected] of Object.entries(CASES)) {
    test(`${api}: ${order}`, async () => {
      const { timeouts, retries } = expected;
      const { parts, text, error, log } = await ask(endpoint(order, { api, ...(timeouts && { timeouts }), ...(retries === undefined ? {} : { retries }) }));
      assert.deepEqual(settle(log, server.truth), expected.spent);
      assert.equal(error?.detail.kind, expected.kind, String(error));
      assert.equal(parts.at(-1)?.reason, expected.finish);
      if (expected.text !== undefined) assert.equal(text, expected.text);
      if (error === undefined) {
        const usage = parts.filter(({ type }) => type === 'usage');
        assert.deepEqual(usage.map((part) => part.usage), log.at(-1).kind === 'usage' ? [log.at(-1).usage] : []);
        assert.deepEqual(parts.filter(({ type }) => type === 'head').map(({ model }) => model), ['large-2026']);
        return;
      }
      assert.equal(error.code, expected.code ?? 'remote_failed');
      assert.equal(error.detail.attempts, expected.spent.length);
      if (expected.status !== undefined) assert.equal(error.detail.status, expected.status);
      const all = JSON.stringify([error, error.message, inspect(error, { depth: 9 })]);
      for (const part of [KEY, KEY.slice(4, 12), SECRET, '48213', 'blue door']) assert.ok(!all.includes(part), all);
      assert.ok(error.message.length < 500 && (error.detail.said ?? '').length <= 200);
    });
  }

  test(`${api}: what is sent is what body() says, without a key, to one address`, async () => {
    const { model, error } = await ask(endpoint('ok', { api, headers: { 'x-app': 'shop' } }));
    assert.equal(error, undefined);
    const [{ body, headers }] = server.truth;
    assert.deepEqual(body, JSON.parse(model.body(PAYLOAD)));
    assert.ok(!model.body(PAYLOAD).includes(KEY));
    assert.deepEqual([headers['content-type'], headers['x-app'], headers['idempotency-key'], headers.referer, headers.cookie], ['application/json', 'shop', undefined, undefined, undefined]);
    const own = api === 'openai' ? { authorization: `Bearer ${KEY}` } : { 'x-api-key': KEY, 'anthropic-version': '2023-06-01', 'anthropic-dangerous-direct-browser-access': 'true' };
    for (const name of ['authorization', 'x-api-key', 'anthropic-version', 'anthropic-dangerous-direct-browser-access']) assert.equal(headers[name], own[name], name);
    assert.deepEqual([model.name, model.host, model.provider, model.model], ['strong', new URL(server.origin).host, `${api}:${new URL(server.origin).host}`, 'large']);
  });

  test(`${api}: a tool is called, in pieces and at once, with arguments and without`, async () => {
    const payload = { ...PAYLOAD, tools: [{ type: 'function', function: { name: 'forecast', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }] };
    for (const [order, whole] of [['tools', '{"city":"Bern","days":2}'], ['tools,json', '{"city":"Bern","days":2}'], ['tools,bare', '{}'], ['tools,split=3,lines=crlf', '{"city":"Bern","days":2}']]) {
      const { parts } = await ask(endpoint(order, { api }), { payload });
      const calls = parts.filter(({ type }) => type === 'call');
      assert.deepEqual([calls[0].name, calls[0].id, calls.every(({ index }) => index === 0), calls.slice(1).some(({ name }) => name)], ['forecast', api === 'openai' ? 'call_1' : 'toolu_1', true, false], order);
      assert.deepEqual([calls.map((call) => call.arguments).join(''), parts.at(-1).reason], [whole, 'tool_calls'], order);
    }
  });
}

test('429: Retry-After in seconds and as a date is waited for; what is too long is said at once', async () => {
  for (const order of ['status=429,after=1;ok', 'status=503,after=1;ok']) {
    const start = performance.now();
    const { text } = await ask(endpoint(order));
    assert.deepEqual([text, performance.now() - start > 950], [FULL, true], order);
  }
  const dated = performance.now();
  const { text } = await ask(endpoint('status=429,afterdate=2;ok'));
  assert.deepEqual([text, performance.now() - dated > 900], [FULL, true], 'a date has whole seconds');
  for (const [after, least] of [['after=90', 90_000], ['afterdate=600', 590_000], ['after=99999999999999999999', 30 * 86_400_000]]) {
    const { error, log } = await ask(endpoint(`status=429,${after};ok`));
    assert.deepEqual([error.code, error.detail.attempts, error.detail.retry_after_ms >= least, log.at(-1).kind], ['rate_limited', 1, true, 'refused'], after);
    assert.ok(Number.isSafeInteger(error.detail.retry_after_ms) && error.detail.retry_after_ms <= 30 * 86_400_000);
  }
  // Shorter than what is waited for at most, longer than the time that is left.
  const { error } = await ask(endpoint('status=429,after=20;ok', { timeouts: { totalMs: 5000 } }));
  assert.deepEqual([error.code, error.detail.attempts, error.detail.retry_after_ms], ['rate_limited', 1, 20_000]);
  for (const after of ['after=soon', 'after=-5', 'after=']) {
    assert.equal((await ask(endpoint(`status=429,${after};ok`))).text, FULL, after);
  }
  const gone = await ask(endpoint('status=429'));
  assert.deepEqual([gone.error.code, gone.error.detail.attempts, gone.error.detail.kind, gone.error.detail.retry_after_ms], ['rate_limited', 3, undefined, undefined]);
});

test('pauses are drawn from zero to a bound that doubles', async () => {
  const drawn = [];
  const { error } = await ask(endpoint('status=500', { retries: 3 }), { options: { random: () => (drawn.push(performance.now()), 0.02) } });
  assert.deepEqual([error.detail.attempts, drawn.length], [4, 3]);
  const start = performance.now();
  await ask(endpoint('status=502', { retries: 1 }), { options: { random: () => 0.6 } });
  assert.ok(performance.now() - start > 290, 'six tenths of half a second');
  assert.equal((await ask(endpoint('status=503;ok', { retries: 0 }))).error.detail.attempts, 1);
});

test('attempts share an idempotency key only where the endpoint honours it', async () => {
  await ask(endpoint('status=503;ok', { idempotency: true }), { id: 'chatcmpl-ü 1' });
  assert.deepEqual(server.truth.map(({ idempotency }) => idempotency), ['chatcmpl-%C3%BC%201', 'chatcmpl-%C3%BC%201']);
});

test('all attempts together have a time, which ends an answer, a pause and a stall', async () => {
  const late = await ask(endpoint('n=1000,drip=20', { timeouts: { totalMs: 2000 } }));
  assert.deepEqual([late.error.detail.kind, settle(late.log, server.truth)], ['total_timeout', ['unknown']]);
  assert.ok(late.text.length > 0);
  server.reset();
  // The second attempt is in its middle then: far from the end of either.
  const stalled = await ask(endpoint('head=stall', { timeouts: { connectMs: 1000, totalMs: 1500 } }));
  assert.deepEqual([stalled.error.detail.kind, stalled.log.at(-1), stalled.log.length], ['total_timeout', { kind: 'unknown' }, 2 * stalled.error.detail.attempts]);
});

test('whoever reads slowly does not make a service slow', async () => {
  // 900 ms between two pieces, of which whoever reads takes 700: 200 are the service's.
  const slow = () => new Promise((resolve) => setTimeout(resolve, 700));
  const { error, text } = await ask(endpoint('n=2,drip=900', { timeouts: { idleMs: 650 } }), { onPart: slow });
  assert.deepEqual([error, text], [undefined, 'The kettle ']);
});

/** Waits until something is so. */
async function until(what, is) {
  for (let left = 500; !is(); left--) {
    assert.ok(left > 0, `${what} within ten seconds`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when the server has noticed that its only request was left. */
async function left() {
  let before;
  let same = 0;
  await until('it stops', () => ((same = before === server.truth[0].output ? same + 1 : 0), (before = server.truth[0].output), same > 10));
  assert.equal(server.truth[0].complete, false);
}

test('to stop: a signal before, while waiting, between two parts, in a pause; or leaving', async () => {
  const before = await ask(endpoint('ok'), { signal: AbortSignal.abort('why') });
  assert.deepEqual([before.error.code, before.error.cause, before.log, server.truth.length], ['aborted', 'why', [], 0]);
  for (const order of ['head=stall', 'stall=0', 'n=1000,drip=10']) {
    server.reset();
    const controller = new AbortController();
    const asked = ask(endpoint(order), { signal: controller.signal });
    await until('it is asked', () => server.truth.length === 1);
    controller.abort();
    const { error, log } = await asked;
    assert.deepEqual([error.code, log], ['aborted', ['begin', { kind: 'unknown' }]], order);
    await left();
  }
  server.reset();
  const between = new AbortController();
  const { error, log } = await ask(endpoint('n=1000,drip=10'), { signal: between.signal, onPart: ({ type }) => type === 'text' && between.abort() });
  assert.deepEqual([error.code, log.at(-1)], ['aborted', { kind: 'unknown' }]);
  await left();
  server.reset();
  const pause = new AbortController();
  const watched = keeper();
  const waiting = ask(endpoint('status=429,after=30;ok'), { signal: pause.signal, account: watched });
  await until('it waits', () => watched.log.length === 2);
  pause.abort();
  const paused = await waiting;
  assert.deepEqual([paused.error.code, paused.log], ['aborted', ['begin', { kind: 'refused' }]]);
  server.reset();
  const account = keeper();
  const model = new RemoteModel(endpoint('n=1000,drip=10'));
  for await (const { type } of model.ask(PAYLOAD, { id: '1', account })) if (type === 'text') break;
  assert.deepEqual(account.log, ['begin', { kind: 'unknown' }]);
  await left();
  assert.equal(model.resting, false);
});

test('an account that refuses an attempt: nothing is sent; one that is slow: an abort meanwhile neither', async () => {
  const { KingletError } = await import('../../pkg/dist/errors.js');
  const refuse = { log: [], begin: async () => Promise.reject(new KingletError('budget_exhausted', 'no money')), end: async () => refuse.log.push('end') };
  const { error } = await ask(endpoint('ok'), { account: refuse });
  assert.deepEqual([error.code, refuse.log, server.truth.length], ['budget_exhausted', [], 0]);
  const controller = new AbortController();
  const slow = keeper();
  slow.begin = async () => (slow.log.push('begin'), controller.abort());
  const aborted = await ask(endpoint('ok'), { account: slow, signal: controller.signal });
  assert.deepEqual([aborted.error.code, slow.log, server.truth.length], ['aborted', ['begin', { kind: 'refused' }], 0]);
  // The second attempt is another one, and may be too much.
  const once = keeper();
  const begin = once.begin;
  once.begin = async () => (once.log.length === 0 ? begin() : Promise.reject(new KingletError('rate_limited', 'enough')));
  const second = await ask(endpoint('status=503;ok'), { account: once });
  assert.deepEqual([second.error.message, once.log, server.truth.length], ['enough', ['begin', { kind: 'refused' }], 1]);
});

test('a token is asked for with each attempt, is not kept, and may fail', async () => {
  let n = 0;
  const tokens = { apiKey: undefined, getToken: ({ remote, signal }) => (assert.ok(remote === 'strong' && signal instanceof AbortSignal), `token-${++n}-abcdefgh`) };
  const { text, model } = await ask(endpoint('status=503;status=503;ok', tokens));
  assert.deepEqual([text, server.truth.map(({ headers }) => headers.authorization)], [FULL, [1, 2, 3].map((i) => `Bearer token-${i}-abcdefgh`)]);
  assert.ok(!inspect(model, { depth: 9, showHidden: true }).includes('token-1'));
  server.reset();
  const anthropic = await ask(endpoint('echo', { ...tokens, api: 'anthropic' }));
  assert.deepEqual([server.truth[0].headers['x-api-key'], server.truth[0].headers['anthropic-dangerous-direct-browser-access'], server.truth[0].headers.authorization], [undefined, undefined, 'Bearer token-4-abcdefgh']);
  assert.ok(!JSON.stringify(anthropic.error).includes('token-4'));
  server.reset();
  const bad = [async () => Promise.reject(new Error(`boom ${KEY}`)), () => { throw new Error(KEY); }, () => undefined, () => '', () => 'a b', () => 'ü', () => 7, () => 'x'.repeat(9000), () => new Promise(() => undefined)];
  for (const getToken of bad) {
    const { error, log } = await ask(endpoint('ok', { apiKey: undefined, getToken, timeouts: { connectMs: 100 } }));
    assert.deepEqual([error.code, error.detail.kind, error.detail.attempts, log], ['remote_failed', 'auth', 1, []]);
    assert.ok(!JSON.stringify([error, error.message]).includes(KEY));
  }
  const controller = new AbortController();
  const hanging = ask(endpoint('ok', { apiKey: undefined, getToken: () => (controller.abort(), new Promise(() => undefined)) }), { signal: controller.signal });
  assert.equal((await hanging).error.code, 'aborted');
  const late = await ask(endpoint('ok', { apiKey: undefined, getToken: () => new Promise(() => undefined), timeouts: { totalMs: 100 } }));
  assert.deepEqual([late.error.detail.kind, late.log], ['total_timeout', []]);
  assert.equal(server.truth.length, 0);
});

test('a key is in no copy, text or log of anything', async () => {
  const given = endpoint('ok');
  const checked = checkEndpoints([given]);
  const model = new RemoteModel(checked[0]);
  await askModel(model);
  const seen = [JSON.stringify(checked), JSON.stringify(model), inspect(model, { depth: 9, showHidden: true }), inspect(checked, { depth: 9 }), JSON.stringify({ ...checked[0] }), String(model), JSON.stringify(structuredClone(checked)), JSON.stringify(structuredClone(model)), model.body(PAYLOAD), JSON.stringify(policyPart(checked[0]))];
  for (const text of seen) assert.ok(!text.includes(KEY), text);
  assert.equal(given.apiKey, KEY, 'what the app has is its own');
  const told = await ask(endpoint('echokey'));
  assert.deepEqual([told.text, JSON.stringify(told.parts).includes(KEY)], [FULL, false]);
});

test('a service’s own words: bounded, plain, without what was asked', async () => {
  const message = encodeURIComponent(`\u202E\u0007<b>no</b>\n${'long '.repeat(200)} ${SECRET}`);
  const { error } = await ask(endpoint(`status=422,message=${message}`));
  assert.ok(error.detail.said.startsWith('<b>no</b> long long') && error.detail.said.length <= 200 && !/[\u202E\u0007\n]/.test(error.message), error.detail.said);
  const other = await ask(endpoint(`status=422,message=${encodeURIComponent(`Cannot tell: ${SECRET.slice(3, 40)}; sorry.`)}`));
  assert.match(other.error.detail.said, /^Cannot tell: ?…; sorry\.$/);
});

test('the network: no server, a foreign fetch, an answer from elsewhere, headers that a fetch cannot send', async () => {
  const closed = await startLlmFaults();
  const gone = endpoint('ok', { baseURL: closed.base('ok') });
  await closed.close();
  const none = await ask(gone);
  assert.deepEqual([none.error.detail.kind, none.error.detail.attempts, none.log.filter((x) => x !== 'begin').map(({ kind }) => kind)], ['network', 3, ['refused', 'refused', 'refused']]);
  assert.match(none.error.message, /ECONNREFUSED/);
  const broken = await ask(endpoint('ok'), { options: { fetch: async () => Promise.reject(new TypeError(`Failed ${KEY}`)) } });
  assert.deepEqual([broken.error.detail.kind, broken.log.at(-1).kind, JSON.stringify([broken.error, broken.error.message]).includes(KEY)], ['network', 'unknown', false]);
  // One that follows redirects all the same, or answers for another address.
  const followed = await ask(endpoint('ok'), { options: { fetch: async () => Object.defineProperties(new Response('{}'), { redirected: { value: true } }) } });
  assert.equal(followed.error.detail.kind, 'redirect');
  const elsewhere = await ask(endpoint('ok'), { options: { fetch: async () => Object.defineProperties(new Response('{}'), { url: { value: 'https://other.example/' } }) } });
  assert.equal(elsewhere.error.detail.kind, 'redirect');
  let cancelled = false;
  const deaf = new ReadableStream({ cancel: () => void (cancelled = true) });
  const later = async () => (await new Promise((resolve) => setTimeout(resolve, 150)), new Response(deaf));
  const stalled = await ask(endpoint('ok', { timeouts: { connectMs: 50 }, retries: 0 }), { options: { fetch: later } });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual([stalled.error.detail.kind, cancelled], ['connect_timeout', true], 'what comes too late is let go');
  let init;
  await ask(endpoint('ok'), { options: { fetch: async (url, given) => ((init = given), fetch(url, given)) } });
  assert.deepEqual([init.redirect, init.credentials, init.cache, init.referrerPolicy, init.mode, init.method], ['manual', 'omit', 'no-store', 'no-referrer', 'cors', 'POST']);
});

/** Asks a service that answers with these bytes. */
const answered = (text, more = {}) => ask(endpoint('ok', { retries: 0, ...more }), { options: { fetch: async () => new Response(text) } });
const chunks = (...list) => list.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
const delta = (delta, more = {}) => ({ choices: [{ index: 0, delta, ...more }] });

test('what servers do to calls, heads, errors and contents', async () => {
  const call = (index, id, name, text) => delta({ tool_calls: [{ ...(index === undefined ? {} : { index }), ...(id && { id }), function: { ...(name && { name }), arguments: text } }] });
  const calls = async (...list) => {
    const { parts } = await answered(`${chunks(...list, delta({}, { finish_reason: 'stop' }))}data: [DONE]\n\n`);
    const found = [];
    for (const part of parts.filter(({ type }) => type === 'call')) found[part.index] = { name: found[part.index]?.name ?? part.name, text: (found[part.index]?.text ?? '') + part.arguments };
    assert.equal(parts.at(-1).reason, 'tool_calls', 'whatever it says');
    return found;
  };
  const two = [{ name: 'f', text: '{"a":1}' }, { name: 'g', text: '{}' }];
  assert.deepEqual(await calls(call(0, 'x', 'f', '{"a"'), call(0, undefined, undefined, ':1}'), call(1, 'y', 'g', '{}')), two);
  assert.deepEqual(await calls(call(0, 'x', 'f', '{"a":1}'), call(0, 'y', 'g', '{}')), two, 'one index for all');
  assert.deepEqual(await calls(call(undefined, 'x', 'f', '{"a"'), call(undefined, undefined, undefined, ':1}'), call(undefined, 'y', 'g', '{}')), two, 'no index');
  assert.deepEqual(await calls(call(undefined, 'x', 'f', '{"a"'), call(undefined, 'y', 'g', '{}'), call(undefined, 'x', undefined, ':1}')), two, 'no index, and in turns');
  assert.deepEqual(await calls(call(0, 'x', 'f', '{"a"'), call(0, 'x', 'f', ':1}'), call(7, 'y', 'g', {})), two, 'all of it each time; an index that leaps; an object');
  const said = async (...list) => (await answered(`${chunks(...list)}data: [DONE]\n\n`)).text;
  assert.equal(await said(delta({ content: [{ type: 'text', text: 'a' }, { type: 'thinking', thinking: 'b' }] }), delta({ refusal: 'No.' }), { choices: [{ text: 'c' }] }, delta({ content: null })), 'aNo.');
  const counted = async (usage) => (await answered(`${chunks(delta({ content: 'a' }, { finish_reason: 'stop' }), { choices: [], usage })}data: [DONE]\n\n`)).log.at(-1);
  assert.deepEqual(await counted({ prompt_tokens: 5, completion_tokens: 1 }), { kind: 'usage', usage: { input: 5, output: 1 } });
  assert.deepEqual(await counted({ prompt_tokens: 5, total_tokens: 8, prompt_tokens_details: { cached_tokens: 9 } }), { kind: 'usage', usage: { input: 5, output: 3, cached: 5 } });
  for (const usage of [{ prompt_tokens: 0, completion_tokens: 1 }, { prompt_tokens: 5, completion_tokens: 0 }, { prompt_tokens: 5 }, { completion_tokens: 5 }, { prompt_tokens: 5, completion_tokens: 1e12 }, { prompt_tokens: 5.5, completion_tokens: 1 }, { prompt_tokens: [5], completion_tokens: 1 }, [], null, 'many']) {
    assert.deepEqual(await counted(usage), { kind: 'unknown' }, JSON.stringify(usage));
  }
  const named = await answered(`event: chunk\n${chunks(delta({ content: 'a' }))}event: heartbeat\ndata: still here\n\n${chunks(delta({}, { finish_reason: 'stop' }))}`);
  assert.deepEqual([named.text, named.error], ['a', undefined]);
  const heads = await answered(`${chunks({ id: 'a', ...delta({}) }, { id: 'b', model: 'm', ...delta({ content: 'x' }) })}data: [DONE]\n\n`);
  assert.deepEqual(heads.parts.map(({ type }) => type), ['head', 'text', 'finish']);
  const kind = async (text) => (await answered(text)).error?.detail.kind;
  assert.deepEqual(await Promise.all(['', '\n\n', 'data: [DONE]\n\n', '{}', '[]', 'null', 'hello', '  <html>', '{"choices":[]}', '{"choices":[{"message":{"content":""}}]}', '{"object":"error","message":"x"}', 'event: error\ndata: {"message":"x"}\n\n', 'data: {"error":"x"}\n\n', 'data: {"error":{"code":"context_length_exceeded"}}\n\n', '[{"error":{"code":401,"message":"x"}}]', 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"error"}]}\n\n'].map(kind)), ['bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'bad_answer', 'reported', 'reported', 'reported', 'overflow', 'auth', 'reported']);
});

test('what servers do to Anthropic’s events', async () => {
  const text = [{ type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'a' } }, { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'b' } }];
  const end = { type: 'message_stop' };
  const said = (...events) => answered(chunks(...events), { api: 'anthropic' });
  const usage = async (first, last) => (await said({ type: 'message_start', message: { usage: first } }, ...text, { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: last }, end)).log.at(-1);
  const counted = (input, output, cached) => ({ kind: 'usage', usage: { input, output, ...(cached === undefined ? {} : { cached }) } });
  assert.deepEqual(await usage({ input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 1 }, { input_tokens: 0, output_tokens: 3 }), counted(9, 3, 4));
  assert.deepEqual(await usage({ input_tokens: 0, output_tokens: 0 }, { input_tokens: 7, cache_read_input_tokens: 2, output_tokens: 3 }), counted(9, 3, 2), 'a gateway that knows later');
  assert.deepEqual(await usage({ input_tokens: 5 }, { output_tokens: 0 }), { kind: 'unknown' });
  assert.deepEqual(await usage({ input_tokens: 5, output_tokens: 9 }, {}), { kind: 'unknown' });
  assert.deepEqual(await usage(undefined, { input_tokens: 5, output_tokens: 2, cache_read_input_tokens: -1 }), counted(5, 2));
  const finish = async (stop_reason) => (await said(...text, { type: 'message_delta', delta: { stop_reason } }, end)).parts.at(-1).reason;
  assert.deepEqual(await Promise.all(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'refusal', 'pause_turn', 'model_context_window_exceeded', 'toString'].map(finish)), ['stop', 'length', 'stop', 'tool_calls', 'content_filter', 'stop', 'length', 'stop']);
  const unended = await said(...text, end);
  assert.deepEqual([unended.text, unended.parts.at(-1).reason], ['ab', 'stop']);
  const whole = await said({ type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } } }, { type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } }, { type: 'content_block_stop', index: 3 }, { type: 'message_delta', delta: { stop_reason: 'end_turn' } }, end);
  assert.deepEqual(whole.parts.map(({ type, ...rest }) => rest), [{ index: 0, id: 't', name: 'f', arguments: '{"a":1}' }, { reason: 'tool_calls' }]);
  const kind = async (...events) => (await said(...events)).error?.detail.kind;
  assert.deepEqual(
    await Promise.all([[{ type: 'error', error: { type: 'overloaded_error' } }], [{ type: 'error', error: { type: 'rate_limit_error' } }], [{ type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 9 > 8' } }], [{ type: 'error' }], [{ type: 'ping' }], [{ type: 'message_delta', delta: null }, ...text], [{}, ...text], [{ type: 'content_block_delta', index: 9, delta: { type: 'input_json_delta', partial_json: '{' } }]].map((events) => kind(...events))),
    ['overloaded', undefined, 'overflow', 'reported', 'cut', 'cut', 'cut', 'cut'],
  );
});

test('JSON that is meant to trip whoever reads it', async () => {
  const odd = '{"toString":1,"valueOf":1,"__proto__":{"a":1}}';
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  const texts = [
    `{"error":{"message":${odd},"code":${odd},"type":${odd},"innererror":${odd}}}`,
    `{"choices":[{"index":${odd},"delta":{"content":${odd},"tool_calls":[{"index":${odd},"id":${odd},"function":{"name":${odd},"arguments":${odd}}}]},"finish_reason":${odd}}],"usage":{"prompt_tokens":${odd},"completion_tokens":null,"total_tokens":${odd}}}`,
    `{"choices":[{"delta":{"content":[${odd},null,1,{"text":${odd}}]}}],"id":${odd},"model":${odd}}`,
    `{"type":"message_start","message":{"usage":{"input_tokens":${odd},"output_tokens":${odd}},"model":${odd}}}`,
    `{"type":${odd}}`,
    `{"type":"content_block_start","index":${odd},"content_block":{"type":"tool_use","id":${odd},"name":"f","input":${odd}}}`,
    `{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":{"a":${deep}}}}]}}]}`,
    `{"error":{"a":${deep}}}`,
    deep,
  ];
  for (const api of ['openai', 'anthropic']) {
    for (const text of texts) {
      for (const body of [`data: ${text}\n\n`, text]) {
        const { error, log } = await answered(body, { api });
        assert.ok(['bad_answer', 'cut', 'reported'].includes(error.detail.kind), `${error} for ${body.slice(0, 100)}`);
        assert.deepEqual(log, ['begin', { kind: 'unknown' }]);
      }
      const refused = await ask(endpoint('ok', { api, retries: 0 }), { options: { fetch: async () => new Response(text, { status: 418 }) } });
      assert.deepEqual([refused.error.detail.kind, refused.error.detail.status, refused.log.at(-1)], ['http', 418, { kind: 'refused' }]);
    }
  }
});

test('an answer has a bound, as a stream and as a whole', async () => {
  const long = 'x'.repeat(3_000_000);
  const many = (text) => new ReadableStream({ pull: (controller) => controller.enqueue(new TextEncoder().encode(text)) });
  for (const text of [chunks(delta({ content: long })), `{"a":"${long}`]) {
    const body = many(text);
    const { error, log } = await answered(body);
    assert.deepEqual([error.detail.kind, log.at(-1)], ['bad_answer', { kind: 'unknown' }]);
    assert.match(error.message, /more than 16777216 characters/);
  }
});

test('a breaker rests after failures, lets one request through, and rests longer each time', () => {
  const breaker = new Breaker();
  const go = (now, health, atOnce) => breaker.left(breaker.enter(now) ?? assert.fail('it rests'), health, now, atOnce);
  ['failed', 'well', 'failed', 'neither', 'well'].forEach((health, i) => go(i, health));
  assert.equal(breaker.resting(10), 0, 'two of the last four');
  const early = breaker.enter(10);
  go(11, 'failed');
  assert.deepEqual([breaker.resting(11), breaker.resting(30_010), breaker.resting(30_011)], [30_000, 1, 0]);
  assert.equal(breaker.enter(20_000), undefined);
  breaker.left(early, 'failed', 20_000);
  assert.equal(breaker.resting(20_000), 10_011, 'begun before, and no news');
  const probe = breaker.enter(40_000);
  assert.deepEqual([probe.probe, breaker.enter(40_000), breaker.resting(40_000)], [true, undefined, Infinity]);
  breaker.left(probe, 'neither', 40_100);
  assert.equal(breaker.resting(40_100), 0, 'it says nothing: another may try');
  const ladder = [40_200];
  for (const expected of [60_000, 300_000, 300_000]) {
    const now = ladder.at(-1);
    go(now, 'failed');
    assert.equal(breaker.resting(now), expected);
    ladder.push(now + expected);
  }
  go(ladder.at(-1), 'well');
  ['failed', 'failed'].forEach(() => go(ladder.at(-1), 'failed'));
  assert.equal(breaker.resting(ladder.at(-1)), 0, 'well again: two failures are two');
  go(ladder.at(-1), 'failed', true);
  assert.equal(breaker.resting(ladder.at(-1)), 30_000, 'from the first step again');
  const strict = new Breaker({ failures: 1, of: 1, restMs: [5] });
  strict.left(strict.enter(0), 'failed', 0);
  assert.deepEqual([strict.resting(0), strict.resting(5)], [5, 0]);
});

test('a model rests after failures of the service, and not after the request’s own', async () => {
  let now = 0;
  const make = (order, more) => new RemoteModel(checkEndpoints([endpoint(order, { retries: 0, ...more })])[0], { random: () => 0, now: () => now });
  const busy = make('status=503;status=500;cut=1;ok');
  for (const resting of [false, false, true]) {
    await askModel(busy);
    assert.equal(busy.resting, resting);
  }
  const { error, log } = await askModel(busy);
  assert.deepEqual([error.code, error.detail, log, server.truth.length], ['remote_failed', { kind: 'cut', remote: 'strong', host: new URL(server.origin).host, attempts: 0, resting: true, retry_after_ms: 30_000 }, [], 3]);
  now += 30_000;
  assert.equal(busy.resting, false);
  const both = await Promise.all([askModel(busy), askModel(busy)]);
  assert.deepEqual([both.map(({ text }) => text), both[1].error.detail.resting, server.truth.length, busy.resting], [[FULL, ''], true, 4, false], 'one tries, the other is told');
  const tried = make('status=503;ok', { breaker: { failures: 1, of: 1 } });
  await askModel(tried);
  now += 30_000;
  for await (const { type } of tried.ask(PAYLOAD, { id: '1', account: keeper() })) if (type === 'finish') break;
  assert.equal(tried.resting, false);
  now += 1;
  const [one, other] = await Promise.all([askModel(tried), askModel(tried)]);
  assert.deepEqual([one.text, other.text], [FULL, FULL], 'whoever leaves at the finish has had a good answer');
  const still = make('status=500', { retries: 2, breaker: { failures: 1, of: 1 } });
  await askModel(still);
  now += 30_000;
  const before = server.truth.length;
  assert.deepEqual([(await askModel(still)).error.detail.attempts, server.truth.length - before], [1, 1], 'one request tries, once');
  const refused = make('status=401;ok');
  await askModel(refused);
  assert.equal(refused.resting, true, 'at once');
  const limited = make('status=429,after=99', { breaker: { failures: 1, of: 1 } });
  await askModel(limited);
  const { code, detail } = (await askModel(limited)).error;
  assert.deepEqual([code, detail.by, detail.resting], ['rate_limited', 'service', true]);
  for (const order of ['status=400', 'overflow', 'filter=400', 'filter=0', 'status=422', 'jsonerror=400']) {
    const own = make(order, { breaker: { failures: 1, of: 1 } });
    await askModel(own);
    assert.equal(own.resting, false, order);
  }
  for (const order of ['html', 'redirect=302', 'jsonerror=500', 'nofinish', 'status=408']) {
    const own = make(order, { breaker: { failures: 1, of: 1 } });
    await askModel(own);
    assert.equal(own.resting, true, order);
  }
  const left = make('n=1000,drip=5', { breaker: { failures: 1, of: 1 } });
  const controller = new AbortController();
  await askModel(left, { signal: controller.signal, onPart: () => controller.abort() });
  assert.equal(left.resting, false, 'an abort');
});

test('the server’s truth is another one than what a careless account would say', async () => {
  // Whoever takes what was received for what is billed, or forgets attempts, is wrong: the comparison above can fail.
  const { log } = await ask(endpoint('think=3,n=4'));
  assert.deepEqual(log.at(-1).usage, { input: promptTokens(PAYLOAD), output: 7 });
  assert.throws(() => settle([log[0], { kind: 'usage', usage: { input: log[1].usage.input, output: 4 } }], server.truth), /output/);
  assert.throws(() => settle([log[0], { kind: 'refused' }], server.truth), /turned away/);
  assert.throws(() => settle(log, [...server.truth, ...server.truth]), /requests/);
});
