// What becomes of an engine when its page is put aside, in Chromium: the back/forward cache, and a tab that stands still.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, PATIENCE } from './support/browser.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing() ?? false;
/** Its patience with a tab that does not read on is a hundredth of what it was. */
const HASTY = '\nconst wait = globalThis.setTimeout; globalThis.setTimeout = (work, ms) => wait(work, ms / 100);';
const SMALL = { prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 };
/** See browsers.test.mjs. */
const SMALL_TEXT = '\ufffd{\ufffdviiiiirrrr%%';

let browser;
let server;
before(async () => {
  if (skip) return;
  browser = await launch([], ['--disable-back-forward-cache']);
  const models = new Map([['small.gguf', fileModel(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url)))]]);
  server = await startServer(models, { caching: 'max-age=60', scripts: new Map([['/pkg/dist/shared.js', HASTY]]) });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Pages of one profile, each with an engine at that host, and `ask(request)`. */
async function pages(t, host, count = 1) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const all = [];
  for (let i = 0; i < count; i++) {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(server.origin);
    await page.locator('body[data-ready]').waitFor();
    await page.evaluate(async (host) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      addEventListener('pageshow', ({ persisted }) => (globalThis.persisted = persisted));
      globalThis.notices = [];
      globalThis.engine = await createKinglet({ model: '/models/small.gguf', host, backend: 'cpu', cacheType: 'f32', onNotice: ({ code }) => globalThis.notices.push(code) });
      globalThis.ask = (request) => globalThis.engine.completions.create(request);
    }, host);
    all.push(page);
  }
  return all;
}

const ask = (page, request = SMALL) => page.evaluate(async (request) => (await globalThis.ask(request)).choices[0].text, request);

/** Begins an answer of so many tokens, and keeps it in `globalThis.long`. */
const begin = (page, max_tokens) =>
  page.evaluate((max_tokens) => {
    const request = { prompt: 'a', max_tokens, kinglet: { context_shift: true }, temperature: 0, logit_bias: { 2: -100 } }; // never the end token
    globalThis.long = globalThis.ask(request).then(({ usage }) => usage.completion_tokens, ({ code }) => code);
    return new Promise((resolve) => setTimeout(resolve, 100));
  }, max_tokens);

/** To another page and back; whether the page was only put aside. */
async function thereAndBack(page) {
  await page.goto(`${server.origin}/style.css`);
  await page.waitForTimeout(500);
  await page.evaluate(() => history.back()).catch(() => undefined); // its own page is gone while it answers
  await page.waitForURL(`${server.origin}/`, { waitUntil: 'commit' });
  await page.waitForTimeout(300);
  return eventually(() => page.evaluate(() => globalThis.persisted ?? false), Boolean);
}

for (const host of ['worker', 'here', 'shared']) {
  test(`a page that comes back from the back/forward cache has its engine (${host})`, { skip }, async (t) => {
    const [page] = await pages(t, host);
    assert.equal(await ask(page), SMALL_TEXT);
    assert.equal(await thereAndBack(page), true, 'an engine does not keep a page out of the cache');
    assert.equal(await ask(page), SMALL_TEXT);
  });
}

test('an answer that was under way goes on when the page comes back', { skip }, async (t) => {
  const [page] = await pages(t, 'worker');
  await begin(page, 3000);
  assert.equal(await thereAndBack(page), true);
  assert.equal(await page.evaluate(() => globalThis.long), 3000);
  assert.deepEqual(await page.evaluate(() => globalThis.notices), []);
});

test('a tab that stands still does not hold up the others that share its engine', { skip }, async (t) => {
  const [still, other] = await pages(t, 'shared', 2);
  await begin(still, 1_000_000);
  // Stopped in the debugger, a page does as little as one that the browser has frozen.
  const session = await still.context().newCDPSession(still);
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
  assert.equal(await ask(other), SMALL_TEXT);
  await session.send('Debugger.resume');
  await session.send('Debugger.disable');
  assert.equal(await still.evaluate(() => globalThis.long), 'aborted');
  assert.equal(await ask(still), SMALL_TEXT);
});
