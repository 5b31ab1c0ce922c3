// The engine in the background of a web extension, which is a service worker, in Chromium: asked by a page of the
// extension, and asked again after the browser has ended it.
import assert from 'node:assert/strict';
import { cpSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing, openExtension } from './support/browser.mjs';

const skip = missing() ?? false;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** See browsers.test.mjs. */
const SMALL_TEXT = '\ufffd{\ufffdviiiiirrrr%%';

const FILES = {
  'manifest.json': JSON.stringify({
    manifest_version: 3,
    name: 'An engine in the background',
    version: '1.0',
    background: { service_worker: 'background.js', type: 'module' },
    content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'" },
  }),
  'background.js': `
    import { createKinglet } from './kinglet/dist/service-worker.js';
    let engine;
    const born = Math.random();
    chrome.runtime.onMessage.addListener((request, _, answer) => {
      engine ??= createKinglet({ model: '/small.gguf', backend: 'cpu', cacheType: 'f32' });
      engine.then((kinglet) => kinglet.completions.create(request)).then(
        ({ choices }) => answer({ born, text: choices[0].text }),
        ({ code, message }) => answer({ born, code, message }),
      );
      engine.catch(() => (engine = undefined));
      return true; // the answer comes later
    });`,
  'index.html': '<!doctype html><meta charset="utf-8" /><p>An extension</p><script type="module" src="page.js"></script>',
  'page.js': `
    import { downloadModel } from './kinglet/dist/index.js';
    globalThis.download = () => downloadModel({ model: '/small.gguf' });
    globalThis.ask = () => chrome.runtime.sendMessage({ prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 });
    document.body.dataset.ready = 'true';`,
};

const folder = mkdtempSync(join(tmpdir(), 'kinglet-extension-'));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })); // the browser's processes may still write

test('the background of an extension answers, from the store, also after the browser has ended it', { skip }, async (t) => {
  const home = join(folder, 'extension');
  for (const part of ['dist', 'wasm']) cpSync(join(ROOT, 'pkg', part), join(home, 'kinglet', part), { recursive: true });
  mkdirSync(join(folder, 'profile'));
  copyFileSync(join(ROOT, 'tests/goldens/llama3.gguf'), join(home, 'small.gguf'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(home, name), text);
  const { context, worker } = await openExtension(home, join(folder, 'profile'));
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(new URL('index.html', worker.url()).href);
  await page.locator('body[data-ready]').waitFor();
  const ask = () => page.evaluate(() => globalThis.ask());
  const refused = await ask();
  assert.deepEqual([refused.code, refused.text], ['download_refused', undefined], refused.message);
  await page.evaluate(() => globalThis.download());
  const first = await ask();
  assert.equal(first.text, SMALL_TEXT, first.message);
  const session = await context.newCDPSession(page);
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.stopAllWorkers');
  const second = await ask();
  assert.equal(second.text, SMALL_TEXT, second.message);
  assert.notEqual(second.born, first.born, 'it was another worker');
});
