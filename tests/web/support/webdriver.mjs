// Firefox and WebKitGTK, which speak W3C WebDriver: Firefox over its own socket (Marionette), WebKit over HTTP. No
// package is needed for either.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FIREFOX = process.env.KINGLET_FIREFOX ?? '/usr/bin/firefox-esr';
/** What Firefox is started with. Two are for WebGPU: on Linux it is off, and software drivers are on its list of bad ones. */
const FIREFOX_PREFS = {
  'marionette.port': 0,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.enabled': false,
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
};
const WEBKIT = '/usr/bin/WebKitWebDriver';
const XVFB = '/usr/bin/Xvfb';
/** How long a browser may take to start, and a script to run, in ms. */
const START = 120_000;
const SCRIPT = 240_000;

/**
 * The browsers: what is missing for each (or undefined), how to start it, the Wasm module that it runs. `launch({proxy})`
 * sends everything that is not for localhost to that port.
 */
export const BROWSERS = {
  firefox: { missing: () => absent('Firefox', FIREFOX), launch: launchFirefox, module: 'relaxed' },
  // 2.50 has no relaxed SIMD.
  webkit: { missing: () => absent('WebKitWebDriver', WEBKIT) ?? absent('Xvfb', XVFB), launch: launchWebKit, module: 'baseline' },
};

function absent(what, path) {
  return existsSync(path) ? undefined : `no ${what} at ${path}`;
}

/** A browser under `command(name, parameters)`, the WebDriver commands that both transports have. */
class Browser {
  constructor(command, close) {
    this.command = command;
    this.close = close;
  }

  /** Loads `url`; resolves when the page is complete. */
  goto(url) {
    return this.command('url', { url });
  }

  /** What WebGPU computes on, or undefined; see {@link adapterOf}. */
  adapter() {
    return this.evaluate(adapterOf);
  }

  /** Runs `script(args)` on the page and resolves to its result; what it throws is thrown here. */
  async evaluate(script, args = {}) {
    const body = `
      const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => (${script})(arguments[0])).then(
        (value) => done({ value }),
        (error) => done({ error: String(error), stack: String(error?.stack) }));`;
    const { value, error, stack } = await this.command('execute/async', { script: body, args: [args] });
    if (error !== undefined) throw new Error(`on the page: ${error}\n${stack}`);
    return value;
  }
}

/** In a browser: what its WebGPU computes on, or undefined. Firefox says its name under another one. */
export async function adapterOf() {
  const adapter = await globalThis.navigator.gpu?.requestAdapter();
  if (!adapter) return undefined;
  const { vendor, architecture, wgpuName = `${vendor} ${architecture}` } = adapter.info;
  const has = (feature) => adapter.features.has(feature);
  return { name: wgpuName, f16: has('shader-f16'), subgroups: has('subgroups') };
}

/** Starts a program that is ended with {@link ended}, its output kept for the message of a failure. */
function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => (child.said = (child.said + data).slice(-4000)));
  }
  child.over = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  child.over.then(() => (child.isOver = true));
  return child;
}

async function ended(child) {
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 5000);
  await child.over;
  clearTimeout(patience);
}

/** Asks until there is an answer other than undefined; fails when `child` ends, or after a minute. */
async function until(child, what, ask) {
  const deadline = Date.now() + START;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (child.isOver || Date.now() > deadline) throw new Error(`${what}:\n${child.said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The manifest of Mesa's software driver: another one than Chromium's SwiftShader, and the same on every machine. */
function lavapipe() {
  const folder = '/usr/share/vulkan/icd.d';
  const name = existsSync(folder) && readdirSync(folder).find((name) => /^lvp_icd.*\.json$/.test(name));
  return name ? join(folder, name) : undefined;
}

async function launchFirefox({ proxy } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'kinglet-firefox-'));
  writeFileSync(join(profile, 'user.js'), Object.entries(FIREFOX_PREFS).map(([k, v]) => `user_pref("${k}", ${v});\n`).join(''));
  const driver = lavapipe();
  const env = driver ? { ...process.env, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver } : process.env;
  const child = start(FIREFOX, ['--headless', '--marionette', '--remote-allow-system-access', '--no-remote', '--profile', profile], { env });
  const close = async () => {
    await ended(child);
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 }); // its other processes may still write
  };
  try {
    const file = join(profile, 'MarionetteActivePort');
    const port = await until(child, 'Firefox did not start', () => (existsSync(file) && Number(readFileSync(file, 'utf8'))) || undefined);
    const command = await marionette(port);
    await command('WebDriver:NewSession', { timeouts: { script: SCRIPT }, ...through(proxy) });
    const names = { url: 'WebDriver:Navigate', 'execute/async': 'WebDriver:ExecuteAsyncScript' };
    const run = async (name, parameters) => (await command(names[name], parameters))?.value;
    const browser = new Browser(run, close);
    // A page is not told what the adapter is; the browser's own scripts are.
    browser.adapter = async () => {
      await command('Marionette:SetContext', { value: 'chrome' });
      try {
        return await browser.evaluate(adapterOf);
      } finally {
        await command('Marionette:SetContext', { value: 'content' });
      }
    };
    return browser;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Messages are `LENGTH:JSON`; a command is `[0, id, name, parameters]`, its answer `[1, id, error, result]`. */
async function marionette(port) {
  const socket = connect(port, '127.0.0.1');
  const pending = new Map();
  let held = Buffer.alloc(0);
  let lastId = 0;
  let greeted;
  const greeting = new Promise((resolve) => (greeted = resolve));
  socket.on('data', (data) => {
    held = Buffer.concat([held, data]);
    for (;;) {
      const colon = held.indexOf(':');
      const length = Number(held.subarray(0, colon));
      if (colon < 0 || held.length < colon + 1 + length) return;
      const message = JSON.parse(held.subarray(colon + 1, colon + 1 + length).toString());
      held = held.subarray(colon + 1 + length);
      if (!Array.isArray(message)) {
        greeted();
        continue;
      }
      const [, id, error, result] = message;
      const { resolve, reject } = pending.get(id);
      pending.delete(id);
      if (error) reject(new Error(`${error.error}: ${error.message}`));
      else resolve(result);
    }
  });
  socket.on('error', () => undefined); // what waits fails when the socket closes
  socket.on('close', () => {
    for (const { reject } of pending.values()) reject(new Error('Firefox has ended'));
  });
  await greeting;
  return (name, parameters) =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      pending.set(id, { resolve, reject });
      const text = JSON.stringify([0, id, name, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
}

/** How often WebKit is started: sometimes MiniBrowser never answers its driver (seen twice in some hundred launches). */
const TRIES = 3;
/** Milliseconds in which a session begins; one second is usual. */
const SESSION = 40_000;

async function launchWebKit(options) {
  for (let n = 1; ; n++) {
    try {
      return await launchWebKitOnce(options);
    } catch (error) {
      if (error.cause?.name !== 'TimeoutError' || n === TRIES) throw error;
      console.error(`${error.message}; once more`);
    }
  }
}

async function launchWebKitOnce({ proxy } = {}) {
  const children = [];
  const close = async () => {
    for (const child of children.toReversed()) await ended(child);
  };
  try {
    const xvfb = start(XVFB, ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp']);
    children.push(xvfb);
    const display = await until(xvfb, 'Xvfb did not start', () => /^\d+\n/m.exec(xvfb.said)?.[0].trim());
    const port = await freePort();
    const env = { ...process.env, DISPLAY: `:${display}`, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' };
    const driver = start(WEBKIT, [`--port=${port}`], { env });
    children.push(driver);
    const post = async (path, body, limit) => {
      const signal = limit && AbortSignal.timeout(limit);
      const silent = (cause) => {
        throw new Error(`WebKit did not answer "${path}" (${cause.name}): ${driver.said || 'it said nothing'}`, { cause });
      };
      const response = await fetch(`http://127.0.0.1:${port}/${path}`, { method: 'POST', body: JSON.stringify(body), signal }).catch(silent);
      const { value } = await response.json();
      if (!response.ok) throw new Error(`${value.error}: ${value.message}\n${driver.said}`);
      return value;
    };
    await until(driver, 'WebKitWebDriver did not start', () => fetch(`http://127.0.0.1:${port}/status`).then(() => true, () => undefined));
    const alwaysMatch = { timeouts: { script: SCRIPT }, ...through(proxy) };
    const { sessionId } = await post('session', { capabilities: { alwaysMatch } }, SESSION);
    const quit = async () => {
      await fetch(`http://127.0.0.1:${port}/session/${sessionId}`, { method: 'DELETE' }).catch(() => undefined);
      await close();
    };
    return new Browser((name, parameters) => post(`session/${sessionId}/${name}`, parameters), quit);
  } catch (error) {
    await close();
    throw error;
  }
}

/** The capability for a proxy on this port, if there is one. */
function through(port) {
  const address = `127.0.0.1:${port}`;
  return port ? { proxy: { proxyType: 'manual', httpProxy: address, sslProxy: address, noProxy: ['localhost', '127.0.0.1'] } } : {};
}

/** A port on which nobody listens now. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
