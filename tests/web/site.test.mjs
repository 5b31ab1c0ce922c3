// What a release holds: the site runs below any path of a static host, alone, and after the first visit without any, in every
// view; a newer version waits for the user and for answers, a broken one is not taken; the checksums are true.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage } from './support/browser.mjs';
import { LAUNCHERS } from './support/browsers.mjs';
import { llamaModel, withString } from './support/gguf.mjs';
import { temporary } from './support/pack.mjs';
import { deploy } from './support/site.mjs';
import { serveFolder } from './support/static.mjs';
import { eventually } from './support/wait.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RELEASE = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release-files');
const noRelease = existsSync(join(RELEASE, 'site/index.html')) ? false : 'no release: cargo xtask release';
const skip = missing() ?? noRelease;
const VIEWS = ['chat', 'documents', 'models', 'dashboard', 'settings', 'developer'];
const LONG = 120_000;

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

/** A copy of the site that the test may change, on a host below a path; `again` is that host after it was gone. */
async function hosted(t, { base = '/some/where/' } = {}) {
  const folder = temporary('site');
  cpSync(join(RELEASE, 'site'), folder, { recursive: true });
  let server = await serveFolder(folder, { base, headers: {} }); // its policy is in its <meta>
  const { url } = server;
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  t.after(() => server.close());
  return {
    folder,
    url: encodeURI(url),
    asked: () => server.asked,
    gone: () => server.close(),
    again: async () => (server = await serveFolder(folder, { base, headers: {}, port: new URL(url).port })),
  };
}

const ready = (page) => page.locator('#where[data-status=ready]').waitFor({ timeout: LONG });
/** The page is kept, and its worker has taken it over, which comes a moment later. */
const kept = async (page) => {
  await page.locator('#offline[data-status=kept]').waitFor({ timeout: LONG });
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: LONG });
};

/** Asks with an example's button; the answer's text. */
async function ask(page, name = 'Filter') {
  const answers = page.locator('#log li.assistant[data-status=done]');
  const before = await answers.count();
  await page.getByRole('button', { name, exact: true }).click();
  await answers.nth(before).waitFor({ timeout: LONG });
  return answers.nth(before).locator('.text').textContent();
}

/** How many requests the page says that there were. */
async function requestsOf(page) {
  await page.locator('#offline summary').click();
  await page.locator('#offline .panel', { hasText: /\d+ requests? since/ }).waitFor();
  const text = await page.locator('#offline .panel').textContent();
  await page.locator('#offline summary').click();
  return Number(/(\d+) requests? since/.exec(text)[1]);
}

test('the site answers below a path that it does not know; after one visit, without its host: reloaded, in a new tab, in every view', { skip }, async (t) => {
  const host = await hosted(t, { base: `/${randomBytes(4).toString('hex')}/sub path/` });
  const { page, requests, complaints, close } = await openPage(browser, host.url);
  t.after(close);
  await ready(page);
  const answer = await ask(page);
  assert.ok(answer.length > 0);
  await kept(page);
  assert.equal(await requestsOf(page), 0);
  assert.deepEqual(requests.filter((url) => !url.startsWith(host.url)), []);
  assert.deepEqual(host.asked().filter(({ file }) => file === undefined).map(({ path }) => path), []);
  assert.deepEqual(complaints, []);

  await host.gone();
  assert.equal(await ask(page), answer, 'the same page');
  await page.reload();
  await ready(page);
  assert.equal(await ask(page), answer, 'reloaded');
  const tab = await page.context().newPage();
  await tab.goto(host.url);
  await ready(tab);
  for (const view of VIEWS) {
    await tab.goto(`${host.url}#/${view}`);
    await tab.locator(`#main[data-view=${view}] h1, #main[data-view=${view}] form`).first().waitFor();
    assert.equal(await tab.locator('#main > .problem').count(), 0, view);
  }
  const imported = await tab.evaluate(() => Promise.all(['plot', 'pdf', 'markdown', 'idb'].map((name) => import(`./vendor/${name}.js`))).then((all) => all.length));
  assert.equal(imported, 4);
  await tab.goto(`${host.url}#/chat`);
  assert.equal(await ask(tab), answer, 'a new tab');
});

/** On the page: waits for the model, asks once; the answer, and what is kept. */
async function visit() {
  const until = async (done, what) => {
    for (let left = 18_000; !done(); left--) {
      if (left === 0) throw new Error(`waited in vain for ${what}: ${document.body.innerText}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until(() => document.querySelector('#where[data-status=ready]'), 'the model');
  const answers = () => [...document.querySelectorAll('#log li.assistant[data-status=done] .text')];
  const before = answers().length;
  [...document.querySelectorAll('#tasks button')].find((button) => button.textContent.trim() === 'Filter').click();
  await until(() => answers().length > before, 'the answer');
  await until(() => document.querySelector('#offline[data-status=kept]'), 'the page to be kept');
  const files = {};
  for (const name of await caches.keys()) files[name] = (await (await caches.open(name)).keys()).map(({ url }) => url);
  return { answer: answers().at(-1).textContent, files };
}

for (const [name, { missing: absent, launch: start, module }] of Object.entries(LAUNCHERS)) {
  test(`${name}: one visit keeps one version with the module that runs there, and its host is not needed again`, { skip: absent() ?? noRelease }, async (t) => {
    const host = await hosted(t);
    const other = await start();
    t.after(() => other.close());
    await other.goto(host.url);
    const first = await other.evaluate(visit);
    const [[, files], ...more] = Object.entries(first.files);
    assert.equal(more.length, 0);
    const engines = files.map((url) => url.split('/').at(-1)).filter((file) => /^kinglet(_relaxed)?_bg\.wasm$/.test(file));
    assert.deepEqual(engines, [module === 'relaxed' ? 'kinglet_relaxed_bg.wasm' : 'kinglet_bg.wasm']);
    assert.ok(!files.some((url) => url.endsWith('.gguf')), 'models are the store’s');
    await host.gone();
    await other.goto(host.url);
    assert.equal((await other.evaluate(visit)).answer, first.answer);
  });
}

/** The one cache of the page: its version. */
const versions = (page) => page.evaluate(async () => (await caches.keys()).map((name) => name.split(' ').at(-1)));
const newVersion = (page) => page.locator('.toast', { hasText: 'A new version is ready' });
/** The page as it is looked at again after a while: it asks its host for news. */
const look = (page) => page.evaluate(() => dispatchEvent(new Event('online')));
const changed = (page) => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--deployed').trim());

test('a new version waits for a yes, then for the answers of all tabs; nothing of them is lost', { skip }, async (t) => {
  const host = await hosted(t);
  writeFileSync(join(host.folder, 'models/slow.gguf'), await slowModel());
  const context = await browser.newContext();
  t.after(() => context.close());
  // Long answers: the seeded model babbles until it is told to stop.
  const settings = { version: 1, sections: { engine: { backend: 'cpu', threads: 1 }, sampling: { temperature: 0, maxTokens: ANSWER } } };
  await context.addInitScript((text) => localStorage.getItem('kinglet.settings') ?? localStorage.setItem('kinglet.settings', text), JSON.stringify(settings));
  const tabs = [await context.newPage(), await context.newPage()];
  for (const tab of tabs) {
    await tab.goto(`${host.url}?model=models/slow.gguf`);
    await ready(tab);
    await kept(tab);
  }
  const [old] = await versions(tabs[0]);
  const fresh = deploy(host.folder, () => writeFileSync(join(host.folder, 'style/base.css'), '\n:root { --deployed: yes; }', { flag: 'a' }));
  assert.notEqual(fresh, old);
  for (const tab of tabs) {
    await tab.locator('#prompt').fill('a long story');
    await tab.locator('#prompt').press('Enter');
    await tab.locator('#log li.assistant[data-status=running] .text', { hasText: /\S/ }).waitFor({ timeout: LONG });
  }
  await look(tabs[0]);
  for (const tab of tabs) await newVersion(tab).waitFor({ timeout: LONG });
  assert.equal(await changed(tabs[0]), '', 'not before a yes');
  assert.equal(await tabs[1].locator('#log li.assistant').getAttribute('data-status'), 'running', 'the answers must be long enough for this test');
  await tabs[0].getByRole('button', { name: 'Start it' }).click();
  await Promise.all(tabs.map((tab) => tab.locator('.toast', { hasText: 'when no answer is being made' }).waitFor()));
  for (const tab of tabs) {
    await tab.waitForFunction(() => getComputedStyle(document.documentElement).getPropertyValue('--deployed').trim() === 'yes', undefined, { timeout: LONG });
    const answer = tab.locator('#log li.assistant').last();
    await answer.waitFor({ timeout: LONG });
    assert.equal(await answer.getAttribute('data-status'), 'done');
    const { tokens } = await lastAnswer(tab);
    assert.equal(tokens, ANSWER, 'the whole answer, and it was kept');
  }
  assert.deepEqual(await versions(tabs[0]), [fresh]);
  await host.gone();
  await tabs[0].reload();
  await ready(tabs[0]);
  assert.equal(await changed(tabs[0]), 'yes');
});

/** Tokens of an answer of the slow model. */
const ANSWER = 960;

/** A model that takes some seconds for an answer, and does not end one by itself. */
async function slowModel() {
  const model = llamaModel({ n_embd: 512, n_ff: 1024, n_layer: 12, n_ctx: 1024 });
  const pieces = [];
  for await (const piece of model.stream(0, model.size)) pieces.push(piece);
  return withString(Buffer.concat(pieces), 'tokenizer.chat_template', '{% for m in messages %}{{ m.content }}{% endfor %}');
}

/** What the page has kept of its last answer. */
async function lastAnswer(page) {
  return page.evaluate(async () => {
    const { conversations, opened, readConversation } = await import('./services/conversations.js');
    await opened;
    const [, id] = /^#\/chat\/(.+)$/.exec(location.hash) ?? [, conversations.value.list[0].id];
    const { messages } = await readConversation(id);
    const last = messages.findLast(({ role }) => role === 'assistant');
    return { content: last.content, tokens: last.answer?.usage?.completion_tokens };
  });
}

test('without a yes a new version is there when all tabs were closed; a broken one never', { skip }, async (t) => {
  const host = await hosted(t);
  const context = await browser.newContext();
  t.after(() => context.close());
  const open = async () => {
    const page = await context.newPage();
    await page.goto(host.url);
    await ready(page);
    return page;
  };
  const first = await open();
  await kept(first);
  const [old] = await versions(first);
  const broken = [
    ['a file is missing', (folder) => rmSync(join(folder, 'views/models/index.js'))],
    ['a file is of another version', (folder) => writeFileSync(join(folder, 'lib/format.js'), '// half-way', { flag: 'a' })],
    ['a file is cut', (folder) => writeFileSync(join(folder, 'app.js'), readFileSync(join(folder, 'app.js')).subarray(0, 100))],
    ['the list is no list', (folder) => writeFileSync(join(folder, 'offline.json'), '<!doctype html>')],
  ];
  for (const [what, spoil] of broken) {
    deploy(host.folder, () => writeFileSync(join(host.folder, 'style/base.css'), `\n/* ${what} */`, { flag: 'a' }));
    spoil(host.folder);
    const refused = what === 'the list is no list' ? look(first) : settled(first);
    await refused;
    assert.deepEqual(await versions(first), [old], what);
    assert.equal(await newVersion(first).count(), 0, what);
    cpSync(join(RELEASE, 'site'), host.folder, { recursive: true });
    assert.ok((await ask(first)).length > 0, what);
  }
  const fresh = deploy(host.folder, () => writeFileSync(join(host.folder, 'style/base.css'), '\n:root { --deployed: yes; }', { flag: 'a' }));
  await look(first);
  await newVersion(first).waitFor({ timeout: LONG });
  await first.reload();
  await ready(first);
  assert.equal(await changed(first), '', 'a reload is no yes');
  // Another page of the origin sees when the browser has noticed that the last tab is gone.
  const outside = await context.newPage();
  await outside.goto(new URL('/', host.url).href);
  await first.close();
  const taken = () => outside.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).map(({ active }) => active?.scriptURL.split('=')[1]));
  assert.deepEqual(await eventually(taken, ([version]) => version === fresh, LONG), [fresh]);
  const second = await open();
  assert.equal(await changed(second), 'yes');
  await second.waitForFunction(async (fresh) => (await caches.keys()).every((name) => name.endsWith(fresh)), fresh);
});

/** Resolves when a version that was found has been given up. */
function settled(page) {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const given = new Promise((resolve) =>
      registration.addEventListener('updatefound', () => {
        const worker = registration.installing;
        worker.addEventListener('statechange', () => worker.state === 'redundant' && resolve());
      }),
    );
    dispatchEvent(new Event('online'));
    await given;
  });
}

test('where nothing may be stored the page works, and says so; where the host wants nothing kept, it is let go', { skip }, async (t) => {
  const host = await hosted(t);
  const context = await browser.newContext();
  t.after(() => context.close());
  const refusing = await context.newPage();
  await refusing.addInitScript(() => Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined }));
  await refusing.goto(host.url);
  await ready(refusing);
  assert.ok((await ask(refusing)).length > 0);
  assert.equal(await refusing.locator('#offline').getAttribute('data-status'), 'unsupported');
  assert.match(await refusing.locator('#offline .panel').textContent(), /keeps no pages/);
  await refusing.close();

  const page = await context.newPage();
  await page.goto(host.url);
  await kept(page);
  writeFileSync(join(host.folder, 'offline.json'), JSON.stringify({ version: null, files: {} }));
  await Promise.all([page.waitForEvent('load'), look(page)]);
  await ready(page);
  // It tries to keep the version that model.json still names, and is refused.
  await page.locator('#offline[data-status=refused]').waitFor({ timeout: LONG });
  const left = () => page.evaluate(async () => [(await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]);
  assert.deepEqual(await eventually(left, (counts) => counts.every((n) => n === 0)), [0, 0]);
});

test('the manifest is one of an app that can be installed', { skip }, async (t) => {
  const host = await hosted(t);
  const { page, close } = await openPage(browser, host.url);
  t.after(close);
  const devtools = await page.context().newCDPSession(page);
  const { url, errors, data } = await devtools.send('Page.getAppManifest');
  assert.equal(url, `${host.url}manifest.webmanifest`);
  assert.deepEqual(errors, []);
  const manifest = JSON.parse(data);
  for (const field of ['id', 'name', 'short_name', 'start_url', 'scope', 'display', 'icons', 'theme_color', 'background_color']) {
    assert.ok(manifest[field], field);
  }
  assert.equal(new URL(manifest.start_url, url).href, host.url);
  const purposes = manifest.icons.map(({ purpose, sizes }) => `${purpose} ${sizes}`);
  for (const wanted of ['any 192x192', 'any 512x512', 'maskable 192x192', 'maskable 512x512']) assert.ok(purposes.includes(wanted), wanted);
  for (const { src, sizes, type } of manifest.icons) {
    const bytes = readFileSync(join(host.folder, src));
    assert.ok(bytes.length < 20_000, `${src} is small`);
    if (type !== 'image/png') continue;
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]; // of the header chunk, which is first
    assert.equal(`${width}x${height}`, sizes, src);
  }
  await kept(page);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  // A test's context is a private one, in which Chromium installs nothing.
  assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), []);
});

test('every file of the release has its checksum', { skip: noRelease }, () => {
  const files = readdirSync(RELEASE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(RELEASE.length + 1));
  const lines = readFileSync(join(RELEASE, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const sums = new Map(lines.map((line) => line.split('  ').reverse()));
  assert.deepEqual([...sums.keys()].sort(), paths.filter((path) => path !== 'SHA256SUMS').sort());
  for (const [path, sum] of sums) {
    assert.equal(createHash('sha256').update(readFileSync(join(RELEASE, path))).digest('hex'), sum, path);
  }
  assert.equal([...sums.keys()].filter((path) => /^kinglet(-desk)?-\d.*\.tgz$/.test(path)).length, 2);
});
