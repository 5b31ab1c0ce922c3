// The relay before a service that does everything wrong that a service can: what the relay puts down is what the service billed, to
// the micro-unit where that was counted, and never less where it was not. The service keeps its own truth.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startLlmFaults } from './support/faults-llm.mjs';
import { costOf, noRelay, realRelay } from './support/real-llm.mjs';

const skip = noRelay() ?? false;

/** Orders that are counted: what is put down is exactly what was billed. */
const COUNTED = [
  'ok', 'n=1', 'n=200', 'say=a%20b%20c', 'think=5', 'tools', 'length', 'filter', 'filter=0', 'json', 'json,tools', 'garbage', 'nodone', 'linger', 'cutend',
  'comments', 'split=7', 'bytes', 'lines=crlf', 'lines=cr', 'lines=crlf,bytes', 'lines=cr,bytes', 'bom', 'duplicate', 'cached=3', 'usage=twice', 'usage=null', 'model=other',
  'status=400', 'status=401', 'status=403', 'status=404', 'status=413', 'status=422', 'status=429', 'status=429,after=3', 'status=503', 'status=529', 'overflow', 'filter=400', 'echo',
];
/** Those of one protocol only. */
const COUNTED_OPENAI = ['nofinish', 'usage=beside', 'usage=each'];
/** Orders of which nobody knows what they cost: the worst case stays. */
const UNKNOWN = [
  'usage=no', 'usage=bad', 'usage=zero', 'usage=start', 'json,usage=no', 'json,usage=zero', 'error=0', 'error=3', 'cut=0', 'cut=3', 'stop=0', 'stop=3', 'stall=2', 'close', 'html', 'jsonerror',
  'gzip', 'type=application%2Fjson', 'redirect=302', 'redirect=307', 'status=500', 'status=502', 'status=504', 'status=408', 'head=stall',
];
const UNKNOWN_OPENAI = ['usage=early', 'usage=early,cut=2', 'usage=each,cut=2', 'usage=each,stall=2'];

const UNKNOWN_ANTHROPIC = ['nofinish'];

/** Only of who says nothing the time is short: the others are asked all at once, and a busy machine takes its time. */
const silent = (order) => order.includes('stall');
const timeouts = (order) => ({ headMs: order === 'head=stall' ? 5_000 : 120_000, idleMs: silent(order) ? 2_000 : 120_000, totalMs: 240_000 });

let service;
let relay;
let token;
const cases = [];
before(async () => {
  if (skip) return;
  service = await startLlmFaults();
  for (const api of ['openai', 'anthropic']) {
    const of = (orders, counted) => orders.map((order) => ({ api, order, counted }));
    cases.push(...of(COUNTED, true), ...of(UNKNOWN, false));
    if (api === 'openai') cases.push(...of(COUNTED_OPENAI, true), ...of(UNKNOWN_OPENAI, false));
    else cases.push(...of(UNKNOWN_ANTHROPIC, false));
  }
  const upstreams = Object.fromEntries(cases.map(({ api, order }, i) => [`m${i}`, { api, base: service.base(order), timeouts: timeouts(order) }]));
  relay = await realRelay(upstreams);
  token = await relay.token();
});
after(async () => {
  await relay?.close();
  await service?.close();
});

/** Asks the model of a case; what came. */
async function ask(i, more = {}) {
  const { api } = cases[i];
  const path = api === 'openai' ? 'chat/completions' : 'messages';
  const tools = api === 'openai' ? [{ type: 'function', function: { name: 'weather', parameters: {} } }] : [{ name: 'weather', input_schema: {} }];
  const body = { model: `m${i}`, stream: true, max_tokens: 300, messages: [{ role: 'user', content: 'Where is my secret parcel, please?' }], tools, ...more };
  const response = await fetch(`${relay.url}/v1/${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
  try {
    return { status: response.status, text: await response.text(), headers: response.headers };
  } catch {
    return { status: response.status, text: '', cut: true };
  }
}

test('the relay puts down what the service billed, whatever it does', { skip }, async (t) => {
  const answers = [];
  for (const late of [false, true]) await Promise.all(cases.map(async ({ order }, i) => silent(order) === late && (answers[i] = await ask(i))));
  await relay.request(cases.length);
  const truth = new Map(service.truth.map((row) => [row.body.model, row]));
  const noted = new Map();
  for (let n = 1; n <= cases.length; n += 1) {
    const row = await relay.request(n);
    assert.ok(!noted.has(row.model), 'each is put down once');
    noted.set(row.model, row);
  }
  const sums = { billed: 0, noted: 0 };
  for (const [i, { api, order, counted }] of cases.entries()) {
    const [billed, { cost, reserved, reported, end }] = [costOf(truth.get(`m${i}`)), noted.get(`m${i}`)];
    const what = `${api} ${order}: billed ${billed}, put down ${cost} of ${reserved}, ${end}, answered ${answers[i].status}`;
    assert.ok(billed <= reserved, what);
    if (counted) assert.deepEqual([cost, reported], [billed, true], what);
    else assert.deepEqual([cost, reported], [reserved, false], what);
    sums.billed += billed;
    sums.noted += cost;
    // Nothing of the key, the address or what was asked comes back in an error.
    if (answers[i].status !== 200 || order.startsWith('error')) {
      for (const secret of ['sk-key-of-the-relay', 'localhost', '/do/', 'secret parcel']) assert.ok(!answers[i].text.includes(secret), `${what}: ${answers[i].text}`);
    }
  }
  assert.equal(service.truth.length, cases.length, 'nothing is asked twice, and no redirect is followed');
  t.diagnostic(`${cases.length} faults: ${sums.billed} micro-units billed, ${sums.noted} put down`);
});

test('what is wrong is told to clients as each protocol has it, and a cut stays one', { skip }, async () => {
  const expected = {
    'status=429,after=3': [429, 'upstream_rate_limited'],
    'status=503': [503, 'upstream_overloaded'],
    'status=529': [529, 'upstream_overloaded'],
    'status=401': [502, 'upstream_auth'],
    'status=500': [502, 'upstream_error'],
    'redirect=302': [502, 'upstream_error'],
    'head=stall': [504, 'upstream_timeout'],
    close: [502, 'upstream_error'],
    html: [502, 'upstream_bad_answer'],
    gzip: [502, 'upstream_bad_answer'],
  };
  const of = (order, api = 'openai') => ask(cases.findIndex((one) => one.api === api && one.order === order));
  const asked = Object.entries(expected).flatMap(([order, [status, code]]) =>
    ['openai', 'anthropic'].map(async (api) => {
      const got = await of(order, api);
      const { type, error } = JSON.parse(got.text);
      assert.deepEqual([got.status, type, error.code, typeof error.message], [status, 'error', code, 'string'], `${api} ${order}`);
      if (order.includes('after')) assert.equal(got.headers.get('retry-after'), '3');
    }),
  );
  const [overflow, cut, stall, error] = await Promise.all([of('overflow'), of('cut=3'), of('stall=2'), of('error=3'), ...asked]);
  assert.deepEqual([overflow.status, JSON.parse(overflow.text).error.code], [400, 'context_length_exceeded']);
  assert.deepEqual([cut.cut, stall.cut], [true, true]);
  assert.equal(JSON.parse(/data: (.*)\n\n$/.exec(error.text)[1]).error.code, 'overloaded_error');
});
