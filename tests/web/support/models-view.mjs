// What the tests of the models view share: a catalogue of files on servers with faults, and what a person does there.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { openPage } from './browser.mjs';
import { startFaults } from './faults.mjs';
import { bytesModel } from './server.mjs';

export const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'ETag, Content-Range, Content-Length, Accept-Ranges',
};

/** All bytes of a model as `support/gguf.mjs` makes it. */
export async function bytesOf(model) {
  const pieces = [];
  for await (const piece of model.stream(0, model.size)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** An entry of a catalogue, as docs/catalog.md says. */
export function entry(fields) {
  const shape = { layers: 2, width: 64, ff: 64, heads: 2, kv_heads: 2, head: 32, vocabulary: 320, rotated: 32 };
  const licence = { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html', commercial: true };
  const words = { maker: 'A test', family: 'llama', format: 'Q8_0', good_for: 'Babbling.', languages: ['none'], tags: [], note: 'Made here.' };
  return { ...words, parameters: 1000, context: 256, sha256: null, licence, shape, ...fields };
}

/** A server of one file for a test, and its entry. */
export async function offered(t, { id, name, bytes, fault, hashed = true, headers = CORS }) {
  const faults = await startFaults(() => ({ bytes, etag: `"${id}"` }), fault, headers);
  t.after(() => faults.close());
  const sha256 = hashed ? createHash('sha256').update(bytes).digest('hex') : null;
  return { faults, url: `${faults.origin}/${id}.gguf`, entry: entry({ id, name, url: `${faults.origin}/${id}.gguf`, bytes: bytes.length, sha256 }) };
}

/** The models view with this catalogue. */
export async function openModels(t, browser, server, entries, options = {}) {
  server.models.set('catalog.json', bytesModel(Buffer.from(JSON.stringify({ version: 1, models: entries }))));
  const opened = await openPage(browser, `${server.origin}/#/models`, options);
  t.after(() => opened.close().catch(() => undefined));
  await opened.page.locator('#catalogue').waitFor();
  return opened;
}

/** The words of a card's verdict, when it is of this kind, and this device was looked at. */
export const verdictOf = (card, kind) => card.locator(`.verdict[data-kind=${kind}]:not([data-level=unknown])`).textContent();

/** Bytes asked for, all requests together. */
export const total = (asked) => asked.reduce((sum, [start, end]) => sum + end - start, 0);

/** What axe finds that is serious. */
export async function seriousIssues(page, source) {
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ')}`);
}

/** On the page: changes bytes of every stored file, one for each place. */
export async function damage(places) {
  const root = await navigator.storage.getDirectory();
  const files = await (await root.getDirectoryHandle('kinglet')).getDirectoryHandle('files');
  for await (const handle of files.values()) {
    const writer = await handle.createWritable({ keepExistingData: true });
    for (const position of places) await writer.write({ type: 'write', position, data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) });
    await writer.close();
  }
}

/** Waits for the engine. */
export async function engineIs(page, status) {
  await page.locator(`#where[data-status=${status}]`).waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('#where').getAttribute('data-status'), status);
}
