// What others can do to the assistant from outside: a link that names a model of another site, a page that puts it into a frame, another
// tab that lets a newer version in while somebody writes here.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch, missing, PATIENCE } from './support/browser.mjs';
import { DESK_NANO } from './support/desk.mjs';
import { bytesModel, fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
let browser, site, stranger, asked;
before(async () => {
  if (skip) return;
  site = await startServer(new Map([['desk-nano.gguf', fileModel(DESK_NANO)], ['no.gguf', bytesModel(Buffer.from('no model'))]]), { preset: { url: '/models/desk-nano.gguf', load: true } });
  const server = createServer((request, response) => {
    asked.push(request.url);
    if (request.url === '/frame') response.setHeader('Content-Type', 'text/html').end(`<iframe src="${site.origin}/" width="800" height="600"></iframe>`);
    else response.writeHead(404, { 'Access-Control-Allow-Origin': '*' }).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  stranger = { origin: `http://localhost:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) };
  browser = await launch();
});
after(async () => {
  await browser?.close();
  stranger?.close();
  await site?.close();
});

async function open(t, address) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  asked = [];
  await page.goto(address);
  return page;
}

const link = () => `${site.origin}/?model=${encodeURIComponent(`${stranger.origin}/theirs.gguf`)}`;

test('a model of another site that a link names is asked about first; without a yes the host’s own is loaded', { skip }, async (t) => {
  const page = await open(t, link());
  const { host } = new URL(stranger.origin);
  await page.getByRole('heading', { name: `Load theirs.gguf from ${host}?` }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('#where[data-status=ready]', { hasText: 'desk-nano' }).waitFor();
  assert.deepEqual(asked, []);
  await page.goto(link());
  await page.getByRole('button', { name: 'Load it', exact: true }).click();
  await page.locator('#where[data-status=failed]').waitFor();
  assert.ok(asked.includes('/theirs.gguf'), 'with a yes it is asked for');
  await page.goto(`${site.origin}/?model=models/no.gguf`);
  await page.locator('#where[data-status=failed]').waitFor();
  assert.equal(await page.locator('dialog').count(), 0, 'nobody is asked about one of this site');
});

test('inside of another site’s page it does not start', { skip }, async (t) => {
  const page = await open(t, `${stranger.origin}/frame`);
  const frame = page.frames()[1];
  await frame.getByRole('alert').waitFor();
  assert.match(await frame.locator('#main').innerText(), /does not run inside of another site/);
  assert.equal(await frame.locator('#shell').innerHTML(), '');
  assert.equal(await frame.locator('body').getAttribute('data-ready'), null);
});

test('a newer version of another tab does not interrupt who writes; what has an action to offer stays', { skip }, async (t) => {
  const page = await open(t, site.origin);
  await page.locator('#where[data-status=ready]').waitFor();
  const takenOver = () => page.evaluate(() => navigator.serviceWorker.dispatchEvent(new Event('controllerchange')));
  await takenOver(); // the first worker
  await page.locator('#prompt').fill('half a thought');
  await page.evaluate(() => (globalThis.same = true));
  await takenOver();
  const news = page.locator('.toast', { hasText: 'This tab is loaded again when you have sent' });
  await news.getByRole('button', { name: 'Dismiss' }).waitFor();
  assert.equal(await page.locator('#prompt').inputValue(), 'half a thought');
  assert.equal(await page.evaluate(() => globalThis.same), true);
  await Promise.all([page.waitForEvent('load'), page.locator('#prompt').fill('')]);
  await page.locator('#where[data-status=ready]').waitFor();
  await page.evaluate(async () => {
    const { toast } = await import('/lib/toast.js');
    for (let i = 0; i < 7; i += 1) toast(`news ${i}`, { action: { label: 'Undo', run: () => undefined } });
  });
  assert.deepEqual(await page.locator('.toast').evaluateAll((all) => all.map((one) => one.firstChild.data)), ['news 2', 'news 3', 'news 4', 'news 5', 'news 6']);
  assert.equal(await page.locator('.toast').getByRole('button', { name: 'Dismiss' }).count(), 5, 'none of them goes by itself');
});
