// The assistant as a person uses it, for the tests of what it shows of bigger models: a page with settings, a question, what is sent.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { idle } from './assistant.mjs';
import { PATIENCE } from './browser.mjs';

const AXE = readFileSync(fileURLToPath(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');

/** Of the project's tasks for a shop's desk this is none: its answer runs in circles, and the rule for the first days asks. */
export const DOUBTED = 'Once upon a midnight dreary, while I pondered, weak and weary, over many a quaint and curious volume of forgotten lore.';

/** Doubted, too; with what must not be run, and what must not leave as it is. */
export const HOSTILE = '<img src=x onerror=alert(1)> 3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 Write to ann@example.org.';

/** A bigger model at this address that needs no key, as the settings keep it. */
export const remoteAt = (baseURL, more = {}) => ({
  name: 'strong',
  api: 'openai',
  baseURL,
  model: 'large',
  auth: 'none',
  price: { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, asOf: '2026-11-22' },
  ...more,
});

/** A page of the assistant, its model loaded; `escalation`: what was set before. */
export async function openAssistant(context, origin, { escalation, path = '/' } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(`${message.text()} ${message.location()?.url ?? ''}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  // Short answers: one that runs in circles does so soon.
  const sections = { sampling: { maxTokens: 48 }, ...(escalation ? { escalation } : {}) };
  await page.addInitScript((given) => {
    localStorage.getItem('kinglet.settings') ?? localStorage.setItem('kinglet.settings', JSON.stringify({ version: 1, sections: given }));
  }, sections);
  await page.goto(`${origin}${path}`);
  await ready(page);
  return { page, complaints };
}

export const ready = (page) => page.locator('#where[data-status=ready]').waitFor({ timeout: 30_000 });

/** Chooses the task of summarising, whose example is answered here; then asks `text`. */
export async function summarise(page, text) {
  const task = page.getByRole('button', { name: 'Summarise', exact: true });
  let before = await page.locator('#log > li.assistant').count();
  if ((await task.getAttribute('aria-pressed')) !== 'true') {
    await task.click();
    await answered(page, (before += 1));
  }
  await page.locator('#prompt').fill(text);
  await page.locator('#prompt').press('Enter');
  return before + 1;
}

/** From another view to the latest conversation. */
export async function backToChat(page) {
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await page.locator('#conversations a').first().click();
  await page.locator('#log > li').first().waitFor();
}

/** When so many answers are complete, and kept; resolves to the last. */
export async function answered(page, count) {
  await page.locator('#log > li.assistant[data-status=done]').nth(count - 1).waitFor();
  await idle(page);
  return page.locator('#log > li.assistant').last();
}

/** The sentence below an answer. */
export const sentenceOf = (item) => item.locator('.provenance summary').innerText();

/** What axe finds that is serious, of a part of the page. */
export async function axe(page, selector) {
  await page.evaluate(AXE);
  const found = await page.evaluate((part) => globalThis.axe.run(part), selector);
  return found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** Everything that this origin has stored, as one text: local and session storage, databases, caches, its files. */
export function stored(page) {
  return page.evaluate(async () => {
    const found = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie];
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise((resolve, reject) => Object.assign(indexedDB.open(name), { onsuccess: (event) => resolve(event.target.result), onerror: reject }));
      for (const store of db.objectStoreNames) {
        const all = await new Promise((resolve, reject) => Object.assign(db.transaction(store).objectStore(store).getAll(), { onsuccess: (event) => resolve(event.target.result), onerror: reject }));
        found.push(name, store, JSON.stringify(all));
      }
      db.close();
    }
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const response = await cache.match(request);
        found.push(request.url, JSON.stringify([...request.headers]), (response.headers.get('Content-Type') ?? '').match(/json|text/) ? await response.text() : '');
      }
    }
    const walk = async (folder) => {
      for await (const [name, handle] of folder.entries()) {
        found.push(name);
        if (handle.kind === 'directory') await walk(handle);
        else found.push(await (await handle.getFile()).slice(0, 1_000_000).text());
      }
    };
    await walk(await navigator.storage.getDirectory());
    return found.join('\n');
  });
}

/** What the ledger says, and what the dashboard shows of it. */
export async function accountOf(page) {
  const { summary, rows } = await page.evaluate(async () => {
    const { ledger } = (await import('/services/engine.js')).engine.value.kinglet;
    return { summary: await ledger.summary(), rows: await ledger.rows() };
  });
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('[data-number=answers] strong').waitFor();
  const shown = await page.locator('[data-number]').evaluateAll((cards) => Object.fromEntries(cards.map((card) => [card.dataset.number, card.querySelector('strong').textContent])));
  return { summary, rows, shown };
}
