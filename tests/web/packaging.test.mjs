// Customers' projects: the tarballs of npm pack in fresh folders, the code of the package's README, built by the bundlers of
// tests/pack and run in headless Chromium. Nothing may be asked of another origin.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { launch, missing, openExtension } from './support/browser.mjs';
import { noDesk } from './support/desk.mjs';
import { installs, pack, project, run, start, temporary, unpack, write } from './support/pack.mjs';
import { POLICY, serveFolder } from './support/static.mjs';

const skip = missing() ?? noDesk() ?? false;
const FIXTURES = fileURLToPath(new URL('../pack', import.meta.url));
/** What the README's code shows. */
const SHOWN = 'late parcel';
/** What tests/pack/check.js answers: see browsers.test.mjs. */
const GOLDEN = '\ufffd{\ufffdviiiiirrrr%%';
const MODELS = { '/models/llama3.gguf': fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url)) };
/** All that one page downloads to chat: wasm and scripts, gzip -9. */
const BUDGET = 1_000_000;
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

let folder;
let tarballs;
let browser;
before(async () => {
  if (skip) return;
  folder = temporary('customers');
  tarballs = ['pkg', 'models/desk'].map((path) => pack(path, folder).file);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 10 }); // browsers and servers may still write
});

/** A folder for a project without a bundler: the README's files, the packages beside them. */
function plainProject(name, heading) {
  const home = join(folder, name);
  write(home, start(heading));
  unpack(tarballs[0], join(home, 'kinglet'));
  unpack(tarballs[1], join(home, 'kinglet-desk'));
  return home;
}

/** Adds tests/pack/check.js to a project, imported by `main`; without a bundler the package has another address. */
function addCheck(home, main, address = 'kinglet') {
  const text = readFileSync(join(FIXTURES, 'check.js'), 'utf8');
  writeFileSync(join(home, main, '../check.js'), text.replace("from 'kinglet'", `from '${address}'`));
  appendFileSync(join(home, main), "\nimport './check.js';\n");
}

/** Opens a page: the text that it shows in the end, once that is `expected`, and what it asked of other origins. */
async function open(context, url, expected = SHOWN) {
  const page = await context.newPage();
  const { origin } = new URL(url);
  const trouble = [];
  context.on('request', (request) => new URL(request.url()).origin === origin || /^(data|blob):/.test(request.url()) || trouble.push(request.url()));
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('console', (message) => /Content.Security.Policy/i.test(message.text()) && trouble.push(message.text()));
  await page.goto(url);
  const shown = page.locator('#answer');
  await page
    .waitForFunction((text) => document.querySelector('#answer')?.textContent === text, expected, { timeout: 120_000 })
    .catch(async () => assert.fail(`${url} shows ${JSON.stringify(await shown.textContent())}; ${trouble.join('; ')}`));
  return { page, shown, trouble };
}

/** Whoever brings his own model need not install our weights: a project without that package, asked by its check alone. */
function withoutDesk(home, main) {
  rmSync(join(home, 'node_modules/kinglet-desk'), { recursive: true });
  writeFileSync(join(home, main), "import './check.js';\ndocument.querySelector('#answer').textContent = 'ready';\n");
}

/** Its check answers, and our model by its name is an error that says what to install. */
async function worksWithoutDesk(context, url) {
  const { page } = await open(context, url, 'ready');
  await answers(page);
  const error = await page.evaluate(() => globalThis.check({ model: 'desk' }).then(() => 'none', ({ code, detail }) => ({ code, detail })));
  assert.deepEqual(error, { code: 'package_missing', detail: { package: 'kinglet-desk', install: 'npm install kinglet-desk' } });
}

/** The README's page, then the reference's text on the processor: in one thread, and in two, whose worker must be found. */
async function works(context, url, { isolated = false } = {}) {
  const { page, trouble } = await open(context, url);
  await answers(page, { isolated });
  assert.equal(await page.locator('#answer').textContent(), SHOWN);
  assert.deepEqual(trouble, []);
  return page;
}

async function answers(page, { isolated = false } = {}) {
  for (const threads of [1, 2]) {
    const found = await page.evaluate((options) => globalThis.check(options), { model: '/models/llama3.gguf', backend: 'cpu', threads });
    assert.equal(found.text, GOLDEN);
    assert.deepEqual([found.backend, found.threads, found.threads_why, found.isolated], ['cpu', threads, undefined, isolated]);
  }
}

async function inContext(t, body) {
  const context = await browser.newContext();
  t.after(() => context.close());
  return body(context);
}

test('the starts install what they are tested with', () => {
  for (const [name, heading] of Object.entries({ vite: 'Vite', webpack: 'webpack', next: 'Next.js' })) {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(FIXTURES, name, 'package.json'), 'utf8'));
    assert.deepEqual(installs(heading), ['kinglet', 'kinglet-desk', ...Object.keys({ ...dependencies, ...devDependencies })], heading);
  }
});

test('a plain page below a sub-path, from the files of the tarball', { skip }, async (t) => {
  const home = plainProject('page', 'A plain page');
  const base = '/some/where/deep/';
  const first = await serveFolder(home, { base });
  t.after(() => first.close());
  await inContext(t, async (context) => {
    const { trouble } = await open(context, `${first.url}index.html`);
    assert.deepEqual(trouble, []);
    assert.ok(first.asked.every(({ path }) => path.startsWith(base) || path === '/favicon.ico'), 'nothing outside of the sub-path');
  });
  measure(first.asked);
  addCheck(home, 'main.js', './kinglet/dist/index.js');
  for (const isolated of [false, true]) {
    const headers = { 'Content-Security-Policy': POLICY, ...(isolated ? ISOLATED : {}) };
    const server = await serveFolder(home, { base, headers, models: MODELS });
    t.after(() => server.close());
    await inContext(t, async (context) => {
      const page = await works(context, server.url, { isolated });
      if (isolated) return;
      const gpu = await page.evaluate((options) => globalThis.check(options), { model: '/models/llama3.gguf', backend: 'gpu' });
      assert.deepEqual([gpu.text, gpu.backend], [GOLDEN, 'gpu']);
    });
  }
});

test('worker and Wasm are handed in, by addresses of the host\'s own', { skip }, async (t) => {
  const home = plainProject('handed', 'A plain page');
  writeFileSync(join(home, 'index.html'), '<!doctype html><p id="answer">ready</p><script type="module" src="check.js"></script>');
  addCheck(home, 'main.js', './kinglet/dist/index.js');
  cpSync(join(home, 'kinglet'), join(home, 'assets'), { recursive: true });
  const server = await serveFolder(home, { models: MODELS });
  t.after(() => server.close());
  await inContext(t, async (context) => {
    const { page, trouble } = await open(context, server.url, 'ready');
    const handed = { worker: 'assets/dist/worker.js', wasm: { baseline: 'assets/wasm/kinglet_bg.wasm' } };
    const found = await page.evaluate((options) => globalThis.check(options), { model: '/models/llama3.gguf', backend: 'cpu', ...handed });
    assert.deepEqual([found.text, found.module], [GOLDEN, 'baseline']);
    assert.deepEqual(trouble, []);
  });
  const asked = server.asked.map(({ path }) => path);
  assert.ok(asked.includes('/assets/dist/worker.js') && asked.includes('/assets/wasm/kinglet_bg.wasm'), asked.join(' '));
  assert.deepEqual(asked.filter((path) => /^\/kinglet\/(wasm|dist\/worker)/.test(path)), []);
});

test('a policy that forbids Wasm or workers: the error says so', { skip }, async (t) => {
  const home = plainProject('forbidden', 'A plain page');
  writeFileSync(join(home, 'index.html'), '<!doctype html><p id="answer">ready</p><script type="module" src="check.js"></script>');
  addCheck(home, 'main.js', './kinglet/dist/index.js');
  for (const [policy, hint] of [
    ["default-src 'self'; script-src 'self'", /Content Security Policy/],
    ["default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'", /CSP|Content Security Policy/],
  ]) {
    const server = await serveFolder(home, { headers: { 'Content-Security-Policy': policy }, models: MODELS });
    t.after(() => server.close());
    await inContext(t, async (context) => {
      const { page } = await open(context, server.url, 'ready');
      const error = await page.evaluate(() => globalThis.check({ model: '/models/llama3.gguf' }).then(() => 'none', ({ code, message }) => ({ code, message })));
      assert.equal(error.code, 'worker_failed', policy);
      assert.match(error.message, hint);
    });
  }
});

/** The size of a real page load, from the host's list. */
function measure(asked) {
  const missing = asked.filter(({ file, path }) => file === undefined && path !== '/favicon.ico');
  assert.deepEqual(missing, [], 'nothing is looked for in vain');
  const files = [...new Set(asked.map(({ file }) => file).filter((file) => /\.(js|wasm)$/.test(file ?? '')))].filter((file) => file.includes('/kinglet/'));
  const sizes = files.map((file) => gzipSync(readFileSync(file), { level: 9 }).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const weights = asked.filter(({ file }) => file?.endsWith('.gguf')).map(({ file }) => readFileSync(file).length)[0];
  console.log(`a page's load: ${files.length} files, ${total} bytes gzip -9; with desk ${total + weights}`);
  assert.equal(files.filter((file) => file.endsWith('.wasm')).length, 1, 'one build of the two, and nothing else yet');
  const profile = readFileSync(fileURLToPath(new URL('../../pkg/wasm/.kinglet.source', import.meta.url)), 'utf8').split(' ')[0];
  assert.ok(total <= BUDGET || profile.startsWith('wasm-dev'), `${total} bytes gzip`); // a build of seconds is larger
}

test('Vite: dev server and build, also without the configuration', { skip }, async (t) => {
  const home = await project('vite', { folder, tarballs, heading: 'Vite' });
  addCheck(home, 'main.js');
  mkdirSync(join(home, 'public/models'), { recursive: true });
  copyFileSync(MODELS['/models/llama3.gguf'], join(home, 'public/models/llama3.gguf'));
  const vite = 'node_modules/vite/bin/vite.js';
  const dev = async () => {
    rmSync(join(home, 'node_modules/.vite'), { recursive: true, force: true }); // what another server has remembered
    const port = await freePort();
    await served(t, home, [vite, '--port', port, '--strictPort', '--host', '127.0.0.1'], port);
    return `http://127.0.0.1:${port}/`;
  };
  const built = await serveFolder(join(home, 'dist'));
  t.after(() => built.close());
  const developedAndBuilt = async (check) => {
    const url = await dev();
    await inContext(t, (context) => check(context, url));
    await run(home, process.execPath, vite, 'build');
    await inContext(t, (context) => check(context, built.url));
  };
  await developedAndBuilt(works);
  const config = join(home, 'vite.config.mjs');
  renameSync(config, `${config}.unused`);
  await developedAndBuilt(works);
  renameSync(`${config}.unused`, config);
  withoutDesk(home, 'main.js');
  await developedAndBuilt(worksWithoutDesk);
});

test('webpack, below a sub-path', { skip }, async (t) => {
  const home = await project('webpack', { folder, tarballs, heading: 'webpack' });
  addCheck(home, 'src/index.js');
  await run(home, process.execPath, 'node_modules/webpack/bin/webpack.js');
  const built = await serveFolder(join(home, 'dist'), { base: '/below/', models: MODELS });
  t.after(() => built.close());
  await inContext(t, (context) => works(context, built.url));

  withoutDesk(home, 'src/index.js');
  await run(home, process.execPath, 'node_modules/webpack/bin/webpack.js');
  await inContext(t, (context) => worksWithoutDesk(context, built.url));
});

test('Next.js: built and started, the engine on the client only', { skip }, async (t) => {
  const home = await project('next', { folder, tarballs, heading: 'Next.js' });
  copyFileSync(join(FIXTURES, 'check.js'), join(home, 'check.js'));
  mkdirSync(join(home, 'public/models'), { recursive: true });
  copyFileSync(MODELS['/models/llama3.gguf'], join(home, 'public/models/llama3.gguf'));
  const built = async () => {
    await run(home, process.execPath, 'node_modules/next/dist/bin/next', 'build');
    const port = await freePort();
    await served(t, home, ['node_modules/next/dist/bin/next', 'start', '--port', port, '--hostname', '127.0.0.1'], port);
    return `http://127.0.0.1:${port}/`;
  };
  const url = await built();
  await inContext(t, async (context) => {
    const { trouble } = await open(context, url);
    const { page } = await open(context, `${url}check`, 'ready');
    await answers(page);
    assert.deepEqual(trouble, []);
  });

  rmSync(join(home, 'node_modules/kinglet-desk'), { recursive: true });
  writeFileSync(join(home, 'app/page.js'), readFileSync(join(home, 'app/check/page.js'), 'utf8').replace('../../check.js', '../check.js'));
  const without = await built();
  await inContext(t, (context) => worksWithoutDesk(context, without));
});

test('a browser extension', { skip }, async (t) => {
  const home = plainProject('extension', 'A browser extension');
  addCheck(home, 'main.js', './kinglet/dist/index.js');
  mkdirSync(join(home, 'models'));
  copyFileSync(MODELS['/models/llama3.gguf'], join(home, 'models/llama3.gguf'));
  const { context, worker } = await openExtension(home, join(folder, 'extension-profile'));
  t.after(() => context.close());
  await works(context, new URL('index.html', worker.url()).href);
});

test('a service worker answers the page', { skip }, async (t) => {
  const home = plainProject('service-worker', 'A service worker');
  const server = await serveFolder(home);
  t.after(() => server.close());
  await inContext(t, async (context) => {
    const { trouble } = await open(context, server.url);
    assert.deepEqual(trouble, []);
    assert.ok(!server.asked.some(({ path }) => path.startsWith('/v1/')), 'the request does not reach the host');
  });
});

function freePort() {
  const probe = createServer();
  return new Promise((resolve) => probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(String(port)));
  }));
}

/** Starts a server of the project's; resolves when it answers, and is ended with the test. */
async function served(t, home, args, port) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };
  const child = spawn(process.execPath, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stderr.on('data', (text) => (said += text));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  t.after(async () => {
    child.kill();
    await ended;
  });
  for (let left = 1200; ; left--) {
    if (child.exitCode !== null || left === 0) assert.fail(`${args.join(' ')}: ${said}`);
    const answered = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answered?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
