// One engine for several tabs (host "shared"), in Chromium: what is shared, whose turn it is, tabs that go away, a worker
// that dies, and browsers that lack something.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing } from './support/browser.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing() ?? false;
const MODEL = '/models/small.gguf';
const SMALL = { prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 };
/** See browsers.test.mjs. */
const SMALL_TEXT = '\ufffd{\ufffdviiiiirrrr%%';
/** Appended to the shared worker: it can be ended in two ways. */
const MORTAL = `
  const wait = globalThis.setTimeout;
  const [born, channel] = [Math.random(), new BroadcastChannel('shared')];
  channel.onmessage = ({ data }) => {
    if (data === 'close') close();
    else if (data === 'throw') wait(() => { throw new Error('thrown by the test'); }, 0);
    else channel.postMessage(born);
  };`;
/** The same, and its patience is so many times less than it was. */
const hasty = (times) => `${MORTAL}\n  globalThis.setTimeout = (work, ms) => wait(work, ms / ${times});`;
const BLIND = '\ndelete WorkerNavigator.prototype.gpu;';

let browser;
const servers = {};
before(async () => {
  if (skip) return;
  browser = await launch();
  const models = new Map([['small.gguf', fileModel(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url)))]]);
  for (const [name, code] of [['plain', ''], ['mortal', MORTAL], ['impatient', hasty(100)], ['fleeting', hasty(5)], ['blind', BLIND]]) {
    servers[name] = await startServer(models, { scripts: new Map([['/pkg/dist/shared.js', code]]) });
  }
});
after(async () => {
  await browser?.close();
  await Promise.all(Object.values(servers).map((server) => server.close()));
});

/** `count` tabs of one profile at a server; all have `open(options)`, which puts the engine into `globalThis.engine`. */
async function tabs(t, server, count, init) {
  const context = await browser.newContext();
  t.after(() => context.close());
  if (init) await context.addInitScript(init);
  const open = async () => {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(servers[server].origin);
    await page.locator('body[data-ready]').waitFor();
    await page.evaluate((model) => {
      globalThis.open = async (options) => {
        const { createKinglet } = await import('/pkg/dist/index.js');
        globalThis.notices = [];
        const onNotice = ({ code }) => globalThis.notices.push(code);
        globalThis.engine = await createKinglet({ model, host: 'shared', backend: 'cpu', cacheType: 'f32', onNotice, ...options });
        return globalThis.engine.info;
      };
      globalThis.ask = async (request) => (await globalThis.engine.completions.create(request)).choices[0].text;
    }, MODEL);
    return page;
  };
  return Promise.all(Array.from({ length: count }, open));
}

const open = (page, options = {}) => page.evaluate((options) => globalThis.open(options), options);
const ask = (page, request = SMALL) => page.evaluate((request) => globalThis.ask(request), request);
/** Resolves when the engine has heard what this page has asked for so far. */
const heard = (page) => page.evaluate(() => globalThis.engine.stats()).then(() => undefined);
/** Begins an answer that is never read to its end; with `pull` it is pulled for ever. */
const leaveLying = (page) =>
  page.evaluate(async () => {
    globalThis.left = await globalThis.engine.completions.create({ prompt: 'a', max_tokens: 100_000, kinglet: { context_shift: true }, temperature: 0, stream: true });
    await globalThis.left.next();
  });

test('two tabs have one engine: loaded once, both answered; other options have another', { skip }, async (t) => {
  const [a, b, c] = await tabs(t, 'plain', 3);
  const asked = () => servers.plain.asked.filter((url) => url === MODEL).length;
  const before = asked();
  const infos = await Promise.all([open(a), open(b)]);
  for (const { host, threads, backend } of infos) assert.deepEqual([host, threads, backend], ['shared', 1, 'cpu']);
  const loaded = asked() - before;
  assert.deepEqual(await Promise.all([ask(a), ask(b)]), [SMALL_TEXT, SMALL_TEXT]);
  assert.ok(loaded > 0);
  await open(c, { context: 64, threads: 2 });
  assert.equal(asked() - before, loaded, 'the second engine has the model from the store');
  assert.equal(await ask(c), SMALL_TEXT);
  const { threads, threads_why } = await c.evaluate(() => globalThis.engine.info);
  assert.equal(threads, 1);
  assert.match(threads_why, /cannot start a worker/); // Chromium's shared workers have no workers of their own
});

test('the model is downloaded by a tab, once, and then read from the store, also without a server', { skip }, async (t) => {
  const name = 'once.gguf';
  servers.plain.models.set(name, servers.plain.models.get('small.gguf'));
  const [a, b] = await tabs(t, 'plain', 2);
  const downloaded = await a.evaluate(async (model) => {
    const seen = [];
    await globalThis.open({ model, onProgress: ({ phase, loaded, total }) => phase === 'download' && loaded === total && seen.push(total) });
    return Math.max(...seen);
  }, `/models/${name}`);
  assert.equal(downloaded, servers.plain.models.get(name).size);
  servers.plain.models.delete(name);
  await b.evaluate((model) => globalThis.open({ model, context: 96 }), `/models/${name}`); // an engine of its own
  assert.equal(await ask(b), SMALL_TEXT);
  const stored = await a.evaluate(async () => {
    let bytes = 0;
    const files = await (await (await navigator.storage.getDirectory()).getDirectoryHandle('kinglet')).getDirectoryHandle('files');
    for await (const handle of files.values()) bytes += (await handle.getFile()).size;
    return bytes;
  });
  assert.ok(stored > 10_000, `${stored} bytes`);
});

test('what a tab gives by itself stays its own: a stream, its own fetch', { skip }, async (t) => {
  const [a, b] = await tabs(t, 'plain', 2);
  const streamed = (page, context) =>
    page.evaluate(
      async ({ model, context }) => {
        const { body } = await fetch(model);
        const { host } = await globalThis.open({ model: { stream: body, name: 'x.gguf' }, context, store: 'none' });
        return [host, globalThis.engine.info.context];
      },
      { model: MODEL, context },
    );
  assert.deepEqual(await Promise.all([streamed(a, 64), streamed(b, 64)]), [['shared', 64], ['shared', 64]]);
  await a.close(); // b's engine came from b's stream
  assert.equal(await ask(b), SMALL_TEXT);
  for (const host of ['shared', 'here']) {
    const asked = await b.evaluate(async (host) => {
      const urls = [];
      const own = (url, init) => (urls.push(new URL(url).pathname), fetch('/models/small.gguf', init));
      await globalThis.open({ host, model: `/elsewhere/${host}.gguf`, fetch: own });
      return urls;
    }, host);
    assert.ok(asked.length > 0 && asked.every((path) => path === `/elsewhere/${host}.gguf`), asked.join());
    assert.equal(await ask(b), SMALL_TEXT);
  }
});

test('the engine of a shared worker computes on the GPU', { skip }, async (t) => {
  const [page] = await tabs(t, 'plain', 1);
  const { host, backend, adapter } = await open(page, { backend: 'gpu' });
  assert.deepEqual([host, backend], ['shared', 'gpu']);
  assert.match(adapter, /swiftshader/i);
  assert.equal(await ask(page), SMALL_TEXT);
  assert.ok((await page.evaluate(() => globalThis.engine.stats())).dispatches > 16);
});

test('a tab with many requests does not hold up another', { skip }, async (t) => {
  const [many, one] = await tabs(t, 'plain', 2);
  await Promise.all([open(many), open(one)]);
  await leaveLying(many); // so that all the others wait
  const stamp = (page, count) =>
    page.evaluate(([request, count]) => Promise.all(Array.from({ length: count }, () => globalThis.ask(request).then(() => Date.now()))), [{ ...SMALL, max_tokens: 256, kinglet: { context_shift: true }, logit_bias: { 2: -100 } }, count]); // long ones: tabs hear of them late on a busy machine
  const all = stamp(many, 8);
  await heard(many);
  const alone = stamp(one, 1);
  await heard(one);
  await many.evaluate(() => globalThis.left.return());
  const [times, [first]] = await Promise.all([all, alone]);
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
  assert.ok(first <= times[1], `${times.filter((time) => time < first).length} of 8 went before`);
});

for (const [how, leave] of [
  ['is closed', (page) => page.close()],
  ['crashes', (page) => page.goto('chrome://crash').catch(() => undefined)],
  ['goes elsewhere', (page) => page.goto('about:blank')],
]) {
  test(`the answer of a tab that ${how} is stopped, and the next one begins`, { skip }, async (t) => {
    const [gone, stays] = await tabs(t, 'plain', 2);
    await Promise.all([open(gone), open(stays)]);
    await leaveLying(gone);
    const answer = ask(stays);
    const held = await Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve('held'), 300))]);
    assert.equal(held, 'held');
    answer.catch(() => undefined);
    await leave(gone);
    // The browser may have put the worker into the process of the tab that crashed: then the next request has a new one.
    const text = how === 'crashes' ? await answer.catch(() => ask(stays)) : await answer;
    assert.equal(text, SMALL_TEXT);
  });
}

test('an answer that is left lying gives way to another tab, and says so', { skip }, async (t) => {
  const [lazy, next] = await tabs(t, 'impatient', 2);
  await Promise.all([open(lazy), open(next)]);
  await leaveLying(lazy);
  assert.equal(await ask(next), SMALL_TEXT);
  const error = await lazy.evaluate(() => globalThis.left.next().then(() => 'went on', ({ code, message }) => ({ code, message })));
  assert.equal(error.code, 'aborted');
  assert.match(error.message, /another tab waited/);
  assert.equal(await ask(lazy), SMALL_TEXT);
});

for (const how of ['close', 'throw']) {
  test(`a shared worker that dies (${how}) is an error for what runs, and comes back for the next request`, { skip }, async (t) => {
    const [a, b] = await tabs(t, 'mortal', 2);
    await Promise.all([open(a), open(b)]);
    await leaveLying(a);
    const waits = ask(b).then(() => 'answered', (error) => String(error));
    await heard(b);
    await a.evaluate((how) => new BroadcastChannel('shared').postMessage(how), how);
    assert.match(await waits, /the worker failed/);
    const lost = await a.evaluate(() => globalThis.left.next().then(() => 'went on', ({ code }) => code));
    assert.equal(lost, 'worker_failed');
    assert.deepEqual(await Promise.all([ask(a), ask(b)]), [SMALL_TEXT, SMALL_TEXT]);
    assert.deepEqual(await Promise.all([a, b].map((page) => page.evaluate(() => globalThis.notices))), [['worker_restarted'], ['worker_restarted']]);
  });
}

test('the engine goes when nobody has wanted it for a while, and comes back when somebody does', { skip }, async (t) => {
  const [page] = await tabs(t, 'fleeting', 1);
  const born = () =>
    page.evaluate(() => {
      const channel = new BroadcastChannel('shared');
      channel.postMessage('when were you born?');
      return new Promise((resolve) => (channel.onmessage = ({ data }) => resolve(data)));
    });
  await open(page);
  const first = await born();
  await page.evaluate(() => globalThis.engine.dispose());
  await open(page);
  assert.equal(await born(), first, 'at once it is still there');
  await page.evaluate(() => globalThis.engine.dispose());
  // Its worker holds a lock as long as it lives.
  const lives = () => page.evaluate(async () => (await navigator.locks.query()).held.some(({ name }) => name.startsWith('kinglet shared worker')));
  assert.equal(await lives(), true);
  assert.equal(await eventually(lives, (is) => !is, 30_000), false);
  await open(page);
  assert.notEqual(await born(), first, 'after a while it is not');
  assert.equal(await ask(page), SMALL_TEXT);
});

test('the next page of the site has the engine at once', { skip }, async (t) => {
  const [page] = await tabs(t, 'plain', 1);
  await open(page);
  await page.goto(`${servers.plain.origin}/style.css`); // for a moment no page has it
  await page.goto(servers.plain.origin);
  const phases = await page.evaluate(async (model) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const seen = [];
    const options = { model, host: 'shared', backend: 'cpu', cacheType: 'f32', onProgress: ({ phase }) => seen.push(phase) };
    globalThis.engine = await createKinglet(options);
    return seen;
  }, MODEL);
  assert.deepEqual(phases, [], 'nothing had to be loaded');
});

test('where shared workers are missing, or have no WebGPU, "auto" takes a worker and "shared" is refused', { skip }, async (t) => {
  const code = (page, options) => page.evaluate((options) => globalThis.open(options).then(({ host }) => host, (error) => error.code), options);
  const [old] = await tabs(t, 'plain', 1, 'delete globalThis.SharedWorker;');
  assert.equal(await code(old, {}), 'unsupported_browser');
  assert.equal(await code(old, { host: 'auto' }), 'worker');
  const [broken] = await tabs(t, 'plain', 1, 'const Real = SharedWorker; globalThis.SharedWorker = function (_, options) { return new Real("/absent.js", options); };');
  assert.equal(await code(broken, {}), 'worker_failed');
  assert.equal(await code(broken, { host: 'auto' }), 'worker');
  const [blind] = await tabs(t, 'blind', 1);
  assert.equal(await code(blind, { backend: 'gpu' }), 'unsupported_browser');
  assert.equal(await code(blind, { backend: 'auto' }), 'unsupported_browser');
  assert.equal(await code(blind, { backend: 'auto', host: 'auto' }), 'worker');
  assert.equal(await code(blind, { backend: 'cpu', host: 'auto' }), 'shared');
});
