// Chromium with WebGPU on SwiftShader, one for each test file, and what every browser test wants to know of a page.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/** Where Chromium is: `KINGLET_CHROMIUM`, or Debian's place. */
export const CHROMIUM = process.env.KINGLET_CHROMIUM ?? '/usr/bin/chromium';

/** What every one of them is started with. */
export const ARGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser, with more arguments if need be, and without some of Playwright's own. */
export function launch(more = [], without = []) {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...ARGS, ...more], ignoreDefaultArgs: without });
}

/** Milliseconds for what a test waits for; with the processors taken by others a page alone takes ten seconds to come. */
export const PATIENCE = 60_000;

/** A folder for a browser's profile. */
export function profileFolder() {
  return mkdtempSync(join(tmpdir(), 'kinglet-profile-'));
}

/** A page of a browser of its own, whose profile lies on the disk; `close` removes it, unless `keep`. */
export async function openProfile(url, { folder = profileFolder(), keep = false } = {}) {
  const context = await chromium.launchPersistentContext(folder, { executablePath: CHROMIUM, headless: true, args: ARGS });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(url);
  await page.locator('body[data-ready]').waitFor();
  const close = async () => {
    await context.close();
    if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  return { page, close };
}

/** Chromium with the extension of folder `home`, its profile in another: the context, and the extension's service worker. */
export async function openExtension(home, profile) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: false, // as Playwright means it: that one loads no extensions
    args: [...ARGS, '--headless=new', `--disable-extensions-except=${home}`, `--load-extension=${home}`],
    ignoreDefaultArgs: ['--disable-extensions'],
  });
  return { context, worker: context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker', { timeout: PATIENCE })) };
}

/** Why the browser tests cannot run here, or undefined. */
export function missing() {
  return existsSync(CHROMIUM) ? notBuilt() : `no Chromium at ${CHROMIUM}`;
}

/** Why there is no package to test, or undefined. */
export function notBuilt() {
  const built = ['kinglet', 'kinglet_relaxed', 'kinglet_grammar', 'kinglet_route', 'kinglet_calibrate'].every((name) =>
    existsSync(fileURLToPath(new URL(`../../../pkg/wasm/${name}_bg.wasm`, import.meta.url))),
  );
  return built ? undefined : 'pkg/wasm is not built: cargo xtask pkg';
}

const SHARED = process.env.KINGLET_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));

/** A file of the shared test data, or undefined where that is not mounted. */
export function shared(path) {
  const full = join(SHARED, 'data', path);
  return existsSync(full) ? full : undefined;
}

/** A fresh page at `url` with its log of requests, console errors and uncaught errors. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const requests = [];
  const complaints = [];
  context.on('request', (request) => requests.push(request.url()));
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('console', (message) => {
    if (message.type() === 'error') {
      complaints.push(`${message.text()} ${message.location()?.url ?? ''}`);
    }
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.locator('body[data-ready]').waitFor();
  return { page, requests, complaints, close: () => context.close() };
}

/** Where screenshots go: `KINGLET_SCREENSHOTS`, or a folder of the system's temporary one. */
export function screenshotPath(name) {
  const folder = process.env.KINGLET_SCREENSHOTS ?? join(tmpdir(), 'kinglet-screenshots');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}
