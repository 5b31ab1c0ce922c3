// Headless Chromium with the bench's page, and calls of the engines on it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens a fresh browser on `origin`. Returns `{ version, load, complete, speeds, close }`. */
export async function open(origin) {
  const executablePath = process.env.KINGLET_CHROMIUM ?? '/usr/bin/chromium';
  // A profile on disk: without one, a Blob of more than 2 GB does not fit.
  const profile = mkdtempSync(join(tmpdir(), 'kinglet-bench-'));
  const browser = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: ARGS, timeout: 60_000 });
  const page = browser.pages()[0] ?? (await browser.newPage());
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('crash', () => complaints.push('the page crashed'));
  await page.goto(origin, { timeout: 60_000 });
  if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('the page is not cross-origin isolated');
  const call = async (work, args) => {
    const crash = new Promise((_, reject) => page.once('crash', () => reject(new Error('the page crashed'))));
    try {
      return await Promise.race([page.evaluate(work, args), crash]);
    } catch (error) {
      throw new Error([error.message, ...complaints].join('\n'));
    }
  };
  const { product } = await (await browser.newCDPSession(page)).send('Browser.getVersion');
  return {
    version: product.split('/').at(-1),
    /** Loads the engine `name`: `{ load_ms, info }`. */
    load: (name, options) => call(loadOnPage, { name, options }),
    /** What `complete` of the engine `name` says (engines.js). */
    complete: (name, request) => call(completeOnPage, { name, request }),
    /** What the module's own meters say: see `speedsOnPage`. */
    speeds: (matrices) => call(speedsOnPage, matrices),
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function loadOnPage({ name, options }) {
  const engines = await import('/bench/engines.js');
  const engine = engines[name]();
  const begin = performance.now();
  const info = await engine.load(options);
  const load_ms = performance.now() - begin;
  (globalThis.engines ??= {})[name] = engine;
  return { load_ms, info };
}

function completeOnPage({ name, request }) {
  return globalThis.engines[name].complete(request);
}

/**
 * GB/s of a plain streaming read and of single matrix-vector products, one thread, in each Wasm module of the package
 * that has such meters: `{ module: { streaming, kernels: { 'Q4_0 3072x9216': GB/s } } }`.
 */
async function speedsOnPage(matrices) {
  const found = {};
  for (const module of ['kinglet_relaxed', 'kinglet']) {
    try {
      const bindings = await import(`/pkg/wasm/${module}.js`);
      if (bindings.streamingRead === undefined) continue;
      await bindings.default();
      const streaming = bindings.streamingRead(256 * 2 ** 20, 5);
      const kernels = {};
      for (const [format, rows, cols] of matrices) {
        kernels[`${format} ${cols}x${rows}`] = bindings.kernelSpeed(format, rows, cols, 20);
      }
      found[module] = { streaming, kernels };
    } catch (error) {
      found[module] = { error: String(error) }; // a browser without relaxed SIMD cannot have that module
    }
  }
  return found;
}
