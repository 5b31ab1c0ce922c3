// What a release holds: the site runs below any path of a static host, alone, and after the first visit without any; the
// checksums are true.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { launch, missing, openPage } from './support/browser.mjs';
import { LAUNCHERS } from './support/browsers.mjs';
import { temporary } from './support/pack.mjs';
import { serveFolder } from './support/static.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RELEASE = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release-files');
const noRelease = existsSync(join(RELEASE, 'site/index.html')) ? false : 'no release: cargo xtask release';
const skip = missing() ?? noRelease;

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

test('the site answers below a path that it does not know', { skip }, async (t) => {
  const base = `/${randomBytes(4).toString('hex')}/sub path/`;
  const server = await serveFolder(join(RELEASE, 'site'), { base, headers: {} }); // its policy is in its <meta>
  t.after(() => server.close());
  const { page, requests, complaints, close } = await openPage(browser, encodeURI(`${server.url}?backend=cpu`));
  t.after(close);
  await page.locator('#where:visible, #error:visible').first().waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('#error').isVisible(), false, await page.locator('#error').textContent());
  const ask = async (turn) => {
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.locator('#log li.assistant .sure').nth(turn).waitFor({ timeout: 60_000 });
    return page.locator('#log li:last-child .text').textContent();
  };
  const answer = await ask(0);
  assert.ok(answer.length > 0);
  assert.match(await page.locator('#offline').textContent(), / 0 requests/);
  assert.deepEqual(requests.filter((url) => !url.startsWith(encodeURI(server.url))), []);
  assert.deepEqual(server.asked.filter(({ file }) => file === undefined).map(({ path }) => path), []);
  assert.deepEqual(complaints, []);
  await server.close();
  assert.equal(await ask(1), answer, 'and when its host is gone');
});

/** On the page: waits for the model, asks once; the answer, and what the page says of itself. */
async function visit() {
  const until = async (done) => {
    for (let left = 3000; !done(); left--) {
      if (left === 0) throw new Error(`waited in vain: ${document.querySelector('#error').textContent}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await until(() => !document.querySelector('#where').hidden);
  [...document.querySelectorAll('#tasks button')].find((button) => button.textContent === 'Filter').click();
  await until(() => document.querySelector('#log .sure') && document.querySelector('#stop').hidden);
  const registration = await navigator.serviceWorker.getRegistration();
  const kept = {};
  for (const name of await caches.keys()) kept[name] = (await (await caches.open(name)).keys()).map(({ url }) => url);
  return { answer: document.querySelector('#log li:last-child .text').textContent, state: registration?.active?.state, kept };
}

for (const [name, { missing: absent, launch: start, module }] of Object.entries(LAUNCHERS)) {
  test(`${name}: after one visit the site is reloaded and answers without its host; a new version takes its place`, { skip: absent() ?? noRelease }, async (t) => {
    const folder = temporary('site');
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(join(RELEASE, 'site'), folder, { recursive: true });
    const base = '/some/where/';
    const other = await start();
    t.after(() => other.close());
    let server = await serveFolder(folder, { base, headers: {} });
    t.after(() => server.close());
    const url = `${server.url}?backend=cpu`;
    await other.goto(url);
    const first = await other.evaluate(visit);
    assert.equal(first.state, 'activated');
    const [[, files]] = Object.entries(first.kept);
    assert.deepEqual(files.filter((url) => url.endsWith('.wasm')).map((url) => url.split('/').at(-1)), [module === 'relaxed' ? 'kinglet_relaxed_bg.wasm' : 'kinglet_bg.wasm']);
    assert.deepEqual(server.asked.filter(({ file }) => file === undefined).map(({ path }) => path), []);
    const { port } = new URL(server.url);
    await server.close();

    await other.goto(url);
    const second = await other.evaluate(visit);
    assert.equal(second.answer, first.answer);

    writeFileSync(join(folder, 'style.css'), '\n/* changed */', { flag: 'a' });
    for (const file of ['model.json', 'offline.json']) {
      const text = readFileSync(join(folder, file), 'utf8');
      writeFileSync(join(folder, file), text.replace(/"(offline|version)":"[0-9a-f]{16}"/, '"$1":"0000000000000000"'));
    }
    server = await serveFolder(folder, { base, headers: {}, port });
    await other.goto(url);
    const third = await other.evaluate(visit);
    assert.equal(third.answer, first.answer);
    const names = Object.keys(third.kept);
    assert.equal(names.length, 1, names.join('; '));
    assert.match(names[0], /version=0000000000000000/);
    await server.close();
    await other.goto(url);
    const changed = await other.evaluate(async () => (await (await fetch('style.css')).text()).includes('/* changed */'));
    assert.ok(changed);
  });
}

/** Installs the service worker where the host says these versions one after the other; what is kept then, and the failure. */
async function install(versions) {
  const kept = new Map();
  const cache = (name) => ({ addAll: async (requests) => kept.set(name, requests.map(({ url }) => url)) });
  const heard = new Map();
  const scope = 'https://h.example/';
  class Request {
    constructor(url) {
      this.url = url;
    }
  }
  runInNewContext(readFileSync(join(ROOT, 'www/sw.js'), 'utf8'), {
    URL, Request, location: `${scope}sw.js?version=1&module=relaxed`, registration: { scope }, skipWaiting: () => undefined,
    fetch: async () => ({ json: async () => ({ version: versions.shift(), files: ['a.js', 'x/kinglet_bg.wasm', 'x/kinglet_relaxed_bg.wasm'] }) }),
    caches: { open: async (name) => cache(name), delete: async (name) => kept.delete(name) },
    addEventListener: (type, hear) => heard.set(type, hear),
  });
  let done;
  heard.get('install')({ waitUntil: (promise) => (done = promise) });
  const failure = await done.then(() => undefined, ({ message }) => message);
  return { kept: [...kept.values()], failure };
}

test('a site that is deployed while it is kept is not kept: its files would be of two versions', async () => {
  assert.deepEqual(await install(['1', '1']), { kept: [['a.js', 'x/kinglet_relaxed_bg.wasm']], failure: undefined });
  for (const versions of [['2'], ['1', '2']]) {
    const { kept, failure } = await install(versions);
    assert.deepEqual(kept, []);
    assert.match(failure, /has changed/);
  }
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
