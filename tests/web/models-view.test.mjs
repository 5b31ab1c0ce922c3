// The models view in headless Chromium: what runs here is said before a byte of the weights is fetched, downloads stop and go on where they
// were, what is kept is verified and repaired, and nothing that a catalogue, a server or a file says can do harm.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, missing, screenshotPath } from './support/browser.mjs';
import { llamaModel } from './support/gguf.mjs';
import { bytesOf, damage, engineIs, entry, offered, openModels, seriousIssues, total, verdictOf } from './support/models-view.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
const timeout = 120_000;
const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const golden = (name) => readFileSync(new URL(`../goldens/${name}.gguf`, import.meta.url));

let server;
let browser;
let large; // some 10 MB: three chunks of the store
before(async () => {
  if (skip) return;
  large = await bytesOf(llamaModel({ n_embd: 256, n_ff: 1024, n_layer: 9 }));
  assert.ok(large.length > 9e6 && large.length < 12e6, `${large.length} bytes`);
  server = await startServer();
  browser = await launch();
});
after(() => Promise.all([browser?.close(), server?.close()]));

const card = (page, id) => page.locator(`.entry[data-id="${id}"]`);
const download = (page, id) => card(page, id).getByRole('button', { name: /^Download/ });
const row = (page) => page.locator('.download').first();

test('what runs here is said from the catalogue alone, then by the header, and only then is something fetched', { skip, timeout }, async (t) => {
  const one = await offered(t, { id: 'one', name: 'One', bytes: large });
  const vast = entry({ id: 'vast', name: 'Vast', url: 'models/vast.gguf', bytes: 9e15, parameters: 9e15 });
  const { page, complaints } = await openModels(t, browser, server, [one.entry, vast]);
  assert.match(await verdictOf(card(page, 'one'), 'estimate'), /Should run on the processor with 256 tokens/);
  assert.match(await verdictOf(card(page, 'vast'), 'estimate'), /Not enough storage: \d+ TB to download/);
  assert.deepEqual([one.faults.asked, server.asked.filter((path) => path.includes('vast'))], [[], []], 'nothing was fetched');
  await card(page, 'one').getByRole('button', { name: 'Ask the file One' }).click();
  assert.match(await verdictOf(card(page, 'one'), 'exact'), /^✓ Runs on the processor with 256 tokens; takes [\d.]+ MB\.$/);
  assert.ok(one.faults.sent > 0 && one.faults.sent < large.length / 2, `${one.faults.sent} bytes for the header`);
  await page.getByLabel('Context, tokens').fill('1000000');
  await page.getByRole('button', { name: 'Will it run here?' }).click(); // of no address: but the context counts from now on
  await download(page, 'one').click();
  const dialog = page.getByRole('dialog', { name: 'Download all the same?' });
  assert.match(await dialog.textContent(), /Too large: needs [\d.]+ GB, there are 4\.\d GB\./);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual([await page.locator('.download').count(), one.faults.sent < large.length], [0, true]);
  await page.getByLabel('Context, tokens').fill('');
  await page.getByRole('button', { name: 'Will it run here?' }).click();
  await page.getByLabel('Only what should run here').check();
  await card(page, 'vast').waitFor({ state: 'detached' });
  assert.equal(await page.locator('.entry').count(), 1);
  await page.getByLabel('Search').fill('nothing like this');
  await page.getByText('Nothing in the catalogue is like that.').waitFor();
  assert.deepEqual(complaints, []);
});

test('a download pauses, survives a reload, goes on where it was, and is used; the next visit begins with it, without the server', { skip, timeout }, async (t) => {
  const one = await offered(t, { id: 'one', name: 'One', bytes: large, fault: () => ({ pace: 60 }) });
  const { page, complaints } = await openModels(t, browser, server, [one.entry]);
  await download(page, 'one').click();
  await row(page).locator('.speed').waitFor();
  assert.match(await row(page).textContent(), /Downloading · [\d.]+ (KB|MB) of [\d.]+ MB · [\d.]+ (KB|MB)\/s · \d+ s left/);
  await page.getByRole('link', { name: 'Settings' }).click(); // it goes on in other views
  const before = one.faults.sent;
  while (one.faults.sent < before + 1_000_000) await new Promise((resolve) => setTimeout(resolve, 20));
  await page.getByRole('link', { name: 'Models' }).click();
  await row(page).getByRole('button', { name: 'Pause One' }).click();
  await row(page).getByText('Paused; what has come is kept').waitFor();
  while (one.faults.open > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const sent = one.faults.sent;
  assert.ok(sent < large.length, 'it was stopped before its end');
  await page.reload();
  await row(page).getByText('Paused; what has come is kept').waitFor();
  await page.locator('.stored[data-complete=false]').waitFor();
  assert.equal(one.faults.sent, sent, 'nothing was fetched while it was paused');
  one.faults.asked.length = 0;
  await row(page).getByRole('button', { name: 'Resume One' }).click();
  await page.locator('.stored[data-complete=true]').waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('.download').count(), 0);
  assert.ok(total(one.faults.asked) < large.length - 200_000, `${total(one.faults.asked)} of ${large.length} bytes were asked for again`);
  assert.match(await page.locator('.stored').textContent(), /One.*10\.\d MB/s);
  await page.locator('#toasts').getByRole('button', { name: 'Use it' }).click();
  await engineIs(page, 'ready');
  await one.faults.close();
  await page.goto(`${server.origin}/?again`);
  await engineIs(page, 'ready');
  assert.match(await page.locator('#where').textContent(), /seeded/);
  assert.deepEqual(complaints, []);
});

test('the address of the page, not the last visit, says which model it begins with; what was deleted is not asked for', { skip, timeout }, async (t) => {
  const one = await offered(t, { id: 'one', name: 'One', bytes: large });
  server.models.set('qwen2.gguf', { size: golden('qwen2').length, stream: async function* (a, b) { yield golden('qwen2').subarray(a, b); } });
  const { page } = await openModels(t, browser, server, [one.entry]);
  await download(page, 'one').click();
  await card(page, 'one').getByRole('button', { name: 'Use One' }).click();
  await engineIs(page, 'ready');
  await page.goto(`${server.origin}/?model=models/qwen2.gguf#/models`);
  await engineIs(page, 'ready');
  assert.match(await page.locator('#where').textContent(), /qwen2/);
  await page.locator('.stored', { hasText: 'One' }).getByRole('button', { name: 'Delete One' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.locator('.stored', { hasText: 'One' }).waitFor({ state: 'detached' });
  assert.equal(await page.locator('.hint').count(), 0, 'what the user deletes is no eviction');
  one.faults.asked.length = 0;
  await page.goto(`${server.origin}/?again#/models`);
  await download(page, 'one').waitFor();
  assert.equal(await page.locator('#where').getAttribute('data-status'), 'none');
  assert.deepEqual(one.faults.asked, []);
});

test('a broken connection goes on by itself; a second download waits; a second tab sees that it is under way; cancelling leaves nothing', { skip, timeout }, async (t) => {
  const rest = { pace: 500 }; // slow until the second tab has seen it
  const one = await offered(t, { id: 'one', name: 'One', bytes: large, fault: (n) => (n < 4 ? { pace: 20, cut: 1_500_000 } : rest) });
  const two = await offered(t, { id: 'two', name: 'Two', bytes: golden('qwen2'), hashed: false });
  const { page } = await openModels(t, browser, server, [one.entry, two.entry]);
  await download(page, 'one').click();
  await row(page).getByText('Downloading').waitFor();
  await download(page, 'two').click();
  const second = page.locator('.download', { hasText: 'Two' });
  await second.getByText('Waits for its turn').waitFor();
  const other = await page.context().newPage();
  await other.goto(`${server.origin}/#/models`);
  await other.locator('.download', { hasText: 'One' }).getByText('Another tab is downloading this').waitFor();
  rest.pace = 20;
  await other.locator('.stored[data-complete=true]', { hasText: 'One' }).waitFor({ timeout: 60_000 });
  await other.locator('.download', { hasText: 'One' }).waitFor({ state: 'detached' });
  await other.close();
  await page.locator('.stored[data-complete=true]').nth(1).waitFor();
  assert.equal(await page.locator('.download').count(), 0);

  const three = await offered(t, { id: 'three', name: 'Three', bytes: Buffer.concat([large.subarray(0, -8), Buffer.alloc(8, 7)]), fault: () => ({ pace: 60 }) });
  await page.getByLabel('Address of a GGUF file').fill(three.url);
  await page.getByRole('button', { name: 'Load model' }).click();
  await page.locator('#loading .speed').waitFor();
  await page.locator('#loading').getByRole('button', { name: 'Stop' }).click();
  const part = page.locator('.stored[data-complete=false]');
  await page.reload();
  await part.getByRole('button', { name: 'Resume three.gguf' }).click();
  await row(page).getByRole('button', { name: 'Cancel three.gguf' }).click();
  const sure = page.getByRole('dialog').getByRole('button', { name: 'Cancel download' });
  await Promise.race([sure.click(), row(page).waitFor({ state: 'detached' })]);
  await part.waitFor({ state: 'detached' });
  assert.equal(await page.locator('.download').count(), 0);
});

test('damage is found by verifying, named, and repaired from where the file came; else it is said', { skip, timeout }, async (t) => {
  const one = await offered(t, { id: 'one', name: 'One', bytes: large });
  const { page } = await openModels(t, browser, server, [one.entry]);
  await download(page, 'one').click();
  const kept = page.locator('.stored');
  await kept.getByRole('button', { name: 'Verify One' }).click();
  await kept.getByText('Verified: 3 pieces, all as they arrived.').waitFor();
  await page.evaluate(damage, [5_000_000]);
  await kept.getByRole('button', { name: 'Verify One' }).click();
  await kept.getByText('1 of 3 pieces damaged.').waitFor();
  one.faults.asked.length = 0;
  await kept.getByRole('button', { name: 'Repair One' }).click();
  await kept.getByText('Verified: 3 pieces, all as they arrived.').waitFor();
  assert.equal(total(one.faults.asked), 4 << 20, 'only that piece was fetched again');
  await page.evaluate(damage, [100]);
  await kept.getByRole('button', { name: 'Use One' }).click();
  await page.locator('#toasts', { hasText: /Chunk 0 of .* in the store was damaged; it was fetched again\./ }).waitFor({ timeout: 60_000 });
  await engineIs(page, 'ready');
  await page.getByRole('link', { name: 'Models' }).click();
  await page.evaluate(damage, [100]);
  await one.faults.close();
  await kept.getByRole('button', { name: 'Verify One' }).click();
  await kept.getByRole('button', { name: 'Repair One' }).click();
  await kept.locator('.problem', { hasText: /io/ }).waitFor({ timeout: 60_000 });
  await kept.getByRole('button', { name: 'Repair One' }).waitFor();
});

test('what the browser has removed is announced; a full disk is said with numbers; keeping is asked for and the answer told', { skip, timeout }, async (t) => {
  const one = await offered(t, { id: 'one', name: 'One', bytes: large });
  const two = await offered(t, { id: 'two', name: 'Two', bytes: golden('qwen2'), hashed: false });
  const { page } = await openModels(t, browser, server, [one.entry, two.entry]);
  await download(page, 'two').click();
  await page.locator('.stored[data-complete=true]').waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 8 << 20 });
  await download(page, 'one').click();
  // Chromium does not tell how little is left: it turns out while the file is written.
  await row(page).locator('.problem', { hasText: 'quota_exceeded' }).waitFor({ timeout: 30_000 });
  await page.locator('.stored[data-complete=false]').waitFor({ state: 'detached' });
  await row(page).getByRole('button', { name: 'Cancel One' }).click();
  await row(page).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Keep this' }).click();
  await page.getByText(/The browser did not agree|The browser keeps it until you delete it/).waitFor();
  await page.evaluate(async () => (await navigator.storage.getDirectory()).removeEntry('kinglet', { recursive: true }));
  await page.reload();
  await page.locator('.hint', { hasText: 'The browser has removed two.gguf' }).waitFor();
});

const FAILURES = [
  ['is not there', () => ({ status: 404 }), undefined, 'http', /address/],
  ['is a page of HTML', () => ({ ignoresRange: true }), Buffer.from('<!doctype html><title>Sign in</title>'.padEnd(5000)), 'bad_file', /not a GGUF model/],
  ['may not be read by this page', () => ({}), golden('qwen2'), 'io', /CORS/],
  ['is of an unknown architecture', () => ({}), () => replaced(large, 'llama', 'lemma'), 'unsupported_architecture', /family/],
  ['is one part of a split model', () => ({}), golden('split-00002-of-00003'), 'bad_file', /all its parts/],
];
test('a file that is no model for this page is refused in words, asked or loaded, and nothing of it is kept', { skip, timeout }, async (t) => {
  const { page } = await openModels(t, browser, server, []);
  for (const [what, fault, given = golden('qwen2'), code, hint] of FAILURES) {
    const bytes = typeof given === 'function' ? given() : given;
    const one = await offered(t, { id: 'one', name: 'One', bytes, fault, hashed: false, headers: code === 'io' ? {} : undefined });
    await page.getByLabel('Address of a GGUF file').fill(one.url);
    await page.getByRole('button', { name: 'Load model' }).click();
    const failed = page.locator('#failed .problem', { has: page.locator('code', { hasText: code }) });
    await failed.waitFor({ timeout: 60_000 });
    assert.match(await failed.textContent(), hint, what);
    await page.getByRole('button', { name: 'Will it run here?' }).click();
    await page.locator('#load .verdict[data-level=bad], #load .problem').waitFor({ timeout: 60_000 });
    assert.equal(await page.locator('.stored').count(), 0, what);
  }
});

/** `bytes` with the first `from` replaced by `to` of the same length. */
function replaced(bytes, from, to) {
  const copy = Buffer.from(bytes);
  copy.write(to, copy.indexOf(from));
  return copy;
}

/** On the page: drops files on the view. */
async function drop(files) {
  const transfer = new DataTransfer();
  for (const { name, bytes } of files) transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
  const at = document.querySelector('#main');
  const fire = (type) => at.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  fire('dragenter');
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  const shown = document.querySelector('.drop-here') !== null;
  fire('drop');
  return shown;
}

test('files dropped on the view are loaded, all parts of a split one in any order, whatever they are called', { skip, timeout }, async (t) => {
  const { page, complaints } = await openModels(t, browser, server, []);
  const dropped = (names) => names.map((name) => ({ name: `${name}.gguf`, bytes: golden(name).toString('base64') }));
  assert.equal(await page.evaluate(drop, dropped([3, 1, 2].map((n) => `split-0000${n}-of-00003`))), true);
  await engineIs(page, 'ready');
  await page.goto(`${server.origin}/?more#/models`);
  await page.locator('#load').waitFor();
  await page.evaluate(drop, dropped(['qwen2', 'llama3']));
  await page.locator('#load .problem', { hasText: 'not the parts of one model' }).waitFor();
  const name = '<img src=x onerror=alert(1)>‮gguf.exe';
  await page.evaluate(drop, [{ name, bytes: Buffer.from('nothing').toString('base64') }]);
  await page.locator('#failed .problem').waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('#main img').count(), 0);
  assert.deepEqual(complaints, []);
});

test('a file of a repository: from the catalogue by its owner, name and hash, and by its short address; another file than announced is refused', { skip, timeout }, async (t) => {
  const bytes = golden('qwen2');
  const hub = (id, sha256) => entry({ id, name: id, repo: 'owner/name', file: `${id}.gguf`, bytes: bytes.length, sha256 });
  const { page } = await openModels(t, browser, server, [hub('right', createHash('sha256').update(bytes).digest('hex')), hub('wrong', 'a'.repeat(64))]);
  const asked = [];
  await page.context().route('https://huggingface.co/**', (route) => {
    asked.push(route.request().url());
    return route.fulfill({ status: 200, body: bytes, headers: { 'Access-Control-Allow-Origin': '*' } });
  });
  await download(page, 'right').click();
  await page.locator('.stored[data-complete=true]', { hasText: 'right' }).waitFor();
  assert.ok(asked.every((url) => url === 'https://huggingface.co/owner/name/resolve/main/right.gguf'), asked.join(' '));
  await download(page, 'wrong').click();
  await row(page).locator('.problem', { hasText: 'hash_mismatch' }).waitFor({ timeout: 30_000 });
  assert.equal(await page.locator('.stored').count(), 1);
  asked.length = 0;
  await page.getByLabel('Address of a GGUF file').fill('hf:owner/name/right.gguf');
  await page.getByRole('button', { name: 'Load model' }).click();
  await engineIs(page, 'ready');
  assert.deepEqual(asked, [], 'it is on this device already');
});

test('a hostile catalogue shows what is sound of it, as text; without one the rest works', { skip, timeout }, async (t) => {
  const evil = '<script>document.title = "owned"</script><img src=x onerror="document.title = 1">';
  const good = entry({ id: 'good', name: evil, maker: evil, good_for: `${evil} ‮txet`, url: 'models/good.gguf', bytes: 1000, note: evil });
  const bad = [
    null,
    'text',
    entry({ id: 'script', name: 'Script', url: 'javascript:document.title=1', bytes: 1 }),
    entry({ id: 'licence', name: 'Licence', url: 'models/a.gguf', bytes: 1, licence: { name: 'x', url: 'javascript:alert(1)', commercial: true } }),
    entry({ id: 'path', name: 'Path', repo: 'a/b', file: '../../c.gguf', bytes: 1 }),
    entry({ id: 'size', name: 'Size', url: 'models/a.gguf', bytes: -1 }),
    entry({ id: 'shape', name: 'Shape', url: 'models/a.gguf', bytes: 1, shape: { layers: Infinity } }),
    entry({ id: 'long', name: 'x'.repeat(10_000), url: 'models/a.gguf', bytes: 1 }),
    entry({ id: 'good', name: 'The same again', url: 'models/a.gguf', bytes: 1 }),
  ];
  const { page, complaints } = await openModels(t, browser, server, [...bad.slice(0, 4), good, ...bad.slice(4)]);
  await card(page, 'good').waitFor();
  assert.equal(await page.locator('.entry').count(), 1);
  assert.equal(await card(page, 'good').locator('h3 bdi').textContent(), evil);
  assert.equal(await page.locator('#main img, #main script').count(), 0);
  assert.match(await page.title(), /^Models/);
  assert.deepEqual(complaints, []);
  server.models.set('catalog.json', { size: 9, stream: async function* () { yield Buffer.from('{"no":1}!'); } });
  await page.reload();
  await page.getByText('The catalogue could not be read').waitFor();
  for (const text of ['', 'http://[', 'javascript:alert(1)']) {
    await page.getByLabel('Address of a GGUF file').fill(text);
    await page.getByRole('button', { name: 'Load model' }).click();
    await page.locator('#load .problem').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'url');
  }
});

test('nothing serious for axe, in both schemes; it fits a narrow phone, and right-to-left text', { skip, timeout }, async (t) => {
  const { models } = JSON.parse(readFileSync(new URL('../../models/catalog.json', import.meta.url), 'utf8'));
  const one = await offered(t, { id: 'one', name: 'نموذج', bytes: golden('qwen2'), hashed: false });
  const slow = await offered(t, { id: 'slow', name: 'Slow', bytes: large, fault: (n) => (n < 1 ? {} : { pace: 500 }) });
  const { page } = await openModels(t, browser, server, [one.entry, slow.entry, ...models], { viewport: { width: 1200, height: 900 } });
  await download(page, 'one').click();
  await page.locator('.stored').waitFor();
  await download(page, 'slow').click();
  await row(page).waitFor();
  await card(page, 'phi-4-mini').getByText('Details').click();
  for (const [colorScheme, width] of [['light', 1200], ['dark', 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    assert.deepEqual(await seriousIssues(page, AXE), [], colorScheme);
    const over = await page.evaluate(() => {
      const main = document.querySelector('#main');
      return [document.documentElement.scrollWidth - document.documentElement.clientWidth, main.scrollWidth - main.clientWidth];
    });
    assert.deepEqual(over, [0, 0], 'nothing sticks out sideways');
    await page.screenshot({ path: screenshotPath(`models-${colorScheme}-${width}`) });
  }
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  assert.equal(await page.evaluate(() => document.querySelector('#main').scrollWidth - document.querySelector('#main').clientWidth), 0);
  await page.screenshot({ path: screenshotPath('models-rtl') });
});
