// One budget in several tabs of one origin: bounds hold whatever they do at once, what a tab leaves behind is booked once, and
// the account equals what the tabs themselves have seen.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing } from './support/browser.mjs';
import { millions, random } from './support/ledger.mjs';
import { startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing();
const SOAK = process.env.KINGLET_SOAK !== undefined;
/** Requests of each tab. */
const REQUESTS = SOAK ? 200 : 40;
const KILLED = SOAK ? 30 : 4;
const PRICE = { inputPerMillion: 333_333, outputPerMillion: 1_000_001, cachedPerMillion: 33_334, perRequest: 7, currency: 'USD', asOf: '2026-11-22' };
let server, browser;

before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Tabs of one profile, each with a ledger of these options. */
async function tabs(n, options) {
  const context = await browser.newContext();
  const open = async () => {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(server.origin);
    await page.evaluate(async (given) => {
      const { openLedger } = await import('/pkg/dist/ledger/index.js');
      globalThis.ledger = await openLedger(given);
    }, options);
    return page;
  };
  const pages = await Promise.all(Array.from({ length: n }, open));
  return { pages, open, close: () => context.close() };
}

/** A tab's requests, drawn here so that the truth is known: what is asked, and how it ends. */
function drawn(tab, seed, n) {
  const next = random(seed);
  return Array.from({ length: n }, (_, i) => {
    const [input, output] = [next(4_000), next(1_000)];
    const used = next(input + 1);
    const usage = { input: used, output: next(output + 1), cached: next(used + 1) };
    const kind = ['usage', 'usage', 'usage', 'usage', 'unknown', 'refused'][next(6)];
    const spent = kind === 'usage' ? { kind, usage } : { kind };
    return { ask: { id: `${tab}-${i}`, attempt: 1, tier: next(2) === 0 ? 'premium' : 'free', remote: 'strong', price: PRICE, input, output }, spent, wait: next(8) };
  });
}

/** What such a request costs. */
function cost({ ask, spent }) {
  if (spent.kind === 'refused') return 0n;
  if (spent.kind === 'unknown') return millions(PRICE, ask.input, 0, ask.output);
  return millions(PRICE, spent.usage.input, spent.usage.cached, spent.usage.output);
}

/** Runs them all at once; gives the ids of those that were let through. */
const run = (page, requests) =>
  page.evaluate(async (all) => {
    const one = async ({ ask, spent, wait }) => {
      try {
        await globalThis.ledger.reserve(ask);
      } catch (error) {
        if (error.code !== 'budget_exhausted' || error.detail.left >= error.detail.needed) throw error;
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      await globalThis.ledger.settle(ask.id, ask.attempt, { spent });
      return ask.id;
    };
    return (await Promise.all(all.map(one))).filter((id) => id !== undefined);
  }, requests);

/** Closes a tab, and waits until the browser has given its locks back: it does so in its own time. */
async function shut(page, stays) {
  await page.close();
  await stays.waitForFunction(async () => {
    const { held } = await navigator.locks.query();
    return held.filter(({ name }) => name.startsWith('kinglet:ledger session ')).length === 1;
  });
}

const sum = (numbers) => [...numbers].reduce((all, n) => all + BigInt(n), 0n);
const seen = (page) =>
  page.evaluate(async () => {
    const { ledger } = globalThis;
    return { shared: ledger.shared, rows: await ledger.rows(), totals: await ledger.totals(), standing: await ledger.standing({ tier: 'premium' }) };
  });

test('tabs that ask at once keep one budget; the ledger equals the truth to the micro-unit', { skip, timeout: 300_000 }, async () => {
  // What all of them would cost is about twice as much.
  const perDay = REQUESTS * 1_000;
  const { pages, close } = await tabs(2, { perDay, tiers: { premium: { share: 0.5, priority: 1 } } });
  const requests = pages.map((_, tab) => drawn(`t${tab}`, 7 + tab, REQUESTS));
  const let_through = await Promise.all(pages.map((page, tab) => run(page, requests[tab])));
  const ids = new Set(let_through.flat());
  const truth = new Map(requests.flat().filter(({ ask }) => ids.has(ask.id)).map((request) => [request.ask.id, cost(request)]));
  assert.ok(ids.size > REQUESTS / 4 && ids.size < 2 * REQUESTS, `${ids.size} of ${2 * REQUESTS} were let through`);
  const [one, other] = await Promise.all(pages.map(seen));
  assert.equal(one.shared, true);
  assert.deepEqual([one.rows, one.totals, one.standing.remaining], [other.rows, other.totals, other.standing.remaining], 'both tabs see the same');
  assert.equal(one.rows.length, ids.size, 'no row is lost or there twice');
  for (const row of one.rows) assert.equal(BigInt(row.cost), truth.get(row.id), row.id);
  assert.equal(sum(truth.values()), BigInt(perDay - one.standing.remaining));
  assert.ok(sum(truth.values()) <= BigInt(perDay));
  assert.equal(BigInt(one.totals.reported + one.totals.estimated), sum(truth.values()));
  assert.equal(new Set(one.rows.map(({ session }) => session)).size, 2);
  await close();
});

test('a flood in one tab leaves the other tier its share', { skip, timeout: 300_000 }, async () => {
  const { pages, close } = await tabs(2, { perDay: 100_000, tiers: { premium: { share: 0.6, priority: 1 }, free: { share: 0 } } });
  const flat = { ...PRICE, inputPerMillion: 1_000_000, perRequest: 0 };
  const floods = ['free', 'premium'].map((tier) => Array.from({ length: 45 }, (_, i) => ({ ask: { id: `${tier}-${i}`, attempt: 1, tier, remote: 'strong', price: flat, input: 2_000, output: 0 }, spent: { kind: 'unknown' }, wait: 0 })));
  const [free, premium] = await Promise.all(pages.map((page, tab) => run(page, floods[tab])));
  assert.ok(free.length <= 20 && premium.length >= 30, `${free.length} free, ${premium.length} premium`);
  assert.ok(free.length + premium.length <= 50);
  await close();
});

test('what a closed tab leaves behind costs its worst case, once', { skip, timeout: 300_000 }, async () => {
  const { pages: [stays, goes], close } = await tabs(2, { perDay: 1_000_000, perSession: 600_000 });
  const left = drawn('left', 3, 12);
  await goes.evaluate((all) => Promise.all(all.map(({ ask }) => globalThis.ledger.reserve(ask))), left);
  const [own] = drawn('own', 4, 1);
  await stays.evaluate((ask) => globalThis.ledger.reserve(ask), own.ask);
  assert.deepEqual((await seen(stays)).rows, [], 'they run');
  await shut(goes, stays);
  const worst = new Map(left.map(({ ask }) => [ask.id, millions(PRICE, ask.input, 0, ask.output)]));
  const held = millions(PRICE, own.ask.input, 0, own.ask.output);
  for (let again = 0; again < 3; again += 1) {
    const { rows, standing, totals } = await seen(stays);
    assert.deepEqual(rows.map(({ id, tokens }) => [id, tokens]).toSorted(), [...worst.keys()].toSorted().map((id) => [id, 'estimated']));
    for (const row of rows) assert.equal(BigInt(row.cost), worst.get(row.id));
    assert.equal(BigInt(totals.estimated), sum(worst.values()));
    // Those of the other session are of the day, not of this session.
    assert.equal(BigInt(standing.remaining), 600_000n - held);
  }
  await close();
});

test('tabs that are closed at any moment lose nothing that they had reserved', { skip, timeout: 300_000 }, async () => {
  const perDay = 1_000_000_000;
  const { pages: [stays], open, close } = await tabs(1, { perDay });
  const next = random(11);
  const truth = new Map();
  for (let round = 0; round < KILLED; round += 1) {
    const page = await open();
    const requests = drawn(`k${round}`, 100 + round, 60);
    const told = { reserved: new Set(), settled: new Set() };
    page.on('console', (message) => {
      const [what, id] = message.text().split(' ');
      told[what]?.add(id);
    });
    const running = page.evaluate((all) => {
      const one = async ({ ask, spent, wait }) => {
        await globalThis.ledger.reserve(ask);
        console.log(`reserved ${ask.id}`);
        await new Promise((resolve) => setTimeout(resolve, wait * 10));
        await globalThis.ledger.settle(ask.id, 1, { spent });
        console.log(`settled ${ask.id}`);
      };
      return Promise.all(all.map(one));
    }, requests);
    running.catch(() => undefined); // the tab goes away beneath it
    await new Promise((resolve) => setTimeout(resolve, 20 + next(400)));
    // A tab that is slow has reserved nothing by then: the last one has.
    if (round === KILLED - 1) await eventually(() => told.reserved.size, (n) => n > 0, 60_000);
    await shut(page, stays);
    const { rows } = await seen(stays);
    const mine = new Map(rows.filter(({ id }) => id.startsWith(`k${round}-`)).map((row) => [row.id, row]));
    for (const id of told.reserved) assert.ok(mine.has(id), `${id} was reserved, and is nowhere`);
    for (const request of requests) {
      const row = mine.get(request.ask.id);
      if (row === undefined) continue;
      const worst = millions(PRICE, request.ask.input, 0, request.ask.output);
      const ends = told.settled.has(row.id) ? [cost(request)] : [cost(request), worst];
      assert.ok(ends.includes(BigInt(row.cost)), `${row.id} costs ${row.cost}, not ${ends}`);
      truth.set(row.id, BigInt(row.cost));
    }
  }
  const { rows, standing, totals } = await seen(stays);
  assert.equal(rows.length, truth.size);
  assert.equal(BigInt(perDay - standing.remaining), sum(truth.values()), 'what is used is what the rows say');
  assert.equal(BigInt(totals.reported + totals.estimated), sum(truth.values()));
  assert.ok(totals.estimated > 0);
  await close();
});

test('the account outlives its tabs; without Web Locks it is the page that has one, and says so', { skip, timeout: 300_000 }, async () => {
  const { pages: [page], open, close } = await tabs(1, { perDay: 100_000 });
  const [one] = drawn('a', 5, 1);
  await run(page, [{ ...one, spent: { kind: 'unknown' } }]);
  await page.close();
  const again = await open();
  const { rows } = await seen(again);
  assert.deepEqual(rows.map(({ id }) => id), ['a-0']);
  const alone = await again.evaluate(async () => {
    Object.defineProperty(navigator, 'locks', { value: undefined });
    const { openLedger } = await import('/pkg/dist/ledger/index.js');
    const refused = await openLedger({ store: 'indexeddb' }).catch(({ code }) => code);
    const ledger = await openLedger({ perDay: 100_000 });
    return { refused, shared: ledger.shared, remaining: (await ledger.standing()).remaining };
  });
  assert.deepEqual(alone, { refused: 'store_unavailable', shared: false, remaining: 100_000 });
  await close();
});
