// Documents outlive the page: without the network, with what the browser has lost, in several tabs, with another model, beside a newer page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK_NANO, deskServer, noDesk } from './support/desk.mjs';
import { add, askInChat, file, ready } from './support/documents.mjs';
import { fileModel } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing() ?? noDesk() ?? false;
const SHOP = 'Refunds go back to the card that you paid with. A refund takes five working days.';

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await deskServer();
  server.models.set('desk-nano.gguf', fileModel(DESK_NANO));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The documents view with these files in it. */
async function withDocuments(files) {
  const opened = await openPage(browser, `${server.origin}/#/documents`);
  await add(opened.page, files);
  return opened;
}

/** What the package has kept of indexes: the names, each with how many records. */
const indexes = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        const open = indexedDB.open('kinglet-data');
        open.onsuccess = () => {
          const all = open.result.transaction('records').objectStore('records').getAllKeys();
          all.onsuccess = () => resolve(all.result.filter(([name, key]) => name.startsWith('index ') && key !== 'words').map(([name]) => name.slice(6)));
        };
      }),
  );

test('documents are there after a reload without the network, and answer', { skip }, async () => {
  const { page, close } = await withDocuments([file('shop.txt', SHOP)]);
  await askInChat(page, 'When do you open on Saturdays?');
  // The page's own files come from the host, as a service worker would bring them; whoever else is asked is not there.
  await page.route((url) => url.origin !== server.origin, (route) => route.abort());
  await page.reload();
  const answer = await askInChat(page, 'How long does a refund take?');
  assert.match(await answer.locator('.text').innerText(), /five working days/i);
  // What the browser has lost of the index is made again of the documents.
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const open = indexedDB.open('kinglet-data');
        open.onsuccess = () => {
          const transaction = open.result.transaction('records', 'readwrite');
          transaction.objectStore('records').clear();
          transaction.oncomplete = resolve;
        };
      }),
  );
  await page.reload();
  const again = await askInChat(page, 'How long does a refund take?');
  assert.match(await again.locator('.text').innerText(), /five working days/i);
  await close();
});

test('two tabs see the same documents, and what one removes the other does not find', { skip }, async () => {
  const { page, close } = await withDocuments([file('shop.txt', SHOP)]);
  const other = await page.context().newPage();
  await other.goto(`${server.origin}/#/documents`);
  const listed = other.locator('.documents > li');
  await listed.first().waitFor();
  await add(page, [file('kettle.txt', 'The guarantee of the kettle lasts two years.')]);
  await listed.nth(1).waitFor();
  const search = (page, query) => page.evaluate(async (query) => (await (await import('/documents/library.js')).search(query, { k: 5 })).hits.map(({ name }) => name), query);
  assert.deepEqual(await search(other, 'guarantee'), ['kettle.txt']);
  await page.getByRole('button', { name: 'Remove kettle.txt' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Remove' }).click();
  await listed.nth(1).waitFor({ state: 'detached' });
  assert.deepEqual([await search(other, 'guarantee'), await search(other, 'refund')], [[], ['shop.txt']]);
  await close();
});

test('searched by meaning: another model makes another index, and nothing is left of the one before', { skip }, async () => {
  const { page, close } = await withDocuments([file('shop.txt', SHOP), file('hours.txt', 'We open at nine on weekdays.')]);
  await ready(page);
  assert.deepEqual(await indexes(page), ['documents by words', 'documents by words']);
  await page.getByText('How they are searched').click();
  await page.getByLabel('Also by meaning').check();
  const become = async (wanted) => {
    const are = (found) => found.length === 2 && found.every((name) => name.startsWith(wanted));
    const found = await eventually(() => indexes(page), are);
    assert.ok(are(found), found.join());
    await page.locator('.documents > li .state:text-matches("^Ready")').nth(1).waitFor();
  };
  const names = (model) => become(`documents by meaning ${model} `);
  await names('desk');
  const search = () => page.evaluate(async () => (await (await import('/documents/library.js')).search('When do you open?', { k: 2 }))?.hits.map(({ name }) => name).toSorted());
  assert.deepEqual(await search(), ['hours.txt', 'shop.txt'], 'every passage has a place in the order');
  const load = (url) => page.evaluate(async (url) => (await (await import('/services/engine.js')).loadModel({ id: url, name: url, source: url })).status, url);
  assert.equal(await load('/models/desk-nano.gguf'), 'ready');
  await names('desk-nano');
  assert.equal((await search()).length, 2);
  await page.evaluate(async () => (await import('/services/engine.js')).unloadModel());
  assert.equal(await search(), undefined);
  await page.getByText('Waits for a model').first().waitFor();
  const told = await page.evaluate(async () => {
    const { askDocuments } = await import('/documents/ask.js');
    for await (const { content } of askDocuments({ kinglet: { ready: false }, question: 'When do you open?' })) return content;
  });
  assert.match(told, /searched by meaning, which needs a model on this device/);
  await page.getByLabel('Also by meaning').uncheck();
  await become('documents by words');
  assert.deepEqual(await search(), ['hours.txt']);
  await close();
});

test('what a newer page has written is left alone, and that is said', { skip }, async () => {
  const { page, close } = await openPage(browser, `${server.origin}/#/chat`);
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        indexedDB.deleteDatabase('kinglet-documents').onsuccess = () => {
          indexedDB.open('kinglet-documents', 99).onsuccess = ({ target }) => (target.result.close(), resolve());
        };
      }),
  );
  await page.goto(`${server.origin}/?newer#/documents`);
  await page.locator('.problem', { hasText: 'store_newer' }).waitFor();
  assert.match(await page.locator('.problem').innerText(), /newer version of this page/);
  await close();
});
