// Where the package runs for the bench: Chromium, Firefox, or Node on Dawn, with one face:
// `{ versions, adapter, call(name, args), memory(), close() }`; `call` is a handler of handlers.js.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { memory } from '../cpu/processes.mjs';
import { startServer } from '../cpu/server.mjs';
import { kinglet } from '../../www/bench/engines.js';
import { LAUNCHERS } from '../../tests/web/support/browsers.mjs';
import { ARGS, CHROMIUM } from '../../tests/web/support/browser.mjs';
import { fileModel } from '../../tests/web/support/server.mjs';
import { handlers } from './handlers.js';

const PAGE = `<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,"><body>
  <script type="module" src="/gpu/page.js"></script>`;
const ROOT = new URL('../../', import.meta.url);
/** Chromium on the machine's own GPU instead of its software one. */
const OWN_GPU = [...ARGS.filter((arg) => !arg.startsWith('--use-webgpu-adapter')), '--use-angle=vulkan', '--ignore-gpu-blocklist'];
/** Milliseconds between two questions whether a step is done. */
const PATIENCE = 200;

/** The server of the page, with the file and the other package where there are any. */
function serve({ model, against, meter }) {
  const models = new Map(model ? [['model.gguf', fileModel(model)]] : []);
  const folders = { gpu: new URL('.', import.meta.url).pathname, meter, ...(against ? { against } : {}) };
  return startServer(models, { folders, page: PAGE });
}

/** Chromium. A profile on the disk: without one, a Blob of more than 2 GB does not fit. */
async function openChromium(ask, { adapter }) {
  const server = await serve(ask);
  const profile = mkdtempSync(join(tmpdir(), 'kinglet-bench-'));
  const args = adapter === 'system' ? OWN_GPU : ARGS;
  const browser = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, headless: true, args });
  const page = browser.pages()[0] ?? (await browser.newPage());
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  const crash = new Promise((_, reject) => page.once('crash', () => reject(new Error('the page crashed'))));
  crash.catch(() => {}); // it is awaited with each call
  await page.goto(server.origin);
  await page.locator('body[data-ready]').waitFor({ state: 'attached' });
  const { product } = await (await browser.newCDPSession(page)).send('Browser.getVersion');
  return {
    versions: { browser: product },
    model: '/models/model.gguf',
    async call(name, args = {}) {
      try {
        return await Promise.race([page.evaluate(([name, args]) => globalThis.bench[name](args), [name, args]), crash]);
      } catch (error) {
        throw new Error([error.message, ...complaints.splice(0)].join('\n'));
      }
    },
    memory: async () => memory(),
    async close() {
      await browser.close();
      await server.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Firefox, whose driver ends a script after a minute: a call is begun, then asked for. */
async function openFirefox(ask) {
  const server = await serve(ask);
  const browser = await LAUNCHERS.firefox.launch();
  await browser.goto(server.origin);
  const hidden = await browser.adapter();
  const ready = () => browser.evaluate(() => globalThis.bench !== undefined);
  while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const agent = await browser.evaluate(() => navigator.userAgent);
  return {
    versions: { browser: /Firefox\/[\d.]+/.exec(agent)?.[0] ?? agent },
    adapter: hidden?.name,
    model: `${server.origin}/models/model.gguf`,
    async call(name, args = {}) {
      await browser.evaluate(({ name, args }) => globalThis.bench.start(name, args), { name, args });
      for (;;) {
        const { done, value, error } = await browser.evaluate(() => globalThis.bench.poll());
        if (error !== undefined) throw new Error(error);
        if (done) return value ?? null;
        await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      }
    },
    memory: async () => memory(),
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** This process, with the WebGPU of Chrome and no browser. */
async function openNode(ask, { adapter }) {
  if (adapter === 'system') process.env.KINGLET_ADAPTER = 'system';
  const { openDawn } = await import('../../tests/web/support/dawn.mjs');
  await openDawn();
  const server = await serve(ask);
  const bytes = (path) => new Uint8Array(readFileSync(path)).buffer;
  const packaged = (home) => () => {
    const module = (name) => bytes(new URL(`wasm/${name}_bg.wasm`, home));
    return kinglet(home.href, { host: 'here', store: 'none', wasm: { baseline: module('kinglet'), grammar: module('kinglet_grammar') } });
  };
  const call = handlers({
    make: {
      kinglet: packaged(new URL('pkg/', ROOT)),
      against: packaged(pathToFileURL(`${ask.against ?? ''}/`)),
    },
    async meter() {
      const module = await import(pathToFileURL(join(ask.meter, 'kinglet_bench.js')).href);
      await module.default({ module_or_path: bytes(join(ask.meter, 'kinglet_bench_bg.wasm')) });
      return module.measureKernels;
    },
  });
  const dawn = JSON.parse(readFileSync(new URL('node_modules/webgpu/package.json', ROOT))).version;
  return {
    versions: { node: process.version, dawn },
    model: `${server.origin}/models/model.gguf`,
    call: (name, args = {}) => call[name](args),
    memory: async () => ({ node: { peak_rss: process.resourceUsage().maxRSS * 1024 } }),
    close: () => server.close(),
  };
}

const OPEN = { chromium: openChromium, firefox: openFirefox, node: openNode };

/** Opens the place of a runner. */
export function open(ask, place) {
  return OPEN[place.runner](ask, place);
}
