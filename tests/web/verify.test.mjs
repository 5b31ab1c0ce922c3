// A stored model verified and repaired through the package, in Chromium's OPFS: what is damaged is named, and only that is fetched again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { noise, startFaults } from './support/faults.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
const CHUNK = 4 << 20;
const BYTES = noise(6 * CHUNK + 777, 5);
const CORS = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'ETag, Content-Range, Content-Length, Accept-Ranges' };

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
});
after(() => Promise.all([browser?.close(), server?.close()]));

/** A page with the file in its store, and the file's server. */
async function stored(t) {
  const faults = await startFaults(() => ({ bytes: BYTES, etag: '"1"' }), undefined, CORS);
  const { page, close } = await openPage(browser, server.origin);
  t.after(() => Promise.all([close(), faults.close()]));
  const model = `${faults.origin}/m.gguf`;
  await page.evaluate(async (model) => (await import('/pkg/dist/index.js')).downloadModel({ model }), model);
  return { page, faults, model };
}

/** On a page: changes a byte at each of these places of the one stored file. */
async function damage(places) {
  const root = await navigator.storage.getDirectory();
  const files = await (await root.getDirectoryHandle('kinglet')).getDirectoryHandle('files');
  for await (const handle of files.values()) {
    const writer = await handle.createWritable({ keepExistingData: true });
    for (const position of places) {
      const [byte] = new Uint8Array(await (await handle.getFile()).slice(position, position + 1).arrayBuffer());
      await writer.write({ type: 'write', position, data: new Uint8Array([byte ^ 1]) });
    }
    await writer.close();
  }
}

/** On a page: what verifying finds and says. */
async function verify(model) {
  const { modelStore } = await import('/pkg/dist/index.js');
  const said = [];
  const found = await modelStore.verify(model, { onProgress: (progress) => said.push(progress) });
  return { damaged: found.map((file) => file.damaged), last: said.at(-1), times: said.length };
}

/** On a page: repairs, and what was noticed; or the error's code. */
async function repair(model) {
  const { downloadModel } = await import('/pkg/dist/index.js');
  const notices = [];
  const retry = { attempts: 2, backoffMs: 5, stallMs: 10_000 }; // requests are counted: a busy machine is no stalled server
  const code = await downloadModel({ model, check: true, retry, onNotice: (notice) => notices.push(notice.code) }).then(
    () => undefined,
    (error) => error.code,
  );
  return { notices, code };
}

const total = (asked) => asked.reduce((sum, [start, end]) => sum + end - start, 0);

for (const [what, places, bytes] of [
  ['two chunks', [CHUNK + 5, 6 * CHUNK + 700], CHUNK + 777],
  ['five chunks', [0, CHUNK, 2 * CHUNK, 3 * CHUNK, 5 * CHUNK], undefined],
]) {
  test(`${what}: damage is named by verifying, and only that is fetched again`, { skip }, async (t) => {
    const { page, faults, model } = await stored(t);
    assert.deepEqual(await page.evaluate(verify, model), { damaged: [[]], last: { loaded: BYTES.length, total: BYTES.length }, times: 7 });
    await page.evaluate(damage, places);
    const numbers = places.map((place) => Math.floor(place / CHUNK));
    assert.deepEqual((await page.evaluate(verify, model)).damaged, [numbers]);
    assert.deepEqual((await page.evaluate(verify, model)).damaged, [numbers], 'verifying changes nothing');
    faults.asked.length = 0;
    const { notices, code } = await page.evaluate(repair, model);
    assert.deepEqual([code, new Set(notices)], [undefined, new Set(['chunk_repaired'])]);
    if (bytes !== undefined) assert.equal(total(faults.asked), bytes);
    assert.ok(total(faults.asked) < BYTES.length, `${total(faults.asked)} bytes`);
    assert.deepEqual((await page.evaluate(verify, model)).damaged, [[]]);
  });
}

test('without a server the damage stays, is said, and the file is not lost', { skip }, async (t) => {
  const { page, faults, model } = await stored(t);
  await page.evaluate(damage, [CHUNK]);
  await faults.close();
  assert.equal((await page.evaluate(repair, model)).code, 'io');
  assert.deepEqual((await page.evaluate(verify, model)).damaged, [[1]]);
});

test('verifying ends when it is aborted; a model that is not there has no files; check is true or false', { skip }, async (t) => {
  const { page, model } = await stored(t);
  const codes = await page.evaluate(async (model) => {
    const { downloadModel, modelStore } = await import('/pkg/dist/index.js');
    const ending = new AbortController();
    const onProgress = () => ending.abort();
    const code = (promise) => promise.then((value) => value, (error) => error.code);
    return [
      await code(modelStore.verify(model, { signal: ending.signal, onProgress })),
      await code(modelStore.verify('https://models.example/none.gguf')),
      await code(downloadModel({ model, check: 1 })),
    ];
  }, model);
  assert.deepEqual(codes, ['aborted', [], 'invalid_request']);
});
