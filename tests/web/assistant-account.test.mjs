// The account in the assistant: budget, dashboard, ratings and a profile made of them; against a real server of OpenAI's protocol.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accountOf, answered, axe, DOUBTED, openAssistant, ready, remoteAt, sentenceOf, summarise } from './support/bigger.mjs';
import { launch, missing, screenshotPath } from './support/browser.mjs';
import { DESK_NANO } from './support/desk.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
let browser, site, llm;
before(async () => {
  if (skip) return;
  site = await startServer(new Map([['desk-nano.gguf', fileModel(DESK_NANO)]]), { preset: { url: '/models/desk-nano.gguf', load: true } });
  [browser, llm] = [await launch(), await startLlmFaults()];
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), llm?.close()]);
});

/** A fresh profile; closed when the test ends. */
async function fresh(t, options = {}) {
  const context = await browser.newContext(options);
  t.after(() => context.close());
  llm.reset();
  return context;
}

test('the budget is used up: nothing is sent, and it is said below the answer and in the dashboard; two tabs have one account', { skip }, async (t) => {
  const context = await fresh(t);
  const set = { consent: 'free', perDay: 2000, remotes: [remoteAt(llm.base('n=5'))] };
  const { page } = await openAssistant(context, site.origin, { escalation: set });
  let count = await summarise(page, DOUBTED);
  assert.match(await sentenceOf(await answered(page, count)), /^↗ Asked/);
  const [{ input, output }] = llm.truth;
  const cost = Math.ceil((input * 2_500_000 + output * 10_000_000) / 1e6);
  const { page: other } = await openAssistant(context, site.origin, { path: '/#/dashboard' });
  const { summary, shown } = await accountOf(other);
  assert.deepEqual([summary.requests, summary.spent.reported], [2, cost], 'the other tab has the same account');
  assert.equal(shown.answers, '2');
  assert.equal(shown.spent, `$${(cost / 1e6).toFixed(6)}`);
  assert.match(await other.locator('.left-over').innerText(), new RegExp(`\\$${((2000 - cost) / 1e6).toFixed(6)} may still be spent`));
  const sent = llm.truth.length;
  // So little is left that the worst case of the next question does not fit.
  await page.evaluate(async () => {
    const { ledger } = (await import('/services/engine.js')).engine.value.kinglet;
    const { remaining } = await ledger.standing();
    await ledger.reserve({ id: 'other', attempt: 1, remote: 'strong', price: { inputPerMillion: 1_000_000, outputPerMillion: 0, currency: 'USD', asOf: '2026-11-22' }, input: remaining, output: 0 });
    await ledger.settle('other', 1, { spent: { kind: 'unknown' } });
  });
  count = await summarise(page, DOUBTED);
  const item = await answered(page, count);
  assert.match(await sentenceOf(item), /^● Answered on this device: the budget is used up \(a bigger model would have been asked/);
  assert.match(await item.locator('.warning').innerText(), /Nothing more is spent/);
  assert.equal(llm.truth.length, sent);
  await page.getByRole('link', { name: 'Dashboard' }).click();
  assert.match(await page.locator('.held').innerText(), /^The budget is used up\./);
  await other.getByRole('button', { name: 'Look again' }).click();
  await other.locator('.held[data-held=budget_exhausted]').waitFor();
});

test('a bigger model that fails is said below the answer and, when it rests, in the dashboard', { skip }, async (t) => {
  const context = await fresh(t);
  const { page } = await openAssistant(context, site.origin, { escalation: { consent: 'free', remotes: [remoteAt(llm.base('status=401'))] } });
  const count = await summarise(page, DOUBTED);
  assert.match(await sentenceOf(await answered(page, count)), /the bigger model was asked and failed/);
  assert.match(await sentenceOf(await answered(page, await summarise(page, DOUBTED))), /has failed several times and rests for a while/);
  assert.equal(llm.truth.length, 1, 'one that has refused its key is left in peace');
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('.held[data-held=breaker_open]').waitFor();
  // An alarm of drift is there until it was seen to, also after a reload.
  await page.evaluate(async () => (await import('/escalation/notices.js')).heard({ code: 'drift', message: 'scores rose', detail: { kind: 'scores_rose', action: 'tighten' } }));
  await page.reload();
  await ready(page);
  assert.match(await page.locator('#drift li').innerText(), /scores rose[^]*Fewer answers are kept until you have seen to it/);
  await page.getByRole('button', { name: 'Seen to' }).click();
  await page.locator('#drift li').waitFor({ state: 'detached' });
});

test('the dashboard has the ledger’s numbers, plots that are tables, too, an export, and begins anew when it is cleared', { skip }, async (t) => {
  const context = await fresh(t, { viewport: { width: 1200, height: 1400 }, acceptDownloads: true });
  const { page, complaints } = await openAssistant(context, site.origin, { escalation: { consent: 'free', remotes: [remoteAt(llm.base('n=5'))] }, path: '/#/dashboard' });
  await page.getByText('Nothing was answered').waitFor();
  assert.deepEqual(await axe(page, '#main'), []);
  await page.evaluate(async (doubted) => {
    const { kinglet } = (await import('/services/engine.js')).engine.value;
    const ask = (content) => kinglet.chat.completions.create({ messages: [{ role: 'user', content }], max_tokens: 48, temperature: 0 });
    for (let i = 0; i < 22; i += 1) await ask(`classify: delivery, billing\nmessage: parcel ${i} never came`);
    for (let i = 0; i < 3; i += 1) await ask(`summarise\nmessage: ${doubted}`);
  }, DOUBTED);
  const { summary, rows, shown } = await accountOf(page);
  await page.getByRole('button', { name: 'Look again' }).click();
  await page.locator('.plot').nth(3).waitFor();
  const now = await page.locator('[data-number]').evaluateAll((cards) => Object.fromEntries(cards.map((card) => [card.dataset.number, card.innerText])));
  const truth = llm.truth.reduce((sum, { input, output }) => sum + Math.ceil((input * 2_500_000 + output * 10_000_000) / 1e6), 0);
  assert.equal(summary.spent.reported, truth, 'the ledger has what the server would bill');
  assert.equal(summary.requests, 25);
  assert.match(now.answers, new RegExp(`\\n25\\n${summary.local} by this device`));
  assert.ok(now.spent.includes(`$${(truth / 1e6).toFixed(6)}`), now.spent);
  const all = summary.counterfactual.measured + summary.counterfactual.estimated;
  assert.ok(now.elsewhere.includes(`$${(all / 1e6).toFixed(all >= 10_000 ? 2 : 6)}`), now.elsewhere);
  const whole = (share) => `${Math.round(share * 100)} %`;
  for (const [card, { value, low, high }] of [['local', summary.local_rate], ['saved', summary.saving]]) {
    for (const share of [value, low, high]) assert.ok(now[card].includes(whole(share)), `${card}: ${share} in ${now[card]}`);
  }
  // What a plot shows stands in its table.
  for (const details of await page.locator('.plot-figure details').all()) await details.locator('summary').click();
  const cells = (name) => page.locator(`.plot-figure[aria-labelledby=${name}-caption] tbody tr`).evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
  const [[, here, there]] = await cells('answers');
  assert.deepEqual([Number(here), Number(there)], [summary.local, summary.remote]);
  const counted = Object.fromEntries((await cells('reasons')).map(([reason, meaning, local, remote]) => [reason, [meaning, Number(local) + Number(remote)]]));
  for (const reason of new Set(rows.map((row) => row.reason))) {
    assert.equal(counted[reason.replaceAll('_', ' ')][1], rows.filter((row) => row.reason === reason).length);
    assert.ok(counted[reason.replaceAll('_', ' ')][0].length > 5);
  }
  const times = await cells('latency');
  assert.deepEqual(times.map(([what, n]) => [what, Number(n)]), [
    ['First words, this device', summary.local],
    ['First words, a bigger model', summary.remote],
    ['Whole answer, this device', summary.local],
    ['Whole answer, a bigger model', summary.remote],
  ]);
  assert.deepEqual(await axe(page, '#main'), []);
  await page.screenshot({ path: screenshotPath('dashboard-light'), fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await axe(page, '#main'), []);
  await page.screenshot({ path: screenshotPath('dashboard-dark') });
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('button', { name: 'Look again' }).click();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'nothing sticks out sideways');
  await page.screenshot({ path: screenshotPath('dashboard-phone') });

  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export JSON' }).click();
  const file = await (await coming).createReadStream();
  let text = '';
  for await (const chunk of file) text += chunk;
  assert.deepEqual(text.trim().split('\n').map((line) => JSON.parse(line)), rows);
  await page.getByRole('button', { name: 'Clear…' }).click();
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.getByText('Nothing was answered').waitFor();
  assert.equal(shown.answers, '25');
  assert.deepEqual(complaints, []);
});

test('ratings become a profile: what makes it doubtful is said, it is used on the user’s word, and can be stopped', { skip }, async (t) => {
  const context = await fresh(t);
  const { page, complaints } = await openAssistant(context, site.origin, { path: '/#/dashboard' });
  await page.evaluate(async () => {
    const { kinglet } = (await import('/services/engine.js')).engine.value;
    const rated = [];
    for (let i = 0; i < 300; i += 1) {
      const { id, kinglet: own } = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: `classify: delivery, billing, refund\nmessage: parcel ${i} never came, ${i % 7} days` }], max_tokens: 6, temperature: 0, kinglet: { signals: true, facts: { task: 'chat' } } });
      rated.push({ id, doubt: own.signals.min_logprob });
      await kinglet.feedback(id, { ok: true });
    }
    // Those of the most doubt were wrong.
    for (const { id } of rated.slice(-200).sort((a, b) => a.doubt - b.doubt).slice(0, 60)) await kinglet.feedback(id, { ok: false });
    await (await import('/escalation/thumbs.js')).lookUp();
  });
  await page.locator('#ratings', { hasText: /^300 of 300 ratings; 60 of them/ }).waitFor();
  await page.locator('#risk').selectOption('0.2');
  await page.getByRole('button', { name: 'Compute a profile' }).click();
  await page.getByText('Something about these ratings').waitFor();
  await page.getByRole('button', { name: 'Compute it all the same' }).click();
  await page.locator('.result, #profile .hint strong', { hasText: /Certified|suffice|cannot bear/ }).first().waitFor();
  await page.getByText('Certified.').waitFor();
  assert.match(await page.locator('.result').innerText(), /at most 20 % of the kept answers are wrong.*\(300, of them 60 wrong\)/);
  await page.locator('.result .plot').waitFor();
  assert.deepEqual(await axe(page, '#profile'), []);
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('The new settings hold now.').waitFor();
  await page.getByText('In use: a profile of 300 ratings').waitFor();
  const decision = await page.evaluate(async () => {
    const { kinglet } = (await import('/services/engine.js')).engine.value;
    const { kinglet: own } = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'classify: delivery, billing, refund\nmessage: parcel 3 never came, 3 days' }], max_tokens: 6, temperature: 0, kinglet: { facts: { task: 'chat' } } });
    return own.decision;
  });
  assert.equal(decision.calibrated, true, JSON.stringify(decision));
  await page.getByText('No alarm').waitFor();
  await page.getByRole('button', { name: 'Stop using it' }).click();
  await page.getByText('The profile is not used any more.').waitFor();
  await page.getByText('In use: a profile').waitFor({ state: 'detached' });
  assert.deepEqual(complaints, []);
});
