// Budget and ledger without a browser: what is refused, what is booked, what comes out, and that it is true to the micro-unit.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openDrawer } from '../../pkg/dist/drawer.js';
import { Book } from '../../pkg/dist/ledger/book.js';
import { COLUMNS, csv } from '../../pkg/dist/ledger/export.js';
import { checkBudget, openLedger } from '../../pkg/dist/ledger/index.js';
import { Ledger } from '../../pkg/dist/ledger/ledger.js';
import { notBuilt } from './support/browser.mjs';
import { millions, random } from './support/ledger.mjs';

const skip = notBuilt();
const SOAK = process.env.KINGLET_SOAK !== undefined;
const DAY = Date.UTC(2026, 10, 22);
const PRICE = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
const ask = (id, more = {}) => ({ id, attempt: 1, remote: 'strong', price: PRICE, input: 1000, output: 100, ...more });
const usage = (input, output, cached) => ({ spent: { kind: 'usage', usage: { input, output, ...(cached === undefined ? {} : { cached }) } } });
const UNKNOWN = { spent: { kind: 'unknown' } };
const REFUSED = { spent: { kind: 'refused' } };
const open = (options = {}, now = () => DAY) => openLedger({ store: 'memory', ...options }, { now });
const refused = (work, code, detail) =>
  assert.rejects(work, (error) => {
    assert.equal(error.code, code, error.message);
    for (const [name, value] of Object.entries(detail)) assert.deepEqual(error.detail[name], value, `${name} of ${JSON.stringify(error.detail)}`);
    return true;
  });

test('options that make no sense are refused by their path', () => {
  for (const [options, param] of [
    [{ perday: 1 }, 'budget.perday'],
    [{ perDay: -1 }, 'budget.perDay'],
    [{ perDay: 0.5 }, 'budget.perDay'],
    [{ perDay: NaN }, 'budget.perDay'],
    [{ perDay: Infinity }, 'budget.perDay'],
    [{ perDay: '5' }, 'budget.perDay'],
    [{ tiers: { free: { share: 2 } } }, 'budget.tiers.free.share'],
    [{ tiers: { free: {} } }, 'budget.tiers.free.share'],
    [{ tiers: { free: null } }, 'budget.tiers.free'],
    [{ tiers: { free: { share: 0.5, prio: 1 } } }, 'budget.tiers.free.prio'],
    [{ tasks: { a: { share: 0.6 }, b: { share: 0.5 } } }, 'budget.tasks'],
    [{ tasks: { a: { share: 0.6, priority: 0.5 } } }, 'budget.tasks.a.priority'],
    [{ pacing: -1 }, 'budget.pacing'],
    [{ store: 'disk' }, 'budget.store'],
    [{ most: 0 }, 'budget.most'],
    ['much', 'budget'],
  ]) {
    assert.throws(() => checkBudget(options), (error) => error.code === 'invalid_request' && error.detail.param === param, `${JSON.stringify(options)}`);
  }
  assert.deepEqual(JSON.parse(checkBudget({ perDay: 5, tiers: { a: { share: 1 } } }).policy), { perDay: 5, tiers: { a: { share: 1, priority: 0 } } });
});

test('a Wasm file of another version is noticed: nothing is booked as nothing', { skip }, async () => {
  const row = { schema_version: 1, seq: 1, id: 'a', session: 's', source: 'remote', tokens: 'reported', counterfactual_kind: 'measured', at: 1, cost: 5, counterfactual: 5, input_tokens: 1, output_tokens: 1 };
  const answer = { state: '', rows: [row], totals: {} };
  const settled = async (said) => {
    const glue = { budget: () => JSON.stringify(said) };
    const book = await Book.open('memory', 10, 's');
    return new Ledger(book, glue, '{}', 's', () => DAY).settle('a', 1, UNKNOWN);
  };
  const { cost, ...free } = row;
  await openLedger({ store: 'memory' }); // what is called only while the module is there
  assert.equal((await settled(answer)).cost, cost);
  for (const said of [null, {}, { ...answer, rows: undefined }, { ...answer, rows: [free] }, { ...answer, rows: [{ ...row, cost: 0.5 }] }, { ...answer, rows: [{ ...row, schema_version: 2 }] }, { ...answer, state: 5 }, { ...answer, totals: undefined }]) {
    await assert.rejects(settled(said), (error) => error.code === 'worker_failed' && /version/.test(error.message), JSON.stringify(said));
  }
});

test('what is reserved is settled by what was counted, and never given back where nobody counted', { skip }, async () => {
  const ledger = await open({ perDay: 10_000 });
  assert.equal(ledger.shared, false);
  assert.deepEqual(await ledger.standing(), { remaining: 10_000, pacing: 1 });
  await ledger.reserve(ask('a'));
  assert.equal((await ledger.standing()).remaining, 6_500);
  const row = await ledger.settle('a', 1, { ...usage(990, 20), model: 'strong-2', provider: 'p', latency_ms: 812.4, first_ms: 90.6, reason: 'low_confidence' });
  const { session, ...rest } = row;
  assert.ok(session.length > 8);
  assert.deepEqual(rest, {
    schema_version: 1, seq: 0, id: 'a', attempt: 1, at: DAY, source: 'remote', remote: 'strong', model: 'strong-2', provider: 'p', input_tokens: 990, output_tokens: 20,
    tokens: 'reported', currency: 'USD', price_as_of: '2026-11-22', cost: 2_675, reserved: 3_500, counterfactual: 2_675, counterfactual_kind: 'measured', latency_ms: 812,
    first_ms: 91, reason: 'low_confidence',
  });
  await ledger.reserve(ask('b'));
  const unknown = await ledger.settle('b', 1, UNKNOWN);
  assert.deepEqual([unknown.cost, unknown.tokens, unknown.counterfactual_kind], [3_500, 'estimated', 'estimated']);
  await ledger.reserve(ask('c'));
  assert.equal((await ledger.settle('c', 1, REFUSED)).cost, 0);
  assert.equal((await ledger.standing()).remaining, 10_000 - 2_675 - 3_500);
  await refused(() => ledger.reserve(ask('d', { input: 2000 })), 'budget_exhausted', { by: 'budget', bound: 'perDay', needed: 6_000, left: 3_825, retry_after_ms: 86_400_000 });
  await refused(() => ledger.settle('c', 1, UNKNOWN), 'invalid_request', { param: 'settle.attempt' });
  assert.deepEqual(await ledger.totals(), { remote: 3, local: 0, reported: 2_675, estimated: 3_500 });
});

test('numbers of a service that are no counts nobody has counted', { skip }, async () => {
  const ledger = await open({ perDay: 100_000 });
  for (const [i, spent] of [usage(NaN, 1), usage(-5, 1), usage(0.5, 1), usage(2 ** 60, 1), usage('5', 1), usage(1, undefined)].entries()) {
    await ledger.reserve(ask(`a${i}`));
    const row = await ledger.settle(`a${i}`, 1, { ...spent, latency_ms: NaN, first_ms: -1 });
    assert.deepEqual([row.cost, row.tokens, row.latency_ms, row.first_ms], [3_500, 'estimated', undefined, undefined]);
  }
  await ledger.reserve(ask('more'));
  const more = await ledger.settle('more', 1, usage(5_000, 100, -1));
  assert.deepEqual([more.cost, more.reserved, more.cached_tokens], [13_500, 3_500, undefined]);
  assert.equal((await ledger.standing()).remaining, 100_000 - 6 * 3_500 - 13_500);
});

test('rates are refused with how long to wait, and money with when there is more', { skip }, async () => {
  let now = DAY;
  const ledger = await open({ requestsPerMinute: 2, tokensPerMinute: 3_000, perMonth: 8_000, perRequest: 5_000, perSession: 7_500 }, () => now);
  await ledger.reserve(ask('a'));
  await refused(() => ledger.reserve(ask('b', { input: 1900 })), 'budget_exhausted', { bound: 'perRequest', needed: 5_750, retry_after_ms: null });
  await ledger.reserve(ask('b'));
  await refused(() => ledger.reserve(ask('c', { input: 100, output: 1 })), 'rate_limited', { bound: 'requestsPerMinute', needed: 1, left: 0, retry_after_ms: 30_000 });
  now += 30_000;
  await refused(() => ledger.reserve(ask('c')), 'budget_exhausted', { bound: 'perSession', needed: 3_500, left: 500 });
  await ledger.settle('a', 1, usage(10, 1));
  await ledger.settle('b', 1, usage(10, 1));
  assert.deepEqual(await ledger.standing(), { remaining: 5_000, requests: 1, tokens: 3_000, pacing: 1 });
  await ledger.reserve(ask('c', { input: 1_000, output: 100 }));
  await refused(() => ledger.reserve(ask('d', { input: 400, output: 0 })), 'rate_limited', { bound: 'requestsPerMinute' });
});

test('a session has its own money, a batch too, and a task its share', { skip }, async () => {
  const ledger = await open({ perDay: 10_000, tasks: { report: { share: 0.5 } } });
  await ledger.reserve(ask('a', { task: 'chat' }));
  await refused(() => ledger.reserve(ask('b', { task: 'chat' })), 'budget_exhausted', { bound: 'perDay', shares: 'tasks', left: 1_500 });
  const batch = { id: 'nightly', most: 4_000 };
  await ledger.reserve(ask('c', { task: 'report', batch }));
  await refused(() => ledger.reserve(ask('d', { task: 'report', batch })), 'budget_exhausted', { bound: 'batch', left: 500 });
  assert.equal((await ledger.standing({ task: 'report', batch })).remaining, 500);
  assert.equal((await ledger.settle('c', 1, usage(1, 1))).batch, 'nightly');
});

test('wrong requests are refused by their path, and hold nothing back', { skip }, async () => {
  const ledger = await open({ perDay: 10_000 });
  for (const [more, param] of [
    [{ input: NaN }, 'reserve.input'],
    [{ id: '' }, 'reserve.id'],
    [{ price: { ...PRICE, currency: '' } }, 'reserve.price.currency'],
    [{ input: 2 ** 53 }, 'reserve.input'],
  ]) {
    await refused(() => ledger.reserve(ask('a', more)), 'invalid_request', { param });
  }
  for (const more of [{ price: undefined }, { attempt: -1 }, { attempt: 1.5 }, { tier: 5 }, { batch: { id: 'a' } }, { price: { ...PRICE, perToken: 1 } }]) {
    await refused(() => ledger.reserve(ask('a', more)), 'invalid_request', {});
  }
  await ledger.reserve(ask('a'));
  await refused(() => ledger.reserve(ask('a')), 'invalid_request', { param: 'reserve.attempt' });
  assert.equal((await ledger.standing()).remaining, 6_500);
  await assert.rejects(() => openLedger({ store: 'memory' }, { session: 'two words' }), { code: 'invalid_request' });
});

test('a day of requests equals the truth, to the micro-unit', { skip }, async () => {
  const next = random(20261122);
  const cheap = { inputPerMillion: 333_333, outputPerMillion: 1_000_001, cachedPerMillion: 33_334, perRequest: 7, currency: 'USD', asOf: '2026-11-22' };
  const ledger = await open({ perDay: 3_000_000, most: 500 });
  let [truth, n, held, estimated] = [0n, 0, 0n, 0n];
  const rows = [];
  for (let i = 0; i < (SOAK ? 2000 : 300); i += 1) {
    const price = next(2) === 0 ? PRICE : cheap;
    const [input, output] = [next(4_000), next(1_000)];
    const worst = millions(price, input, 0, output);
    const fits = truth + held + worst <= 3_000_000n;
    const asked = ledger.reserve(ask(`r${i}`, { price, baseline: PRICE, input, output, task: `t${next(3)}` }));
    if (!fits) {
      await refused(() => asked, 'budget_exhausted', { bound: 'perDay', left: Number(3_000_000n - truth - held) });
      continue;
    }
    await asked;
    const how = next(10);
    const [a, b] = [next(input + 1), next(output + 1)];
    const cached = next(a + 1);
    const row = await ledger.settle(`r${i}`, 1, how === 0 ? UNKNOWN : how === 1 ? REFUSED : usage(a, b, cached));
    const cost = how === 0 ? worst : how === 1 ? 0n : millions(price, a, cached, b);
    const instead = how === 0 ? millions(PRICE, input, 0, output) : how === 1 ? 0n : millions(PRICE, a, cached, b);
    assert.equal(row.seq, n);
    assert.deepEqual([BigInt(row.cost), BigInt(row.counterfactual), BigInt(row.reserved)], [cost, instead, worst]);
    truth += cost;
    estimated += how === 0 ? cost : 0n;
    n += 1;
    rows.push(row);
  }
  assert.ok(n > 150, `${n}`);
  assert.equal(BigInt((await ledger.standing()).remaining), 3_000_000n - truth);
  assert.deepEqual(await ledger.totals(), { remote: n, local: 0, reported: Number(truth - estimated), estimated: Number(estimated) });
  assert.deepEqual((await ledger.rows()).map(({ id }) => id).toSorted(), rows.slice(-500).map(({ id }) => id).toSorted());
});

test('the oldest rows go, the sums stay', { skip }, async () => {
  let now = DAY;
  const ledger = await open({ most: 10 }, () => (now += 1000));
  for (let i = 0; i < 25; i += 1) {
    await ledger.reserve(ask(`r${i}`));
    await ledger.settle(`r${i}`, 1, usage(4, 0));
  }
  assert.deepEqual((await ledger.rows()).map(({ id }) => id), Array.from({ length: 10 }, (_, i) => `r${i + 15}`));
  assert.deepEqual(await ledger.totals(), { remote: 25, local: 0, reported: 250, estimated: 0 });
  const { at } = (await ledger.rows())[7];
  assert.equal((await ledger.rows({ since: at })).length, 3);
  await assert.rejects(() => ledger.rows({ until: 5 }), { code: 'invalid_request' });
  await assert.rejects(() => ledger.rows({ since: -1 }), { code: 'invalid_request' });
});

test('what is cleared while a request runs is booked all the same, once', { skip }, async () => {
  const ledger = await open({ perDay: 4_000 });
  await ledger.reserve(ask('a'));
  await ledger.clear();
  assert.equal((await ledger.standing()).remaining, 4_000);
  await ledger.settle('a', 1, usage(1000, 100));
  assert.equal((await ledger.standing()).remaining, 500);
  await refused(() => ledger.settle('a', 1, UNKNOWN), 'invalid_request', {});
  assert.equal((await ledger.rows()).length, 1);
});

test('an attempt that nobody ends is lost after an hour, and settled late once', { skip }, async () => {
  let now = DAY;
  const ledger = await open({ perDay: 10_000 }, () => now);
  await ledger.reserve(ask('a'));
  now += 3_600_000;
  await ledger.reserve(ask('b'));
  assert.deepEqual((await ledger.rows()).map(({ id, cost, tokens }) => [id, cost, tokens]), [['a', 3_500, 'estimated']]);
  const row = await ledger.settle('a', 1, usage(100, 10));
  assert.deepEqual((await ledger.rows()).map(({ id, cost, tokens }) => [id, cost, tokens]), [['a', 350, 'reported']]);
  assert.equal(row.at, DAY);
  assert.equal((await ledger.standing()).remaining, 10_000 - 350 - 3_500);
  assert.deepEqual(await ledger.totals(), { remote: 1, local: 0, reported: 350, estimated: 0 });
});

test('the summary keeps measured and estimated apart, and says how sure a saving is', { skip }, async () => {
  let now = DAY;
  const ledger = await open({}, () => (now += 1000));
  for (let i = 0; i < 30; i += 1) {
    if (i % 3 === 0) {
      await ledger.reserve(ask(`r${i}`, { task: i < 15 ? 'chat' : 'report', input: i < 15 ? 1000 : 4000 }));
      await ledger.settle(`r${i}`, 1, i === 0 ? UNKNOWN : usage(400, 100));
    } else {
      await ledger.kept({ id: `r${i}`, task: 'chat', price: PRICE, remote: 'strong', input: 400, output: 100, local_ms: 90 });
    }
  }
  const summary = await ledger.summary();
  const { saving, local_rate, tasks, ...rest } = summary;
  assert.deepEqual(rest, {
    requests: 30, local: 20, remote: 10, currency: 'USD',
    spent: { reported: 9 * 2_000, estimated: 3_500 },
    counterfactual: { measured: 9 * 2_000, estimated: 3_500 + 20 * 2_000 },
  });
  assert.equal(saving.value, 1 - 21_500 / 61_500);
  assert.ok(saving.low < saving.value && saving.value < saving.high && saving.high < 1 && saving.n === 30, JSON.stringify(saving));
  assert.ok(local_rate.value === 20 / 30 && local_rate.low > 0.4 && local_rate.high < 0.9);
  assert.deepEqual(tasks, [{ task: 'chat', spent: 11_500, requests: 25 }, { task: 'report', spent: 10_000, requests: 5 }]);
  assert.deepEqual(await ledger.summary(), summary, 'the same rows give the same intervals');
  const late = await ledger.summary({ since: (await ledger.rows())[25].at });
  assert.deepEqual([late.requests, late.saving, late.local_rate], [5, null, null]);
  assert.deepEqual(await (await open()).summary(), {
    requests: 0, local: 0, remote: 0, currency: null, spent: { reported: 0, estimated: 0 }, counterfactual: { measured: 0, estimated: 0 }, saving: null, local_rate: null, tasks: [],
  });
});

test('of an answer of the device it is known when its first words were there', { skip }, async () => {
  const ledger = await open();
  const row = await ledger.kept({ id: 'a', input: 1, output: 1, local_ms: 90, first_ms: 12.2 });
  assert.deepEqual([row.local_ms, row.first_ms], [90, 12]);
  assert.deepEqual((await ledger.rows()).map(({ first_ms }) => first_ms), [12]);
});

test('attempts of one answer are one request, and its counterfactual is that of the one that answered', { skip }, async () => {
  let now = DAY;
  const ledger = await open({}, () => (now += 1000));
  await ledger.reserve(ask('a'));
  await ledger.settle('a', 1, UNKNOWN);
  await ledger.reserve(ask('a', { attempt: 2 }));
  await ledger.settle('a', 2, usage(400, 100));
  const { requests, remote, spent, counterfactual } = await ledger.summary();
  assert.deepEqual({ requests, remote, spent, counterfactual }, { requests: 1, remote: 1, spent: { reported: 2_000, estimated: 3_500 }, counterfactual: { measured: 2_000, estimated: 0 } });
});

test('CSV is that of RFC 4180, has every field, and computes nothing in a spreadsheet', { skip }, async () => {
  const ledger = await open();
  await ledger.kept({ id: '=1+1', task: '@cmd, "quoted"\nline', price: PRICE, input: 1, output: 1 });
  const text = await ledger.export('csv');
  const [head, ...lines] = text.split('\r\n');
  assert.deepEqual(head.split(','), COLUMNS);
  assert.equal(lines.at(-1), '');
  const record = text.slice(head.length + 2);
  assert.ok(record.startsWith(`1,0,'=1+1,0,${DAY},`), record);
  assert.ok(record.includes(`,"'@cmd, ""quoted""\nline",`), record);
  assert.deepEqual(fields('types.ts', 'LedgerRow').toSorted(), COLUMNS.toSorted());
  assert.deepEqual(['-1', '+1', '\tx', '\rx', 'a-b'].map((task) => csv([{ task }]).split('\r\n').slice(1).join('').replaceAll(',', '')), ["'-1", "'+1", "'\tx", `"'\rx"`, 'a-b']);
  const [row] = (await ledger.export('jsonl')).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(row, (await ledger.rows())[0]);
  await assert.rejects(() => ledger.export('xml'), { code: 'invalid_request' });
});

test('a ledger that a newer version has written is refused; one that nobody can read says so until it is cleared', { skip }, async () => {
  const drawer = await openDrawer('ledger', 'memory');
  const book = new Book(drawer, { hold: async () => () => undefined }, undefined, () => undefined, 10);
  await drawer.write([['state', { schema: 2, epoch: 'a', state: '', rows: 0 }]]);
  await assert.rejects(() => book.state(), { code: 'store_newer' });
  for (const record of [5, null, { schema: 1 }, { schema: 0, epoch: 'a', state: '', rows: 0 }, { schema: 1, epoch: 'a', state: '', rows: NaN }]) {
    await drawer.write([['state', record]]);
    await assert.rejects(() => book.state(), { code: 'store_damaged' });
    await assert.rejects(() => book.change(() => ({ state: '', rows: [] })), { code: 'store_damaged' });
    assert.deepEqual(await drawer.get('state'), record, 'it is as it was');
  }
  await book.clear();
  assert.equal(await book.state(), '');
  await drawer.write([['row 1', { schema_version: 1, id: 'a' }], ['row 2', 'x'], ['row 3', undefined]]);
  assert.deepEqual(await book.rows(), []);
});

test('a state that is none is refused, and never taken for an empty one', { skip }, async () => {
  const ledger = await open({ perDay: 5_000 });
  for (const state of ['{', '[]', '{"schema_version": 1}', 'null']) {
    ledger.book.state = async () => state;
    await refused(() => ledger.standing(), 'store_damaged', {});
  }
});

/** Names in the first column of the table below a heading of docs/budget.md. */
function told(heading) {
  const page = readFileSync(new URL('../../docs/budget.md', import.meta.url), 'utf8');
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const cells = [...section.matchAll(/^\|([^|]*)\|/gm)].map((match) => match[1]);
  return cells.slice(2).flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1]));
}

/** Fields of an interface of the package. */
function fields(file, name) {
  const text = readFileSync(new URL(`../../pkg/src/ledger/${file}`, import.meta.url), 'utf8').split(`export interface ${name} {`)[1].split('\n}')[0];
  return [...text.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
}

test('docs/budget.md has every option, every field of a row and of the summary, and no other', () => {
  assert.deepEqual(told('Options').toSorted(), fields('types.ts', 'BudgetOptions').toSorted());
  assert.deepEqual(told('Rows'), COLUMNS.toSorted((a, b) => told('Rows').indexOf(a) - told('Rows').indexOf(b)));
  assert.deepEqual(told('Summary').toSorted(), fields('types.ts', 'LedgerSummary').toSorted());
});
