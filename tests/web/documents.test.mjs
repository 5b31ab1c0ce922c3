// Documents in Chromium: added, searched, asked in the chat and cited. What is kept: documents-kept.test.mjs; what leaves: documents-leave.test.mjs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { problems } from './support/axe.mjs';
import { launch, missing, openPage, screenshotPath, shared } from './support/browser.mjs';
import { deskServer, noDesk } from './support/desk.mjs';
import { add, askInChat, file, ready } from './support/documents.mjs';
import { pdf } from './support/pdf.mjs';

const skip = missing() ?? noDesk() ?? false;
const SHOP = 'Refunds go back to the card that you paid with. A refund takes five working days.\n\nWe open at nine on weekdays, and at ten on Saturdays.\n';
const GUIDE = '# Kettle\n\nThe guarantee of the kettle lasts two years.\n\n## Cleaning\n\nUse vinegar once a month. <img src="/leak.png" onerror="leak()">\n';
const PAGES = [['The annual meeting took place in Bern on 4 May.'], ['The treasurer reported a surplus of 1,250 francs.', 'Membership costs 40 francs.']];

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

/** The documents view with these files in it. */
async function withDocuments(files, options) {
  const opened = await openPage(browser, `${server.origin}/#/documents`, options);
  await add(opened.page, files);
  return opened;
}

/** Nothing serious for axe, and nothing wider than the page: wide and light, narrow and dark. */
async function accessible(page, where) {
  for (const [name, size, colorScheme] of [['desktop', { width: 1280, height: 800 }, 'light'], ['phone', { width: 360, height: 740 }, 'dark']]) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await problems(page), [], `${where}, ${name}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${where}, ${name}: nothing is wider than the page`);
    await page.screenshot({ path: screenshotPath(`${where}, ${name}`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.emulateMedia({ colorScheme: 'light' });
}

/** What was asked for elsewhere than the page's own host. */
const foreign = (requests) => requests.filter((url) => !url.startsWith(server.origin) && !/^(blob|data):/.test(url));

test('asked in the chat, the answer cites its passages; each is opened where it stands, by the keyboard, too', { skip }, async () => {
  const { page, requests, complaints, close } = await withDocuments([file('shop.txt', SHOP), file('guide.md', GUIDE), file('minutes.pdf', pdf(PAGES, { title: 'Minutes' }))]);
  const answer = await askInChat(page, 'How long does a refund take?');
  assert.match(await answer.locator('.text').innerText(), /five working days/i);
  const cited = answer.locator('.citations li button').first();
  assert.match(await answer.locator('.citations li').first().innerText(), /^shop\.txt · says so word for word\n/);
  await cited.focus();
  await page.keyboard.press('Enter');
  const passage = page.locator('dialog .passage');
  assert.match(await passage.innerText(), /five working days/);
  assert.ok(await passage.evaluate((element) => element === document.activeElement), 'the place has the focus');
  await page.keyboard.press('Escape');
  await passage.waitFor({ state: 'detached' });
  assert.ok(await cited.evaluate((element) => element === document.activeElement), 'the focus is where it was');

  const pages = await askInChat(page, 'What does membership cost?');
  assert.match(await pages.locator('.text').innerText(), /40 francs/);
  assert.match(await pages.locator('.citations li button').first().innerText(), /minutes\.pdf, page 2/);
  await accessible(page, 'answer with citations');
  await pages.locator('.citations li button').first().click();
  await passage.waitFor();
  await accessible(page, 'passage');
  assert.match(await page.locator('dialog').innerText(), /PDF, 2 pages · page 2[\s\S]*Page 1[\s\S]*Page 2/);
  assert.match(await passage.innerText(), /Membership costs 40 francs/);
  await page.getByRole('button', { name: 'Close' }).click();

  const none = await askInChat(page, 'Quidditch?');
  assert.match(await none.locator('.text').innerText(), /Nothing in your documents fits.*No model was asked/);
  assert.equal(await none.locator('.citations').count(), 0);
  assert.deepEqual(foreign(requests), []);
  assert.deepEqual(requests.filter((url) => url.includes('leak')), []);
  assert.deepEqual(complaints, []);
  await close();
});

test('the search marks words, the list says what each document is, and what is removed is gone', { skip }, async () => {
  const { page, complaints, close } = await withDocuments([file('shop.txt', SHOP), file('guide.md', GUIDE), file(`${'long name '.repeat(11)}.txt`, `שלום עולם, החנות נפתחת בתשע. ${'当店の営業時間は午前九時からです。'.repeat(90)}`)]);
  const search = async (words) => {
    await page.getByRole('searchbox').fill(words);
    await page.getByRole('button', { name: 'Search' }).click();
  };
  await search('guarantees of a kettle');
  const hit = page.locator('.hits li').first();
  await hit.waitFor();
  assert.match(await hit.locator('button').innerText(), /guide\.md › Kettle/);
  assert.deepEqual([...new Set((await hit.locator('mark').allInnerTexts()).map((word) => word.toLowerCase()))].toSorted(), ['guarantee', 'kettle']);

  await search('営業時間');
  await page.getByText('Nothing fits').or(page.locator('.hits mark').first()).waitFor();
  await page.waitForFunction(() => document.querySelector('.hits mark')?.textContent === '営業時間');
  // Three such passages are more than desk's context holds: it gets as much of them as fits.
  await ready(page);
  const fitted = await page.evaluate(async () => {
    const { askDocuments } = await import('/documents/ask.js');
    const { search, textOf } = await import('/documents/library.js');
    const { engine } = await import('/services/engine.js');
    let last;
    for await (const value of askDocuments({ kinglet: engine.value.kinglet, question: '営業時間' })) last = value;
    const found = (await search('営業時間', { k: 3 })).hits;
    const whole = await textOf(last.passages[0].document);
    const chars = (list) => list.reduce((sum, { text }) => sum + text.length, 0);
    return { found: chars(found), given: chars(last.passages), same: last.passages.every(({ text, start, end }) => whole.slice(start, end) === text), used: last.answer.usage.prompt_tokens };
  });
  assert.ok(fitted.given > 0 && fitted.given < fitted.found && fitted.same && fitted.used > 100, JSON.stringify(fitted));
  await search('guarantees of a kettle');
  await hit.locator('button', { hasText: 'guide.md' }).waitFor();

  // The same bytes under another name are the same document.
  await page.locator('input[name=files]').setInputFiles([file('copy.txt', SHOP), file('photo.txt', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1]))]);
  await page.locator('.jobs .problem').nth(1).waitFor();
  const refused = await page.locator('.jobs .problem').allInnerTexts();
  assert.match(refused[0], /copy\.txt was not added: it is already there, as “shop\.txt”/);
  assert.match(refused[1], /photo\.txt was not added: this is an image \(PNG\)/);

  await accessible(page, 'documents');

  const markdown = page.locator('.documents > li', { hasText: 'guide.md' });
  assert.match(await markdown.innerText(), /Markdown · \d+ B · added .*\n.*Ready, \d passages?/s);
  await markdown.getByRole('button', { name: 'Remove guide.md' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Remove' }).click();
  await markdown.waitFor({ state: 'detached' });
  await search('kettle');
  await page.getByText('Nothing fits “kettle”.').waitFor();
  const left = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const open = indexedDB.open('kinglet-data');
        open.onsuccess = () => {
          const all = open.result.transaction('records').objectStore('records').getAll();
          all.onsuccess = () => resolve(JSON.stringify(all.result));
        };
      }),
  );
  assert.ok(left.includes('five working days') && !left.includes('guarantee of the kettle'), 'the index has let go of it');
  assert.deepEqual(complaints, []);
  await close();
});

test('pasted and dropped texts are documents; names cannot deceive', { skip }, async () => {
  const { page, close } = await openPage(browser, `${server.origin}/#/documents`);
  await page.getByRole('button', { name: 'Paste a text' }).click();
  await page.getByLabel('Name').fill('note');
  await page.locator('dialog textarea').fill('The key is under the mat.');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.locator('.documents > li', { hasText: 'note' }).locator('.state:text-matches("^Ready")').waitFor();
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['The bins are emptied on Monday.'], `../../etc/\u202Etxt.${'x'.repeat(10_000)}.exe`));
    const event = { bubbles: true, cancelable: true, dataTransfer };
    document.querySelector('main').dispatchEvent(new DragEvent('dragover', event));
    if (document.querySelector('main').dataset.dropping !== 'true') throw new Error('it is not seen coming');
    document.querySelector('main').dispatchEvent(new DragEvent('drop', event));
  });
  const dropped = page.locator('.documents > li', { hasText: 'xxx' });
  await dropped.locator('.state:text-matches("^Ready")').waitFor();
  const name = await dropped.locator('h3').innerText();
  assert.ok(name.length <= 121 && name.startsWith('txt.xxx') && name.endsWith('….exe'), name);
  await close();
});

test('real documents: questions of COVID-QA in the chat, and the passage that is opened holds the answer', { skip: skip || (shared('qa/covidqa_half.json') ? false : 'shared/data/qa is not there') }, async () => {
  const articles = JSON.parse(readFileSync(shared('qa/covidqa_half.json'), 'utf8')).data.flatMap(({ paragraphs }) => paragraphs);
  const chosen = articles.slice(0, 8).map(({ context }, i) => file(`article ${i}.txt`, context));
  const asked = articles.slice(0, 8).flatMap(({ qas }, i) => qas.slice(0, 2).map(({ question, answers }) => ({ question, answer: answers[0].text, article: i })));
  assert.ok(asked.length >= 12);
  const { page, requests, close } = await withDocuments(chosen);
  let [held, cited] = [0, 0];
  const found = await page.evaluate(async (asked) => {
    const { search, textOf } = await import('/documents/library.js');
    return Promise.all(
      asked.map(async ({ question }) => {
        const { hits } = await search(question, { k: 3 });
        return Promise.all(hits.map(async ({ document, name, text, start, end }) => ({ name, text, same: (await textOf(document)).slice(start, end) === text })));
      }),
    );
  }, asked);
  found.forEach((hits, i) => {
    assert.ok(hits.every(({ same }) => same), 'places are those of the text');
    if (hits.some(({ text }) => text.includes(asked[i].answer.slice(0, 60)))) held += 1;
    if (hits.some(({ name }) => name === `article ${asked[i].article}.txt`)) cited += 1;
  });
  console.log(`of ${asked.length} questions the passages hold the answer of ${held}, and are of its article for ${cited}`);
  assert.ok(held >= asked.length / 2, `${held} of ${asked.length}`);
  const at = found.findIndex((hits, i) => hits[0]?.text.includes(asked[i].answer));
  const answer = await askInChat(page, asked[at].question);
  await answer.locator('.citations li button').first().click();
  const words = (text) => text.replace(/\s+/g, ' ');
  assert.ok(words(await page.locator('dialog .passage').innerText()).includes(words(asked[at].answer)));
  assert.deepEqual(foreign(requests), []);
  await close();
});
