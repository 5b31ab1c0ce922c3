// Importing the package where there is no browser: nothing happens and nothing is thrown, for every subpath. And the
// engine itself in Node, in place (host "here").
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { notBuilt } from './support/browser.mjs';

const ROOT = new URL('../../pkg/', import.meta.url);
const { exports, sideEffects } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
const run = promisify(execFile);
/** Subpath to the file behind it. */
const entries = Object.entries(exports).map(([subpath, target]) => [subpath, typeof target === 'string' ? target : target.default]);
const scripts = entries.filter(([, file]) => file.endsWith('.js'));

/** In a process of its own: names of new globals, of listeners, and of what keeps the process alive, after the import. */
const PROBE = `
  const listened = [];
  globalThis.addEventListener = (type) => listened.push(type);
  const globals = new Set(Object.getOwnPropertyNames(globalThis));
  const listeners = () => process.eventNames().map(String);
  const before = listeners();
  await import(process.argv[1]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify({
    listened,
    globals: Object.getOwnPropertyNames(globalThis).filter((name) => !globals.has(name)),
    listeners: listeners().filter((name) => !before.includes(name)),
    alive: process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|FSReqPromise|Timeout|Immediate)$/.test(name)),
  }));`;

const QUIET = { listened: [], globals: [], listeners: [], alive: [] };

async function imported(url) {
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', PROBE, url]);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

test('every script that the package exports can be imported in Node, and does nothing', async () => {
  assert.ok(scripts.length >= 3, scripts.join());
  const seen = await Promise.all(scripts.map(([, file]) => imported(new URL(file, ROOT).href)));
  seen.forEach((what, i) => {
    const foreign = (name) => scripts[i][0] === './langchain' && /^(lc_|__zod_)/.test(name); // what @langchain/core itself registers
    assert.deepEqual({ ...what, globals: what.globals.filter((name) => !foreign(name)) }, QUIET, scripts[i][0]);
  });
  // The check can fail.
  const loud = await imported('data:text/javascript,globalThis.loud = 1; addEventListener("x", () => 0); process.on("beforeExit", () => 0)');
  assert.deepEqual(loud, { listened: ['x'], globals: ['loud'], listeners: ['beforeExit'], alive: [] });
});

test('the workers do nothing where they are not workers, and bundlers may not drop them', async () => {
  for (const name of ['worker', 'shared', 'shard']) {
    assert.deepEqual(await imported(new URL(`dist/${name}.js`, ROOT).href), QUIET, name);
    assert.ok(sideEffects.includes(`./dist/${name}.js`), name);
  }
});

test('the other exports are files that are there', () => {
  const others = entries.filter((entry) => !scripts.includes(entry));
  for (const [subpath, file] of others) assert.ok(readFileSync(new URL(file, ROOT)).length > 0, subpath);
});

test('the engine runs in Node, in place; two of them at once; and gives its memory back', { skip: notBuilt() ?? false }, async () => {
  const { createKinglet } = await import(new URL('dist/index.js', ROOT));
  const model = new Blob([readFileSync(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url)))]);
  const wasm = readFileSync(new URL('wasm/kinglet_bg.wasm', ROOT)).buffer;
  const open = () => createKinglet({ model, host: 'here', backend: 'cpu', cacheType: 'f32', wasm });
  const engines = await Promise.all([open(), open()]);
  const request = { prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 };
  const texts = await Promise.all(engines.map((engine) => engine.completions.create(request).then((answer) => answer.choices[0].text)));
  assert.deepEqual(texts, Array(2).fill('\ufffd{\ufffdviiiiirrrr%%')); // see browsers.test.mjs
  for (const { info } of engines) assert.deepEqual([info.host, info.threads], ['here', 1]);
  const running = engines[0].completions.create({ ...request, max_tokens: 100_000, kinglet: { context_shift: true } });
  running.catch(() => undefined);
  engines[0].dispose();
  await assert.rejects(running, { code: 'not_loaded' });
  assert.equal((await engines[1].completions.create(request)).choices[0].text, texts[0]);
  engines[1].dispose();
});
