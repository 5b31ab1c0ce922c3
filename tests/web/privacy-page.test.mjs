// In Chromium, with the engine and a server that repeats what it was sent: neither a key nor a value that was replaced is in
// anything that is kept or said, and the user is shown exactly what is sent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? noDesk() ?? false;
const KEY = 'sk-page-0123456789abcdef';
const TOKEN = 'short-lived-0123456789';
const VALUES = ['john@example.com', '4111 1111 1111 1111', 'Falcon', 'hunter2'];
let browser;
let site;
let llm;
before(async () => {
  if (skip) return;
  [browser, site, llm] = [await launch(), await startServer(new Map([['nano.gguf', fileModel(DESK_NANO)]])), await startLlmFaults()];
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), llm?.close()]);
});

/** On the page: asks by a key and by a token, of servers that answer, that repeat what they got, that are not there. */
async function life({ bases, KEY, TOKEN, content }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const price = { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD', asOf: '2026-11-22' };
  const said = [];
  const previews = [];
  const texts = [];
  const key = { apiKey: KEY, dangerouslyAllowBrowserKey: true };
  const token = { getToken: () => TOKEN };
  for (const [access, baseURL] of [[key, bases[0]], [key, bases[1]], [token, bases[1]], [key, bases[2]]]) {
    const kinglet = await createKinglet({
      model: '/models/nano.gguf',
      backend: 'cpu',
      mode: 'prefer-remote',
      remote: [{ name: 'strong', price, baseURL, model: 'large', retries: 0, ...access }],
      budget: { perDay: 1_000_000 },
      offline: {},
      privacy: { redact: 'yes', dictionary: ['Falcon'], onConsent: ({ signal: _, ...request }) => (previews.push(request.preview), said.push(request), 'once') },
      onNotice: (notice) => said.push(notice),
    });
    const answer = await kinglet.chat.completions.create({ messages: [{ role: 'user', content }], max_tokens: 12, temperature: 0 });
    texts.push(answer.choices[0].message.content);
    const { choices: _, ...rest } = answer;
    said.push(rest, kinglet.trace(answer.id), kinglet.explain(answer.id), await kinglet.egress.entries(), await kinglet.ledger.export('jsonl'), await kinglet.queue.list(), kinglet.info, kinglet.consents.granted());
    kinglet.dispose();
  }
  return { said: JSON.stringify(said), previews, texts };
}

/** On the page: everything that this origin keeps. */
async function kept() {
  const all = [{ ...localStorage }, { ...sessionStorage }, document.cookie];
  for (const { name } of await indexedDB.databases()) {
    const db = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of db.objectStoreNames) {
      const records = db.transaction(store).objectStore(store);
      for (const request of [records.getAllKeys(), records.getAll()]) {
        all.push(await new Promise((resolve) => (request.onsuccess = () => resolve(request.result))));
      }
    }
    db.close();
  }
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) all.push(request.url, [...request.headers]);
  }
  return JSON.stringify(all);
}

test('no key and no replaced value is kept or said; what the user is shown is what is sent', { skip }, async () => {
  const { page, complaints, close } = await openPage(browser, site.origin);
  try {
    page.setDefaultTimeout(60_000);
    const content = `Project Falcon: mail ${VALUES[0]}, card ${VALUES[1]}, password: ${VALUES[3]}, and __EMAIL_1__.`;
    const say = encodeURIComponent('To __EMAIL_1__ of __TERM_1__ : __TEXT_1__').replaceAll('_', '%5F');
    const bases = [llm.base(`say=${say}`), llm.base('echo'), llm.base('close')];
    const { said, previews, texts } = await page.evaluate(life, { bases, KEY, TOKEN, content });
    const stored = await page.evaluate(kept);
    assert.ok(stored.includes('__CARD_1__') && said.includes('"strong"'), 'the queue was looked through');
    for (const secret of [KEY, TOKEN, ...VALUES]) {
      for (const [what, where] of [['said', said], ['stored', stored], ['previews', previews.join()], ['complaints', complaints.join()]]) {
        const at = where.indexOf(secret);
        assert.ok(at < 0, `${secret} is in ${what}: ${where.slice(Math.max(0, at - 200), at + 50)}`);
      }
    }
    assert.equal(texts.filter((text) => text === `To ${VALUES[0]} of Falcon : __EMAIL_1__`).length, 1, texts.join('\n'));
    const bodies = llm.truth.map(({ body }) => JSON.stringify(body));
    assert.ok(bodies.length >= 4, `${bodies.length}`);
    for (const value of VALUES) assert.ok(!bodies.join().includes(value), value);
    for (const body of bodies) assert.ok(previews.some((preview) => JSON.stringify(JSON.parse(preview)) === body), body);
    assert.ok(llm.truth.some(({ headers }) => JSON.stringify(headers).includes(KEY)), 'the key was used');
  } finally {
    await close();
  }
});
