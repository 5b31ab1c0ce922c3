// Acting on decisions in Chromium: a hand-over on a page that streams, and several tabs that spend one budget at once while a
// service does what it should not, and tabs end in the middle.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing } from './support/browser.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { millions, random } from './support/ledger.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
const SOAK = process.env.KINGLET_SOAK !== undefined;
/** Requests of each tab. */
const REQUESTS = SOAK ? 200 : 24;
const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, perRequest: 3, currency: 'USD', asOf: '2026-11-22' };
let browser, site, llm;
before(async () => {
  if (skip) return;
  const nano = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
  [browser, site, llm] = [await launch(), await startServer(new Map([['nano.gguf', fileModel(nano)]])), await startLlmFaults()];
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), llm?.close()]);
});

/** A page with `globalThis.kinglet`. */
async function open(context, options) {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(site.origin);
  await page.evaluate(async (given) => {
    const { createKinglet, visible } = await import('/pkg/dist/index.js');
    const asked = [];
    globalThis.notices = [];
    const privacy = { onConsent: (request) => (asked.push(request), 'session') };
    globalThis.kinglet = await createKinglet({ model: '/models/nano.gguf', backend: 'cpu', threads: 1, privacy, onNotice: (notice) => globalThis.notices.push(notice), ...given });
    Object.assign(globalThis, { visible, asked });
  }, options);
  return page;
}
const remote = (order, more = {}) => ({ name: 'strong', price, baseURL: llm.base(order), model: 'large', retries: 0, ...more });

test('on a page: the local text, then the better one; the user is asked once, and sees what leaves', { skip }, async () => {
  const context = await browser.newContext();
  llm.reset();
  const page = await open(context, { remote: [remote('n=5,drip=20')], escalation: { conservative: 'escalate', probation: 1 } });
  const seen = await page.evaluate(async () => {
    const request = { messages: [{ role: 'user', content: 'What comes on Tuesday?' }], max_tokens: 12, temperature: 0, stream: true, stream_options: { include_usage: true } };
    const shown = [];
    for await (const text of globalThis.visible(await globalThis.kinglet.chat.completions.create(request))) shown.push(text);
    const chunks = [];
    for await (const chunk of await globalThis.kinglet.chat.completions.create(request)) chunks.push(chunk);
    const own = chunks.findLast(({ kinglet }) => kinglet?.decision).kinglet;
    return { shown, text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), usage: chunks.at(-1).usage, own, asked: globalThis.asked.map(({ host, preview }) => ({ host, preview })) };
  });
  assert.equal(seen.text, 'The kettle comes on Tuesday, ');
  assert.equal(seen.shown.at(-1), seen.text);
  assert.ok(!seen.text.startsWith(seen.shown[0]), 'the local text was there first');
  assert.ok(seen.shown.filter((text) => text !== '' && seen.text.startsWith(text)).length > 2, 'the other came in pieces');
  assert.deepEqual([seen.own.source, seen.own.escalation, seen.own.decision.reason], ['remote', 'answered', 'truncated']);
  assert.equal(seen.usage.completion_tokens, llm.truth[1].output);
  assert.equal(seen.asked.length, 1);
  assert.deepEqual(JSON.parse(seen.asked[0].preview), llm.truth[0].body);
  await context.close();
});

/** What came of each request of a tab. */
async function spend([orders, origin, price, tier]) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const remote = orders.map((order, i) => ({ name: `r${i}`, price, baseURL: `${origin}/do/${order}/v1`, model: 'large', retries: 0, breaker: { failures: 1000, of: 1000 } }));
  const kinglets = await Promise.all(
    remote.map((one) => createKinglet({ model: '/models/nano.gguf', mode: 'only-remote', remote: [one], privacy: { consent: 'free' }, budget: globalThis.budget })),
  );
  const messages = [{ role: 'user', content: 'What comes on Tuesday, and what on Friday?' }];
  const ended = await Promise.all(
    kinglets.map(async (kinglet) => {
      try {
        const { kinglet: own } = await kinglet.chat.completions.create({ messages, max_tokens: 40, kinglet: { facts: { tier } } });
        return { cost: own.cost };
      } catch (error) {
        return { code: error.code, reason: error.detail?.reason, by: error.detail?.by };
      }
    }),
  );
  return ended;
}

test(`tabs that spend one budget at once (${REQUESTS} requests each): it holds, the account is the service's or more, a flood starves nobody`, { skip }, async () => {
  const context = await browser.newContext();
  // What a tier does not use is lent as the day passes: in this test it is always six in the morning.
  await context.addInitScript(() => {
    const { now } = Date;
    const late = (now() % 86_400_000) - 6 * 3_600_000;
    Date.now = () => now() - late;
  });
  llm.reset();
  const next = random(20261122);
  const ORDERS = ['ok', 'ok', 'n=9', 'usage=no', 'cut=3', 'status=429', 'status=500', 'jsonerror', 'error=2', 'n=3,split=7', 'usage=each'];
  const worst = 40 * 10 + 900 * 2.5 + 3; // of one request, in millionths: of it some dozens fit
  const budget = { perDay: Math.round(worst * REQUESTS), tiers: { premium: { share: 0.5, priority: 1 }, free: { share: 0 } } };
  const tabs = await Promise.all([0, 1, 2].map(() => context.newPage()));
  for (const page of tabs) {
    page.setDefaultTimeout(120_000);
    await page.goto(site.origin);
    await page.evaluate((given) => (globalThis.budget = given), budget);
  }
  const drawn = () => Array.from({ length: REQUESTS }, () => ORDERS[next(ORDERS.length)]);
  // A tab ends in the middle of what it asked for.
  const doomed = tabs[2].evaluate(spend, [Array(8).fill('n=200,drip=30'), llm.origin, price, 'free']).catch(() => undefined);
  while (llm.truth.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  await tabs[2].close();
  await doomed;
  const flood = await tabs[0].evaluate(spend, [drawn(), llm.origin, price, 'free']);
  const premium = await tabs[1].evaluate(spend, [drawn(), llm.origin, price, 'premium']);
  const { rows, totals } = await tabs[1].evaluate(async () => {
    const { openLedger } = await import('/pkg/dist/ledger/index.js');
    const ledger = await openLedger(globalThis.budget);
    await ledger.standing({});
    return { rows: await ledger.rows(), totals: await ledger.totals() };
  });
  const spent = rows.reduce((sum, { cost }) => sum + BigInt(cost), 0n);
  const truth = llm.truth.reduce((sum, { status, input, output }) => sum + (status === 200 ? millions(price, input, 0, output) : 0n), 0n);
  assert.ok(spent >= truth, `${spent} is not less than ${truth}`);
  assert.ok(spent <= BigInt(budget.perDay), `${spent} is within ${budget.perDay}`);
  assert.equal(new Set(rows.map(({ id, attempt }) => `${id} ${attempt}`)).size, rows.length, 'nothing twice');
  // A tab may end between a reservation and what was to be sent.
  assert.ok(rows.length >= llm.truth.length && rows.length <= llm.truth.length + 8, `${rows.length} rows of ${llm.truth.length} requests`);
  const refused = (list) => list.filter(({ reason, by }) => by === 'budget' || reason === 'budget_exhausted' || reason === 'rate_limited').length;
  assert.ok(refused(flood) > 0, 'the flood has met its bound');
  const served = rows.filter(({ tier, cost }) => tier === 'premium' && cost > 0).reduce((sum, { cost }) => sum + cost, 0);
  assert.ok(refused(premium) === 0 || served >= budget.perDay / 2 - worst, `premium has had its half: ${served}`);
  assert.ok(rows.filter(({ tokens }) => tokens === 'estimated').length >= 3, 'what the tab left behind is booked');
  assert.ok(totals !== undefined);
  await context.close();
});
