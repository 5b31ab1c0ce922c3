// The tour of the demo, against the real programs: desk-nano in the page, `kinglet serve desk` behind the relay. What happens to each
// ticket is decided by the real engine and the rule for the first days; money is what the relay has put down.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, screenshotPath } from './support/browser.mjs';
import { noDemo, startDemo } from './support/demo.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? noDemo() ?? false;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PRICE = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000 };
const preset = { url: '/models/desk-nano.gguf', load: true };

let browser, site, demo;
before(async () => {
  if (skip) return;
  const nano = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
  const put = { '/demo/network': (word) => demo.network(word) };
  site = await startServer(new Map([['desk-nano.gguf', fileModel(nano)]]), { preset, put });
  demo = await startDemo(site.origin, PRICE);
  preset.demo = demo.preset;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.close();
  await site?.close();
});

/** Where each ends, why, and what stands. */
const OUTCOMES = [
  ['local', 'confident', 'top up failed', /^Answered on this device: it was sure enough\.$/],
  ['local', 'confident', '{"order number": "55102"}', /^Answered on this device: it was sure enough\.$/],
  ['remote', 'low_confidence', '{"order number": "77120", "city": "Bristol"}', /^Asked desk at \S+ because the model on this device was not sure enough, cost \$0\.\d+\.$/],
  ['remote', 'low_confidence', '{"order number": "48213", "name": "Ann Li", "city": "Leeds"}', /^Asked desk at \S+ because/],
  ['held', 'privacy_never', undefined, /^Kept here: a label forbids that it leaves \(a bigger model would have been asked, because/],
  ['remote', 'low_confidence', '{"order number": "60417", "name": "Nina Brandt"}', /^The network was back: Asked desk at \S+ because/],
];

test('six tickets: two sure, two asked elsewhere, one held back, one while the network is cut; the money is the relay’s', { skip }, async (t) => {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
  t.after(() => page.close());
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(site.origin);
  await page.locator('#main[data-view=tour]').waitFor();
  const tickets = page.locator('.ticket');
  await paused(page);
  const last = OUTCOMES.length - 1;
  for (const [index, [place, reason, stands, why]] of OUTCOMES.entries()) {
    const ticket = tickets.nth(index);
    if (index === last) {
      await ticket.locator('.why').waitFor();
      assert.equal(await ticket.getAttribute('data-place'), 'waits');
      assert.match(await ticket.locator('.why').textContent(), /will be asked again when the network is back/);
      await ticket.getByText('network: cut').waitFor();
      assert.deepEqual(JSON.parse(await ticket.locator('.text').textContent()), { 'order number': '60417', name: 'Nina Brand' }, 'the small model’s');
      assert.equal(demo.relay.log().split('"message":"request"').length - 1, 2, 'nothing of it has arrived');
      await page.getByRole('button', { name: 'Next' }).click();
      await page.locator(`.ticket:nth-child(${index + 1})[data-place=remote]`).waitFor();
      await page.getByText('To the chat').waitFor();
    }
    await ticket.locator('.why').waitFor();
    assert.equal(await ticket.getAttribute('data-place'), place, `ticket ${index + 1}`);
    assert.equal(await ticket.getAttribute('data-reason'), reason, `ticket ${index + 1}`);
    assert.match(await ticket.locator('.why').textContent(), why);
    assert.match(await page.locator('.news[role=status]').textContent(), index === last ? /is over/ : new RegExp(`^Ticket ${index + 1} of 6\\.`));
    const text = await ticket.locator('.text').textContent();
    if (stands) assert.equal(text, stands);
    if (place === 'remote') assert.notEqual(await ticket.locator('.alone').textContent(), text, 'the small model had said something else');
    if (index < last) await page.getByRole('button', { name: 'Next' }).click();
  }
  await page.getByRole('button', { name: 'Start again' }).waitFor();
  await page.getByText('To the chat').waitFor();
  assert.deepEqual(complaints, []);

  // Three requests reached the relay; the one that was cut never did.
  const noted = await Promise.all([1, 2, 3].map((n) => demo.relay.request(n)));
  const billed = noted.reduce((sum, { cost }) => sum + cost, 0);
  const micros = async (id) => Number(await page.locator(`#${id}`).getAttribute('data-micros'));
  assert.ok(billed > 0);
  assert.equal(await micros('spent'), billed);
  assert.equal(await micros('saved'), (await micros('would')) - billed);
  assert.ok((await micros('would')) > billed, 'six tickets would have cost more than three');
  assert.ok((await micros('unclear')) > 0, 'nobody knows what became of the request that was cut');
  assert.equal(demo.relay.log().split('"message":"request"').length - 1, 3);
  await look(page);
});

/** By the keyboard: paused, continued, and paused again, so that the tour goes on at this test's word alone. */
async function paused(page) {
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
  await page.getByRole('button', { name: 'Continue' }).press('Enter');
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
  assert.equal(await page.getByRole('button', { name: 'Continue' }).getAttribute('aria-pressed'), 'true');
}

/** Nothing sticks out, no serious complaint of axe, in both schemes; pictures for people. */
async function look(page) {
  for (const [name, width, colorScheme] of [['tour-desktop', 1100, 'light'], ['tour-phone-dark', 360, 'dark']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const wide = () => ['html', '#main', '#shell'].map((part) => document.querySelector(part)).map((part) => part.scrollWidth - part.clientWidth);
    assert.deepEqual(await page.evaluate(wide), [0, 0, 0], name);
    await page.evaluate(AXE);
    const violations = await page.evaluate(async () => (await globalThis.axe.run()).violations);
    assert.deepEqual(violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, nodes }) => [id, nodes[0].html]), [], name);
    await page.screenshot({ path: screenshotPath(name), fullPage: true });
  }
}
