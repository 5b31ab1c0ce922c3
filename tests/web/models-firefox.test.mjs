// The core of the models view in Firefox: a verdict, a download from the catalogue, its use, and a later visit that begins with it
// although the server of the model is gone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { notBuilt } from './support/browser.mjs';
import { LAUNCHERS } from './support/browsers.mjs';
import { offered } from './support/models-view.mjs';
import { bytesModel, startServer } from './support/server.mjs';

const skip = LAUNCHERS.firefox.missing() ?? notBuilt() ?? false;
const QWEN2 = readFileSync(new URL('../goldens/qwen2.gguf', import.meta.url));

let server;
let firefox;
before(async () => {
  if (skip) return;
  server = await startServer();
  firefox = await LAUNCHERS.firefox.launch();
});
after(() => Promise.all([firefox?.close(), server?.close()]));

/** On the page: waits for `selector`, clicks if that is wanted, and resolves to its text. */
async function step({ selector, click = false }) {
  for (let left = 500; ; left--) {
    const found = document.querySelector(selector);
    if (found && !(click && found.disabled)) {
      const { textContent } = found;
      if (click) found.click();
      return textContent;
    }
    if (left === 0) throw new Error(`no ${selector} within 50 s: ${document.querySelector('#main').textContent.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('Firefox: a model of the catalogue is judged, downloaded, used, and there at the next visit', { skip, timeout: 180_000 }, async (t) => {
  const one = await offered(t, { id: 'one', name: 'One', bytes: QWEN2 });
  server.models.set('catalog.json', bytesModel(Buffer.from(JSON.stringify({ version: 1, models: [one.entry] }))));
  const on = (selector) => firefox.evaluate(step, { selector });
  const press = (selector) => firefox.evaluate(step, { selector, click: true });
  await firefox.goto(`${server.origin}/#/models`);
  assert.match(await on('.entry .verdict[data-kind=estimate]:not([data-level=unknown])'), /Should run .* with 256 tokens/);
  await press('.entry .actions button');
  await on('.stored[data-complete=true]');
  await press('.entry .actions button.primary');
  assert.match(await on('#where[data-status=ready]'), /qwen2/);
  await one.faults.close();
  await firefox.goto(`${server.origin}/?again#/models`);
  assert.match(await on('#where[data-status=ready]'), /qwen2/);
  assert.match(await on('.stored .muted'), /in use/);
});
