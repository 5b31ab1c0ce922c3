// The store in real browsers, through the built package: OPFS in Chromium and Firefox, IndexedDB in WebKitGTK. A model is
// downloaded once, survives what happens to tabs, and is there when the server is not.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, missing, notBuilt, openPage, openProfile } from './support/browser.mjs';
import { EXPOSE, LAUNCHERS, ready } from './support/browsers.mjs';
import { DESK, noDesk } from './support/desk.mjs';
import { startFaults } from './support/faults.mjs';
import { llamaModel } from './support/gguf.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? noDesk() ?? false;
const MIB = 1 << 20;
/** How often a tab is closed during a download. */
const CLOSINGS = process.env.KINGLET_SOAK ? 50 : 3;
/** What a page of another origin must be allowed to see. */
const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'ETag, Content-Range, Content-Length, Content-Encoding, Accept-Ranges',
};

/** A worker of a later version. */
const UPGRADE = `
  import { Opfs } from '/pkg/dist/store/opfs.js';
  import { WebLocks } from '/pkg/dist/store/locks.js';
  import { Store } from '/pkg/dist/store/store.js';
  (await Store.open(await Opfs.find(), WebLocks.find(), 4)).close();
  postMessage('done');`;

let server; // the pages
let browser;
let desk;
let large; // some 40 MiB
before(async () => {
  if (noDesk()) return;
  desk = readFileSync(DESK);
  const model = llamaModel({ n_embd: 512, n_ff: 2048, n_layer: 9 });
  const pieces = [];
  for await (const piece of model.stream(0, model.size)) pieces.push(piece);
  large = Buffer.concat(pieces);
  assert.ok(large.length > 30 * MIB, `${large.length} bytes`);
  server = await startServer(new Map(), { scripts: new Map([['/expose.js', EXPOSE], ['/upgrade.js', UPGRADE]]) });
  if (!skip) browser = await launch();
});
after(() => Promise.all([browser?.close(), server?.close()]));

/** A server of models with faults. */
async function serving(t, file, fault) {
  const faults = await startFaults(file, fault, CORS);
  t.after(() => faults.close());
  return faults;
}

/** On a page: loads a model and lets it say something. */
async function ask({ model, options = {} }) {
  const { createKinglet } = globalThis.kinglet ?? (await import('/pkg/dist/index.js'));
  const notices = [];
  const phases = [];
  const began = performance.now();
  try {
    const engine = await createKinglet({
      model,
      backend: 'cpu',
      context: 64,
      threads: 1,
      retry: { attempts: 4, backoffMs: 20, stallMs: 5000 }, // on a busy machine an answer may take a while, and requests are counted
      onNotice: ({ code }) => notices.push(code),
      onProgress: ({ phase, loaded, total }) => phases.push([phase, loaded, total]),
      ...options,
    });
    const ms = performance.now() - began;
    const answer = await engine.completions.create({ prompt: 'hello', max_tokens: 3, temperature: 0, logprobs: 1 });
    engine.dispose();
    return { said: JSON.stringify(answer.choices[0].logprobs ?? answer.choices[0].text), notices, phases, ms };
  } catch ({ code, detail, message }) {
    return { code, detail, message, notices, phases };
  }
}

/** On a page: what the store has, and what lies in its folders. */
async function look() {
  const { modelStore } = globalThis.kinglet ?? (await import('/pkg/dist/index.js'));
  const names = { records: [], files: [] };
  const root = await navigator.storage?.getDirectory?.().catch(() => undefined);
  const folder = await root?.getDirectoryHandle('kinglet', { create: true });
  for (const name of folder ? ['records', 'files'] : []) {
    for await (const key of (await folder.getDirectoryHandle(name, { create: true })).keys()) names[name].push(key);
  }
  return { list: await modelStore.list(), ...names };
}

/** A fresh profile with one page; more pages by `page()`. */
async function profile(t) {
  const { page, close } = await openPage(browser, server.origin);
  t.after(() => close().catch(() => undefined));
  const more = async () => {
    const other = await page.context().newPage();
    await other.goto(server.origin);
    await other.locator('body[data-ready]').waitFor();
    return other;
  };
  return { page, more };
}

const sum = (ranges) => ranges.reduce((all, [start, end]) => all + end - start, 0);

test('the second load reads the store, without a server; the page lists, inspects and removes', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const { page } = await profile(t);
  const model = `${faults.origin}/desk.gguf`;
  const first = await page.evaluate(ask, { model });
  assert.equal(first.code, undefined, first.message);
  await faults.close();
  const second = await page.evaluate(ask, { model });
  assert.equal(second.said, first.said, second.message);
  const { list, files } = await page.evaluate(look);
  assert.deepEqual(list.map(({ name, urls, length, stored, complete }) => ({ name, urls, length, stored, complete })), [
    { name: 'desk.gguf', urls: [model], length: desk.length, stored: desk.length, complete: true },
  ]);
  assert.equal(files.length, 1);
  const rest = await page.evaluate(async (model) => {
    const { modelStore } = await import('/pkg/dist/index.js');
    const [inspected] = await modelStore.inspect(model);
    const estimate = await modelStore.estimate();
    return { inspected, estimate, persisted: await modelStore.persist(), removed: await modelStore.delete('desk.gguf'), again: await modelStore.delete(model) };
  }, model);
  assert.deepEqual([rest.inspected.damaged, rest.removed, rest.again], [[], 1, 0]);
  assert.ok(rest.estimate.available > desk.length && rest.estimate.usage >= desk.length, JSON.stringify(rest.estimate));
  const { list: left, records, files: none } = await page.evaluate(look);
  assert.deepEqual([left, records.filter((name) => name.startsWith('file')), none], [[], [], []]);
});

test('a model with a name is found though its address has changed, and is listed and removed by it', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const { page } = await profile(t);
  const first = await page.evaluate(ask, { model: { url: `${faults.origin}/desk.gguf?signed=1`, name: 'mine' } });
  assert.equal(first.code, undefined, first.message);
  await faults.close();
  const second = await page.evaluate(ask, { model: { url: `${faults.origin}/desk.gguf?signed=2`, name: 'mine' } });
  assert.equal(second.said, first.said, second.message);
  const { list } = await page.evaluate(look);
  assert.deepEqual(list.map(({ name, urls }) => [name, urls]), [['mine', ['name:mine']]]);
  const removed = await page.evaluate(async (url) => {
    const { modelStore } = await import('/pkg/dist/index.js');
    return modelStore.delete({ url, name: 'mine' });
  }, `${faults.origin}/desk.gguf?signed=3`);
  assert.equal(removed, 1);
});

const FAULTS = {
  'cuts every answer': () => ({ cut: 900_000 }),
  'stalls': (n) => (n < 2 ? { stall: 300_000 } : {}),
  'knows no ranges, and cuts': (n) => ({ ignoresRange: true, cut: n === 0 ? 3_000_000 : Infinity }),
  'is busy': (n) => (n === 1 ? { status: 503 } : {}),
};
for (const [name, fault] of Object.entries(FAULTS)) {
  test(`a server that ${name}: the model answers the same, from the store, too`, { skip, timeout: 300_000 }, async (t) => {
    const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }), fault);
    const { page } = await profile(t);
    const model = `${faults.origin}/desk.gguf`;
    const first = await page.evaluate(ask, { model });
    assert.equal(first.code, undefined, first.message);
    await faults.close();
    assert.equal((await page.evaluate(ask, { model })).said, first.said);
  });
}

test('a file that changes while it is loaded: the load begins anew, with the new file', { skip, timeout: 300_000 }, async (t) => {
  let now = { bytes: large, etag: '"1"' };
  const other = Buffer.from(large);
  for (let at = other.length - 20 * MIB; at < other.length; at += 34) other[at] ^= 1; // some scale or weight of each block
  const faults = await serving(t, () => now, (n) => {
    if (n === 1) now = { bytes: other, etag: '"2"' }; // the next request gets that
    return { pace: 1 };
  });
  const { page } = await profile(t);
  const model = `${faults.origin}/large.gguf`;
  const got = await page.evaluate(ask, { model });
  assert.equal(got.code, undefined, got.message);
  const [start, end] = [other.length - 1000, other.length];
  const stored = await page.evaluate(async ([start, end]) => {
    const folder = await (await (await navigator.storage.getDirectory()).getDirectoryHandle('kinglet')).getDirectoryHandle('files');
    for await (const handle of folder.values()) return [...new Uint8Array(await (await handle.getFile()).slice(start, end).arrayBuffer())];
  }, [start, end]);
  assert.ok(Buffer.compare(Buffer.from(stored), other.subarray(start, end)) === 0);
});

test('wrong bytes: hash_mismatch where the hash is known, bad_file where it is no model; nothing is kept', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }), () => ({ wrong: (body, start) => Buffer.from(body).fill(start === 0 ? body[0] ^ 1 : body[0], 0, 1) }));
  const { page } = await profile(t);
  const url = `${faults.origin}/desk.gguf`;
  assert.equal((await page.evaluate(ask, { model: url })).code, 'bad_file');
  assert.deepEqual((await page.evaluate(look)).files, []);
  const right = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const model = { url: `${right.origin}/desk.gguf`, sha256: '0'.repeat(64) };
  const got = await page.evaluate(ask, { model });
  assert.deepEqual([got.code, got.detail.expected], ['hash_mismatch', '0'.repeat(64)]);
  assert.deepEqual((await page.evaluate(look)).files, []);
  assert.equal((await page.evaluate(ask, { model: { ...model, sha256: got.detail.got } })).code, undefined);
});

test(`a tab that is closed at any moment of a download: the next one goes on (${CLOSINGS} times)`, { skip, timeout: 120_000 * CLOSINGS }, async (t) => {
  const faults = await serving(t, () => ({ bytes: large, etag: '"1"' }), () => ({ pace: 4 }));
  const { page, more } = await profile(t);
  const model = `${faults.origin}/large.gguf`;
  let kept = 0;
  for (let closing = 0; closing < CLOSINGS; closing++) {
    faults.asked.length = 0;
    const tab = await more();
    const loading = tab.evaluate(ask, { model }).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300 + 1700 * ((closing * 0.618) % 1)));
    await tab.close();
    await loading;
    await page.evaluate((model) => navigator.locks.request(`kinglet:source-${model}`, () => undefined), model); // until its worker has ended, too
    const [file] = (await page.evaluate(look)).list;
    assert.ok((file?.stored ?? 0) >= kept, `after ${closing}: ${file?.stored} bytes, ${kept} before`);
    kept = file?.stored ?? 0;
    if (file?.complete) {
      assert.equal((await page.evaluate(ask, { model })).code, undefined);
      await page.evaluate(async () => (await import('/pkg/dist/index.js')).modelStore.delete('large.gguf'));
      kept = 0;
    }
  }
  faults.asked.length = 0;
  const last = await page.evaluate(ask, { model });
  assert.equal(last.code, undefined, last.message);
  const asked = sum(faults.asked);
  // Of a file that was complete, and removed, nothing is known: the first request is for all of it, and ends with its first run.
  const rest = kept > 0 ? large.length - kept : 2 * large.length - 16 * MIB;
  assert.equal(asked, rest, 'what was kept is not asked for again');
  t.diagnostic(`${kept} bytes were kept, ${large.length - kept} missing, ${asked} asked for`);
  await faults.close();
  const [{ damaged, complete }] = await page.evaluate(async () => (await import('/pkg/dist/index.js')).modelStore.inspect('large.gguf'));
  assert.deepEqual([damaged, complete], [[], true]);
  assert.equal((await page.evaluate(ask, { model })).said, last.said);
});

test('two tabs at once download once, and both answer', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: large, etag: '"1"' }), () => ({ pace: 1 }));
  const { page, more } = await profile(t);
  const other = await more();
  const model = `${faults.origin}/large.gguf`;
  const [one, two] = await Promise.all([page.evaluate(ask, { model }), other.evaluate(ask, { model })]);
  assert.deepEqual([one.code, two.code], [undefined, undefined], one.message ?? two.message);
  assert.equal(one.said, two.said);
  const starts = faults.asked.map(([start]) => start);
  assert.equal(new Set(starts).size, starts.length, JSON.stringify(faults.asked));
  const busy = await Promise.all([page.evaluate(ask, { model }), other.evaluate(ask, { model })]);
  assert.deepEqual(busy.map(({ said }) => said), [one.said, one.said]);
});

test('who waits for another tab says so, can be aborted, and does not wait for ever to look at the store', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const { page } = await profile(t);
  const model = `${faults.origin}/desk.gguf`;
  const got = await page.evaluate(async (model) => {
    const { createKinglet, modelStore } = await import('/pkg/dist/index.js');
    const held = (name) => new Promise((resolve) => navigator.locks.request(name, () => new Promise((release) => resolve(release))));
    const waits = async (why) => {
      const said = [];
      const control = new AbortController();
      // A lock that comes late on a busy machine is said to be waited for, too.
      const onProgress = ({ phase, text, file }) => phase === 'wait' && text.includes(why) && (said.push([text, file]), control.abort());
      const code = await createKinglet({ model, backend: 'cpu', threads: 1, onProgress, signal: control.signal }).then(() => 'loaded', ({ code }) => code);
      return [code, said[0]];
    };
    const file = await held(`kinglet:source-${model}`);
    const download = await waits('downloading');
    file();
    const store = await held('kinglet:store');
    const session = await waits('the store');
    const list = await modelStore.list().catch(({ code }) => code);
    store();
    return { download, session, list, after: await modelStore.list() };
  }, model);
  assert.deepEqual(got.download, ['aborted', ['waiting: another tab is downloading desk.gguf', 'desk.gguf']]);
  assert.deepEqual([got.session[0], got.session[1][1], got.list, got.after], ['aborted', 'desk.gguf', 'store_busy', []]);
  assert.equal((await page.evaluate(ask, { model })).code, undefined);
});

test('a model of which a part is there has its room already', { skip, timeout: 300_000 }, async (t) => {
  let pace = 100; // some 16 s: the tab is closed long before its half
  const faults = await serving(t, () => ({ bytes: large, etag: '"1"' }), () => ({ pace }));
  const { page, close } = await openProfile(server.origin);
  t.after(close);
  const model = `${faults.origin}/large.gguf`;
  const tab = await page.context().newPage();
  await tab.goto(server.origin);
  await tab.locator('body[data-ready]').waitFor();
  const loading = tab.evaluate(ask, { model }).catch(() => undefined);
  while (!((await page.evaluate(look)).list[0]?.stored > 0)) await new Promise((resolve) => setTimeout(resolve, 50));
  await tab.close();
  await loading;
  pace = 0;
  const { status, reason, download } = await page.evaluate(async ([model, quota]) => {
    const { availability } = await import('/pkg/dist/index.js');
    let usage;
    // A file that is open for writing counts with what the browser has put by for it: until the closed tab's worker has ended.
    for (;;) {
      ({ usage } = await navigator.storage.estimate());
      if (usage < quota) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    navigator.storage.estimate = async () => ({ usage, quota }); // browsers do not say how little is left
    return availability({ model, backend: 'cpu', threads: 1, context: 64, host: 'here' });
  }, [model, large.length + 4 * MIB]);
  assert.equal(status, 'downloadable', reason);
  assert.ok(download.needed > 20 * MIB && download.needed < download.available, JSON.stringify(download));
  assert.equal((await page.evaluate(ask, { model })).code, undefined);
});

test('a damaged chunk in OPFS is repaired alone; a file that is gone is announced and fetched again', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: large, etag: '"1"' }));
  const { page } = await profile(t);
  const model = `${faults.origin}/large.gguf`;
  const first = await page.evaluate(ask, { model });
  const damage = async (at) => {
    const folder = await (await (await navigator.storage.getDirectory()).getDirectoryHandle('kinglet')).getDirectoryHandle('files');
    for await (const handle of folder.values()) {
      if (at === undefined) {
        await folder.removeEntry(handle.name);
      } else {
        const writable = await handle.createWritable({ keepExistingData: true });
        await writable.write({ type: 'write', position: at, data: new Uint8Array([1, 2, 3, 4]) });
        await writable.close();
      }
    }
  };
  await page.evaluate(damage, 5 * 4 * MIB + 99);
  faults.asked.length = 0;
  const repaired = await page.evaluate(ask, { model });
  assert.deepEqual([repaired.said, repaired.notices, faults.asked], [first.said, ['chunk_repaired'], [[5 * 4 * MIB, 6 * 4 * MIB]]], repaired.message);
  const whole = await page.evaluate(ask, { model });
  assert.deepEqual([whole.said, whole.notices, faults.asked.length], [first.said, [], 1]);
  await page.evaluate(damage);
  const evicted = await page.evaluate(ask, { model });
  assert.deepEqual([evicted.said, evicted.notices], [first.said, ['storage_evicted']], evicted.message);
});

test('availability: a stored file of another hash stays and is downloadable; what the browser has removed is so, too, and announced by the load', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const { page } = await profile(t);
  const url = `${faults.origin}/desk.gguf`;
  const available = (model) => page.evaluate(async (model) => {
    const { availability } = await import('/pkg/dist/index.js');
    return availability({ model, backend: 'cpu', threads: 1, context: 64 });
  }, model);
  const sha256 = createHash('sha256').update(desk).digest('hex');
  const other = 'a'.repeat(64);
  const hashes = async () => (await page.evaluate(look)).list.map(({ complete, sha256 }) => [complete, sha256]);
  assert.equal((await page.evaluate(ask, { model: url })).code, undefined);
  assert.equal((await available({ url, sha256: other })).status, 'available', 'not known yet, and not computed for a question');
  assert.deepEqual(await hashes(), [[true, undefined]]);
  assert.equal((await page.evaluate(ask, { model: { url, sha256 } })).code, undefined);
  assert.equal((await available({ url, sha256: sha256.toUpperCase() })).status, 'available');
  const changed = await available({ url, sha256: other });
  assert.deepEqual([changed.status, changed.download?.needed], ['downloadable', desk.length], changed.reason);
  assert.deepEqual(await hashes(), [[true, sha256]]);
  await page.evaluate(async () => {
    const folder = await (await (await navigator.storage.getDirectory()).getDirectoryHandle('kinglet')).getDirectoryHandle('files');
    for await (const name of folder.keys()) await folder.removeEntry(name);
  });
  const evicted = await available(url);
  assert.deepEqual([evicted.status, evicted.download?.needed], ['downloadable', desk.length], evicted.reason);
  assert.deepEqual((await page.evaluate(ask, { model: url })).notices, ['storage_evicted']);
});

test('a small quota: quota_exceeded with needed and available before anything is downloaded, and nothing is left behind', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: large, etag: '"1"' }), () => ({ pace: 1 }));
  // A profile on the disk: in private windows Chromium takes room only as it is written to.
  const { page, close } = await openProfile(server.origin);
  t.after(close);
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 20 * MIB });
  const model = `${faults.origin}/large.gguf`;
  const nothing = async (page) => {
    const { list, files, records } = await page.evaluate(look);
    assert.deepEqual([list, files, records.filter((name) => name.startsWith('file'))], [[], [], []]);
  };
  const { code, detail, phases } = await page.evaluate(ask, { model });
  assert.deepEqual([code, detail.needed, faults.asked.length], ['quota_exceeded', large.length, 1]);
  assert.ok(detail.available > 15 * MIB && detail.available <= 20 * MIB, `${detail.available} bytes available`);
  assert.ok(phases.every(([, loaded]) => loaded === 0), JSON.stringify(phases));
  await nothing(page);
  assert.equal((await page.evaluate(ask, { model, options: { store: 'none' } })).code, undefined);

  const secret = await profile(t);
  const other = await secret.page.context().newCDPSession(secret.page);
  await other.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 20 * MIB });
  assert.equal((await secret.page.evaluate(ask, { model })).code, 'quota_exceeded');
  await nothing(secret.page);
});

test('tabs of two versions: the newer store is left alone, by loading and by listing', { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const { page, more } = await profile(t);
  const model = `${faults.origin}/desk.gguf`;
  assert.equal((await page.evaluate(ask, { model })).code, undefined);
  const newer = await more();
  // What a later version of the package will do: raise the version when no older tab has a session.
  await newer.evaluate(async () => {
    const worker = new Worker('/upgrade.js', { type: 'module' });
    await new Promise((resolve, reject) => ((worker.onmessage = resolve), (worker.onerror = reject)));
    worker.terminate();
  });
  const before = await page.evaluate(async () => (await (await navigator.storage.getDirectory()).getDirectoryHandle('kinglet')).getDirectoryHandle('records').then(async (folder) => {
    const all = [];
    for await (const handle of folder.values()) all.push([handle.name, await (await handle.getFile()).text()]);
    return all.sort();
  }));
  const { code, detail } = await page.evaluate(ask, { model });
  assert.deepEqual([code, detail], ['store_newer', { found: 4, supported: 3 }]);
  assert.equal(await page.evaluate(async () => (await import('/pkg/dist/index.js')).modelStore.list().catch(({ code }) => code)), 'store_newer');
  assert.ok(before.length > 1);
  assert.equal((await page.evaluate(ask, { model, options: { store: 'none' } })).code, undefined);
});

test("the caller's own fetch, a stream, a file handle and a directory handle: the same answer; the stream is kept by its hash", { skip, timeout: 300_000 }, async (t) => {
  const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }));
  const { page } = await profile(t);
  const url = `${faults.origin}/desk.gguf`;
  const said = (await page.evaluate(ask, { model: url, options: { store: 'none' } })).said;
  const sha256 = createHash('sha256').update(desk).digest('hex');
  const got = await page.evaluate(async ({ url, sha256 }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const asked = [];
    const own = async (address, init) => (asked.push(new Headers(init.headers).get('x-who')), fetch(url, { ...init, headers: { range: new Headers(init.headers).get('range') } }));
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('mine', { create: true });
    const handle = await folder.getFileHandle('m.gguf', { create: true });
    await (await fetch(url)).body.pipeTo(await handle.createWritable());
    const answer = async (model, options = {}) => {
      const engine = await createKinglet({ model, backend: 'cpu', context: 64, threads: 1, ...options });
      const { choices } = await engine.completions.create({ prompt: 'hello', max_tokens: 3, temperature: 0, logprobs: 1 });
      engine.dispose();
      return JSON.stringify(choices[0].logprobs ?? choices[0].text);
    };
    const stream = async () => (await fetch(url)).body;
    const silent = () => new ReadableStream({ pull: () => new Promise(() => undefined) });
    return {
      asked,
      answers: [
        await answer('https://somewhere.example/m.gguf', { fetch: own, headers: { 'x-who': 'me' } }),
        await answer(handle),
        await answer(folder),
        await answer(await stream(), { store: 'none' }),
        await answer({ stream: await stream(), name: 's.gguf', sha256 }),
        await answer({ stream: silent(), name: 's.gguf', sha256 }), // from the store: this one never says anything
      ],
    };
  }, { url, sha256 });
  assert.deepEqual(got.answers, got.answers.map(() => said));
  assert.ok(got.asked.length > 0 && got.asked.every((who) => who === 'me'), JSON.stringify(got.asked));
});

for (const [name, { missing: absent, launch: start }] of Object.entries(LAUNCHERS).filter(([name]) => name !== 'chromium')) {
  const kind = name === 'webkit' ? 'indexeddb' : 'opfs';
  test(`${name}: a model is kept in ${kind}, and is there without a server`, { skip: absent() ?? notBuilt() ?? noDesk() ?? false, timeout: 300_000 }, async (t) => {
    const faults = await serving(t, () => ({ bytes: desk, etag: '"1"' }), () => ({ cut: 2_000_000, pace: 5 }));
    const other = await start();
    t.after(() => other.close());
    await other.goto(server.origin);
    await other.evaluate(ready);
    const model = `${faults.origin}/desk.gguf`;
    const first = await other.evaluate(ask, { model, options: { store: kind } });
    assert.equal(first.code, undefined, first.message);
    assert.ok(faults.asked.length > 2, 'it was resumed');
    await faults.close();
    const second = await other.evaluate(ask, { model });
    assert.equal(second.said, first.said, second.message);
    const { list, files } = await other.evaluate(look);
    assert.deepEqual([list.length, list[0].complete, list[0].stored, files.length], [1, true, desk.length, kind === 'opfs' ? 1 : 0]);
    // The page finds what was kept in another place than the one that is taken by itself.
    const everywhere = () => import('/pkg/dist/index.js').then(({ modelStore }) => modelStore.list()).then((list) => list.map(({ store }) => store));
    assert.deepEqual(await other.evaluate(everywhere), [kind]);
    const elsewhere = await other.evaluate(ask, { model, options: { store: kind === 'opfs' ? 'indexeddb' : 'opfs' } });
    assert.equal(elsewhere.code, kind === 'opfs' ? 'io' : 'store_unavailable', elsewhere.message);
  });
}
