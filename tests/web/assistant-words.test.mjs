// What the assistant says of escalation, without a browser: every code has its sentence, wrong settings are refused in words, and the
// dashboard's numbers are those of the rows.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ASKS, KEPT, NOTES, sentence, STATES, WARNINGS } from '../../www/escalation/reasons.js';
import { addressError, amount, microsOf, policyOf, remoteOf } from '../../www/escalation/validate.js';
import { answersOf, days, latency, RANGES, reasons, saved, standsStill } from '../../www/views/dashboard/data.js';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The codes of a table in docs/routing.md that follows these words. */
function documented(words) {
  const text = read('docs/routing.md');
  const table = text.slice(text.indexOf(words)).split('\n\n')[1];
  return [...table.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code);
}

/** The members of a union of texts in the package's types. */
function union(file, name) {
  const [, body] = new RegExp(`type ${name} =([^;]+);`).exec(read(`pkg/src/${file}`));
  return [...body.matchAll(/'(\w+)'/g)].map(([, code]) => code);
}

test('every reason, warning, note and state has a sentence, and there is no sentence without a code', () => {
  assert.deepEqual(Object.keys(ASKS), documented('Those that ask, in their order'));
  assert.deepEqual(Object.keys(KEPT), documented('Those that keep, gates in their order'));
  assert.deepEqual([...Object.keys(ASKS), ...Object.keys(KEPT)].toSorted(), union('route/types.ts', 'Reason').toSorted());
  assert.deepEqual(Object.keys(WARNINGS).toSorted(), union('answers.ts', 'WarningCode').toSorted());
  assert.deepEqual(Object.keys(NOTES).toSorted(), union('route/types.ts', 'Note').toSorted());
  const [, states] = /escalation\?: ([^;]+);/.exec(read('pkg/src/answers.ts'));
  assert.deepEqual(Object.keys(STATES).toSorted(), [...states.matchAll(/'(\w+)'/g)].map(([, state]) => state).toSorted());
  const all = [ASKS, KEPT, WARNINGS, NOTES, STATES].flatMap(Object.values);
  for (const text of all) assert.ok(text.length > 15 && !/_|undefined/.test(text), text);
});

test('an answer’s sentence says where it came from and why, for every reason on either side', () => {
  const money = (micros) => `$${micros}`;
  const provenance = { remote: 'strong', provider: 'openai:api.example', model: 'gpt-x' };
  assert.equal(
    sentence({ source: 'remote', provenance, cost: 1200, decision: { reason: 'low_confidence', asked: 'low_confidence' } }, money),
    'Asked gpt-x at api.example because the model on this device was not sure enough, cost $1200.',
  );
  assert.match(sentence({ source: 'remote', provenance, cost: 9, warnings: [{ code: 'usage_missing' }], decision: { reason: 'reask' } }, money), /, cost at most \$9\.$/);
  assert.equal(sentence({ source: 'local', decision: { reason: 'confident', asked: null } }, money), 'Answered on this device: it was sure enough.');
  assert.equal(
    sentence({ source: 'local', decision: { reason: 'privacy_never', asked: 'refusal' } }, money),
    'Kept here: a label forbids that it leaves (a bigger model would have been asked, because the model on this device said that it does not know).',
  );
  assert.equal(sentence({ source: 'remote', provenance, waited: true, cost: 5, decision: { reason: 'user_requested' } }, money), 'Asked gpt-x at api.example when there was a connection again, cost $5.');
  for (const reason of [...Object.keys(ASKS), ...Object.keys(KEPT), 'of_a_later_version', null]) {
    for (const source of ['local', 'remote']) {
      const said = sentence({ source, provenance, escalation: 'failed', decision: { reason, asked: reason } }, money);
      assert.match(said, /^[A-Z].*[^.]\.$/);
      assert.ok(!/undefined|null|_/.test(said), said);
    }
  }
});

test('a bigger model is refused in words where it cannot be reached or would show a key', () => {
  const good = { name: 'strong', baseURL: 'https://relay.example/v1', model: 'large', price: { inputPerMillion: 0, outputPerMillion: 1 } };
  assert.equal(remoteOf(good).remote.name, 'strong');
  for (const [field, value] of [['name', ' '], ['name', 'taken'], ['name', 'x'.repeat(201)], ['model', ''], ['baseURL', 'ftp://x'], ['baseURL', '']]) {
    assert.deepEqual(Object.keys(remoteOf({ ...good, [field]: value }, ['taken']).errors), [field]);
  }
  for (const address of ['http://example.com/v1', 'https://ann:secret@relay.example/v1', 'https://relay.example/v1#key', 'https://relay.example/v1?api_key=1', 'http://127.0.0.1/v1', 'https://']) {
    assert.equal(typeof addressError(address), 'string', address);
  }
  for (const address of ['/api/llm', 'http://localhost:8080/v1', 'https://relay.example/v1?api-version=3']) assert.equal(addressError(address), undefined, address);
  for (const micros of [undefined, Number.NaN, -1, 0.5]) {
    assert.deepEqual(Object.keys(remoteOf({ ...good, price: { inputPerMillion: micros, outputPerMillion: 1 } }).errors), ['inputPerMillion']);
  }
  assert.equal(remoteOf({ ...good, apiKey: 'sk-secret', headers: {} }).remote.apiKey, undefined, 'nothing else is kept');
  assert.deepEqual(Object.keys(remoteOf({ ...good, auth: 'token-url', tokenURL: 'http://example.com' }).errors), ['tokenURL']);
});

test('amounts are millionths, exactly; what is no amount is said', () => {
  for (const [typed, micros] of [['2.5', 2_500_000], ['0,000001', 1], ['0', 0], ['1.', 1_000_000], ['', undefined]]) assert.equal(microsOf(typed), micros);
  for (const typed of ['-1', '1e3', 'abc', '0.0000001', '99999999999', '1.2.3', 'Infinity']) assert.ok(Number.isNaN(microsOf(typed)), typed);
  for (const micros of [1, 2_500_000, 1_234_567, 0]) assert.equal(microsOf(amount(micros)), micros);
  const { policy, errors } = policyOf({ perDay: Number.NaN, perMonth: -1, maxRate: 1.5, currency: 'dollars', requestsPerMinute: 0.5, mode: 'all', consent: 'yes', redact: 1, offline: 'true' });
  assert.deepEqual(Object.keys(errors).toSorted(), ['currency', 'maxRate', 'perDay', 'perMonth', 'requestsPerMinute']);
  assert.deepEqual([policy.mode, policy.consent, policy.redact, policy.offline], ['prefer-local', 'ask', 'yes', false], 'what makes no sense is the safe choice');
});

const DAY = 86_400_000;
const T = 20_000 * DAY;
const local = (id, at, more = {}) => ({ id, session: 's', at, source: 'local', cost: 0, counterfactual: 10, tokens: 'reported', output_tokens: 5, local_ms: 30, first_ms: 10, reason: 'confident', ...more });
const remote = (id, at, more = {}) => ({ id, session: 's', at, source: 'remote', cost: 7, counterfactual: 7, tokens: 'reported', output_tokens: 5, latency_ms: 200, first_ms: 100, reason: 'low_confidence', ...more });

test('attempts of one answer are one; days, reasons and times are those of the rows', () => {
  const rows = [local('a', T), remote('b', T + 1, { tokens: 'estimated', cost: 9, first_ms: undefined }), remote('b', T + 2), local('c', T + 2 * DAY, { reason: 'budget_exhausted', first_ms: undefined })];
  assert.deepEqual(answersOf(rows).map(({ id, source, cost }) => [id, source, cost]), [['a', 'local', 0], ['b', 'remote', 16], ['c', 'local', 0]]);
  assert.deepEqual(days(rows), [
    { day: T, local: 1, remote: 1, spent: 16, elsewhere: 17 },
    { day: T + DAY, local: 0, remote: 0, spent: 0, elsewhere: 0 },
    { day: T + 2 * DAY, local: 1, remote: 0, spent: 0, elsewhere: 10 },
  ]);
  assert.deepEqual(days([]), []);
  assert.deepEqual(reasons(rows).map(({ reason, local: here, remote: there }) => [reason, here, there]), [['budget_exhausted', 1, 0], ['confident', 1, 0], ['low_confidence', 0, 1]]);
  assert.deepEqual(latency(rows).map(({ what, source, n, median }) => [what, source, n, median]), [
    ['First words', 'local', 1, 10],
    ['First words', 'remote', 1, 100],
    ['Whole answer', 'local', 2, 30],
    ['Whole answer', 'remote', 1, 200],
  ]);
  const many = Array.from({ length: 10 }, (_, i) => local(`l${i}`, T, { local_ms: i + 1 }));
  const whole = latency(many).find(({ what }) => what === 'Whole answer');
  assert.deepEqual([whole.low, whole.median, whole.high], [1, 5, 9]);
});

test('what stands in the way is what the latest answer met, or a bound without anything left', () => {
  assert.equal(standsStill([], {}), undefined);
  assert.equal(standsStill([local('a', T)], { remaining: 5 }), undefined);
  assert.equal(standsStill([local('a', T)], { remaining: 0 }), 'budget_exhausted');
  assert.equal(standsStill([], { requests: 0 }), 'rate_limited');
  assert.equal(standsStill([local('a', T, { reason: 'breaker_open' }), remote('a+1', T, { tokens: 'estimated' })], {}), 'breaker_open', 'an attempt that waits changes nothing');
  assert.equal(standsStill([local('a', T, { reason: 'breaker_open' }), remote('b', T)], {}), undefined, 'one that was answered does');
  assert.equal(RANGES.today.since(T + 5), T);
  assert.equal(RANGES.week.since(T + 5), T - 6 * DAY);
});

test('a loss is called one, with its true interval; without an interval it is an amount', () => {
  const of = (spent, elsewhere, saving = null) => saved({ saving, spent: { reported: spent, estimated: 0 }, counterfactual: { measured: 0, estimated: elsewhere } });
  assert.deepEqual(of(3_000_000, 1_000_000, { value: -2, low: -2.5, high: -1.5 }), { loss: true, share: 2, low: 1.5, high: 2.5 });
  assert.deepEqual(of(9, 10, { value: 0.1, low: -0.2, high: 0.4 }), { loss: false, share: 0.1, low: -0.2, high: 0.4 });
  assert.deepEqual(of(3_000_000, 1_000_000), { loss: true, micros: 2_000_000 });
  assert.deepEqual(of(1, 4), { loss: false, micros: 3 });
  assert.equal(of(5, 0), undefined);
});
