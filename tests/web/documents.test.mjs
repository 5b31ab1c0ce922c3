// Documents: read, indexed, searched and cited on the device, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { deskServer, noDesk } from './support/desk.mjs';

const skip = missing() ?? noDesk() ?? false;
const SHOP = 'Refunds go back to the card that you paid with. A refund takes five working days.\n\nWe open at nine on weekdays, and at ten on Saturdays.\n';

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await deskServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A file as Playwright gives it to the page. */
const file = (name, content, mimeType = 'text/plain') => ({ name, mimeType, buffer: Buffer.from(content) });

/** The documents view with these files in it. */
async function withDocuments(files) {
  const opened = await openPage(browser, `${server.origin}/#/documents`);
  await add(opened.page, files);
  return opened;
}

async function add(page, files) {
  const before = await page.locator('.documents > li').count();
  await page.locator('input[name=files]').setInputFiles(files);
  await page.locator('.documents > li .state:has-text("Ready")').nth(before + files.length - 1).waitFor();
}

/** Asks as the chat does, on the page; the generator's values. */
const ask = (page, question) =>
  page.evaluate(async (question) => {
    const { askDocuments } = await import('/documents/ask.js');
    const { engine } = await import('/services/engine.js');
    while (engine.value.status !== 'ready') await new Promise((resolve) => setTimeout(resolve, 20));
    const values = [];
    for await (const value of askDocuments({ kinglet: engine.value.kinglet, question, messages: [] })) values.push(value);
    return values;
  }, question);

test('a text is dropped, found, asked, and the passage that is cited is opened where it stands', { skip }, async () => {
  const { page, complaints, close } = await withDocuments([file('shop.txt', SHOP)]);
  const [{ content, passages, answer }] = await ask(page, 'How long does a refund take?');
  assert.match(content, /five working days/i);
  await page.locator('input[name=query]').fill('refund');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.locator('.hits button').first().click();
  assert.match(await page.locator('dialog .passage').innerText(), /five working days/);
  assert.deepEqual(complaints, []);
  await close();
});
