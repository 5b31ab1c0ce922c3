// What the caller may call a model, and what stays on the page: without a browser, and without an engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKinglet } from '../../pkg/dist/index.js';
import { told } from '../../pkg/dist/progress.js';
import { LastingReader } from '../../pkg/dist/sources/lasting.js';
import { filesOf, loadModel, openSources } from '../../pkg/dist/sources/open.js';
import { readingOf, resolveModel } from '../../pkg/dist/sources/resolve.js';
import { keyOf } from '../../pkg/dist/sources/split.js';
import { abandon, isEmpty, supplied, supply } from '../../pkg/dist/sources/supply.js';
import { noise, startFaults } from './support/faults.mjs';

const BYTES = noise(3_000_000);
const SHA = 'a'.repeat(64);
const nothing = () => ({ fetch: undefined, streams: [] });
const urls = async (model, find) => (await resolveModel(model, nothing(), find)).map(({ url }) => url);

test('repositories, addresses, names', async () => {
  const hub = 'https://huggingface.co/owner/name/resolve';
  assert.deepEqual(await urls('hf:owner/name/a b/m.gguf'), [`${hub}/main/a%20b/m.gguf`]);
  assert.deepEqual(await urls('hf:owner/name@v1.0/m.gguf'), [`${hub}/v1.0/m.gguf`]);
  assert.deepEqual(await urls({ repo: 'owner/name', file: 'm.gguf', revision: 'refs/pr/1' }), [`${hub}/refs%2Fpr%2F1/m.gguf`]);
  assert.deepEqual(await urls({ repo: 'o/n', file: 'm.gguf', endpoint: 'http://localhost:1/x/' }), ['http://localhost:1/x/o/n/resolve/main/m.gguf']);
  assert.deepEqual(await urls([{ url: 'http://h/b.gguf' }, new URL('http://h/a.gguf')]), ['http://h/a.gguf', 'http://h/b.gguf']);
  assert.deepEqual(await urls('desk-nano', async (name) => `http://h/${name}`), ['http://h/desk-nano']);
  const [one] = await resolveModel({ url: 'http://h/m.gguf', sha256: SHA, headers: { Authorization: 'x' } }, nothing());
  assert.deepEqual([one.sha256, one.headers], [SHA, [['authorization', 'x']]]);
});

test('what is no model is named', async () => {
  const bad = ['hf:name/m.gguf', 'hf:owner/name', { repo: 'name', file: 'm' }, { repo: 'o/n', file: '../x' }, { repo: 'o/n', file: '' },
    { url: 'http://h/m', sha256: 'abc' }, { stream: 7 }, { wrong: 1 }, {}, null, 7, []];
  for (const model of bad) {
    await assert.rejects(resolveModel(model, nothing()), (error) => error.code === 'invalid_request' && error.detail.param === 'model', JSON.stringify(model));
  }
  assert.throws(() => readingOf({ store: 'cookies' }), (error) => error.code === 'invalid_request' && error.detail.param === 'store');
});

test('the store knows a file by its address, or by the name that it was given: then the address may change', async () => {
  const keys = async (model) => filesOf(await resolveModel(model, nothing())).map((file) => [keyOf(file), file.name]);
  assert.deepEqual(await keys('http://h/m.gguf?sig=1'), [['http://h/m.gguf?sig=1', undefined]]);
  assert.deepEqual(await keys({ url: 'http://h/m.gguf?sig=1', name: 'mine' }), [['name:mine', 'mine']]);
  assert.deepEqual(await keys({ repo: 'o/n', file: 'm.gguf', name: 'mine' }), [['name:mine', 'mine']]);
  const parts = await keys({ url: 'http://h/m-00001-of-00002.gguf?sig=1', name: 'mine' });
  assert.deepEqual(parts, [1, 2].map((i) => [`name:mine (${i} of 2)`, `mine (${i} of 2)`]));
  assert.deepEqual(await keys('http://h/m-00001-of-00002.gguf'), [1, 2].map((i) => [`http://h/m-0000${i}-of-00002.gguf`, undefined]));
  for (const name of ['', 7]) await assert.rejects(keys({ url: 'http://h/m', name }), { code: 'invalid_request' });
});

test('files of a list that the store could not tell apart are refused; streams without names are told apart', async () => {
  const stream = () => new Blob([BYTES]).stream();
  const part = (i, more) => ({ url: `http://h/m-0000${i}-of-00002.gguf`, ...more });
  const alike = [[part(1, { name: 'mine' }), part(2, { name: 'mine' })], [part(1), part(2), part(1)], [{ stream: stream(), name: 's' }, { stream: stream(), name: 's' }]];
  for (const model of alike) {
    await assert.rejects(resolveModel(model, nothing()), (error) => error.code === 'invalid_request' && /"(name:mine|http:.*|stream:s)" more than once/.test(error.message));
  }
  const keys = async (model) => filesOf(await resolveModel(model, nothing())).map((file) => keyOf(file));
  assert.deepEqual(await keys([part(1, { name: 'one' }), part(2, { name: 'two' })]), ['name:one', 'name:two']);
  assert.deepEqual(await keys([stream(), { stream: stream() }, { stream: stream(), name: 's' }]), ['stream:stream', 'stream:stream 2', 'stream:s']);
});

test('one sha256 is not that of all parts of a split model; a list has one for each', async () => {
  const url = (i) => `http://h/m-0000${i}-of-00002.gguf`;
  const [a, b] = ['a', 'b'].map((digit) => digit.repeat(64));
  for (const model of [{ url: url(1), sha256: a }, [{ url: url(1), sha256: a }], { repo: 'o/n', file: 'm-00001-of-00002.gguf', sha256: a }]) {
    await assert.rejects(resolveModel(model, nothing()), (error) => error.code === 'invalid_request' && /each with its own sha256/.test(error.message));
  }
  const files = filesOf(await resolveModel([{ url: url(2), sha256: b }, { url: url(1), sha256: a }], nothing()));
  assert.deepEqual(files.map((file) => [file.url, file.sha256]), [[url(1), a], [url(2), b]]);
});

test('blob: and data: addresses are files of this device', async () => {
  const url = URL.createObjectURL(new Blob([BYTES]));
  const [source] = await resolveModel(url, nothing());
  assert.equal(source.kind, 'blob');
  URL.revokeObjectURL(url); // it has been looked up
  const { all: [reader] } = await openSources([source]);
  assert.equal(Buffer.compare(await reader.read(7, 1000), BYTES.subarray(7, 1007)), 0);
  const gone = (error) => error.code === 'io' && /revoked/.test(error.message);
  await assert.rejects(resolveModel({ url }, nothing()), gone);
  assert.equal((await resolveModel({ url: 'data:;base64,R0dVRg==' }, nothing()))[0].blob.size, 4);
  await assert.rejects(resolveModel({ url, sha256: SHA }, nothing()), { code: 'invalid_request' });
});

test('retry: what is none of it, or out of bounds, is named; what is undefined is the default', () => {
  for (const [name, value] of [['attempts', 0], ['attempts', 1.5], ['backoffMs', -1], ['stallMs', Infinity], ['stallMs', '5'], ['atempts', 3], ['toString', 1]]) {
    const refused = (error) => error.code === 'invalid_request' && error.detail.param === `retry.${name}` && error.message.includes('expected');
    assert.throws(() => readingOf({ retry: { [name]: value } }), refused, `${name}: ${value}`);
  }
  assert.deepEqual(readingOf({ retry: { attempts: 1, backoffMs: 0, stallMs: undefined } }).retry, { attempts: 1, backoffMs: 0 });
});

test('a store that this thread has not: store_unavailable, and nothing is left unhandled', async () => {
  const before = process.listenerCount('unhandledRejection');
  const unhandled = [];
  const note = (reason) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  await assert.rejects(openSources([{ kind: 'url', url: 'http://127.0.0.1:9/m.gguf' }], { store: 'opfs' }), { code: 'store_unavailable' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', note);
  assert.deepEqual([unhandled, process.listenerCount('unhandledRejection')], [[], before]);
});

test('without its package, desk is package_missing, with the command', async () => {
  await assert.rejects(createKinglet({ model: 'desk', worker: {} }), (error) => {
    assert.equal(error.code, 'package_missing');
    assert.equal(error.detail.install, 'npm install kinglet-desk');
    assert.ok(error.message.includes('npm install kinglet-desk'), error.message);
    return true;
  });
});

/** A directory as the browser gives one. */
function directory(names) {
  const handle = (kind, name) => ({ kind, name, isSameEntry: () => false });
  return {
    ...handle('directory', 'models'),
    async *keys() {
      yield* names;
    },
    getFileHandle: async (name) => ({ ...handle('file', name), getFile: async () => new File([name], name) }),
  };
}

test('a directory: the one model in it, or all its parts in order', async () => {
  const names = async (all) => (await resolveModel(directory(all), nothing())).map(({ blob }) => blob.name);
  assert.deepEqual(await names(['readme.md', 'm.gguf']), ['m.gguf']);
  assert.deepEqual(await names(['m-00002-of-00002.gguf', 'm-00001-of-00002.gguf']), ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf']);
  for (const all of [[], ['a.txt'], ['a.gguf', 'b.gguf']]) {
    await assert.rejects(names(all), (error) => error.code === 'invalid_request' && error.message.includes('directory'));
  }
});

/** A stream of the bytes, in pieces. */
const stream = (bytes = BYTES) => new Blob([bytes]).stream();

test('a stream and a fetch of the caller: over a port, byte for byte, with headers; a second read of a stream is an error', async (t) => {
  const seen = [];
  const given = { ...nothing(), fetch: async (url, init) => (seen.push([url, new Headers(init.headers).get('authorization')]), fetch(url, init)) };
  const server = await startFaults(() => ({ bytes: BYTES }));
  t.after(() => server.close());
  const model = [{ url: `${server.origin}/m.gguf`, headers: { authorization: 'secret' } }, { stream: stream(), name: 's.gguf', length: BYTES.length }];
  const sources = await resolveModel(model, given);
  assert.equal(isEmpty(given), false);
  const { port } = supply(given);
  t.after(() => port.close());
  const readers = await openSources(sources, { store: 'none', port });
  for (const reader of readers.all) {
    assert.equal(reader.length, BYTES.length);
    for (let at = 0; at < BYTES.length; at += 700_000) {
      const length = Math.min(700_000, BYTES.length - at);
      assert.ok(Buffer.compare(await reader.read(at, length), BYTES.subarray(at, at + length)) === 0);
    }
  }
  await readers.close();
  assert.ok(seen.length > 0 && seen.every(([url, secret]) => url === `${server.origin}/m.gguf` && secret === 'secret'), JSON.stringify(seen));
  await assert.rejects(openSources(sources, { store: 'none', port }), (error) => error.code === 'io' && /only once/.test(error.message));
});

test('a fetch that fails, and a body that breaks, are io with the reason', async (t) => {
  const failing = async (fetch) => {
    const { port } = supply({ fetch, streams: [] });
    t.after(() => port.close());
    const readers = await openSources([{ kind: 'url', url: 'http://h/m.gguf' }], { store: 'none', port, retry: { attempts: 2, backoffMs: 5 } });
    await readers.all[0].read(0, 10);
  };
  await assert.rejects(failing(async () => Promise.reject(new Error('no way'))), (error) => error.code === 'io' && /no way/.test(error.message));
  const broken = () => new Response(new ReadableStream({ start: (controller) => controller.error(new Error('torn')) }));
  await assert.rejects(failing(async () => broken()), (error) => error.code === 'io' && /torn/.test(error.message));
  await assert.rejects(failing(async () => new Response('no', { status: 403 })), { code: 'http' });
});

test('an aborted answer is aborted on the page, too', async () => {
  let ended;
  const given = { ...nothing(), fetch: async (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error((ended = 'aborted'))))) };
  const { port } = supply(given);
  const control = new AbortController();
  const asked = supplied(port)('http://h/', { signal: control.signal });
  setTimeout(() => control.abort(), 10);
  await assert.rejects(asked, /aborted/);
  for (let left = 100; ended === undefined && left > 0; left--) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(ended, 'aborted');
  port.close();
});

test('when the page has gone, what was asked of it fails, what is asked later, too, and neither is tried again', async () => {
  const given = { ...nothing(), fetch: async (url) => (url.endsWith('never') ? new Promise(() => undefined) : new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }))) };
  const { port } = supply(given);
  const gone = (error) => error.code === 'io' && /has gone/.test(error.message);
  const fetched = supplied(port);
  const asked = fetched('http://h/never', {});
  const reading = (await fetched('http://h/m', {})).body.getReader().read();
  setTimeout(() => abandon(port), 5);
  await assert.rejects(asked, gone);
  await assert.rejects(reading, gone);
  await assert.rejects(fetched('http://h/m', {}), gone);
  await assert.rejects(openSources([{ kind: 'url', url: 'http://h/m.gguf' }], { port }).then(({ all }) => all[0].read(0, 9)), gone);
  abandon(port);
});

/** The page's end, asked as the worker asks: `ask(message)` resolves to the next thing it tells. */
function page(t, fetch) {
  const { port, close } = supply({ fetch, streams: [] });
  t.after(() => (close(), port.close()));
  const ask = (message) =>
    new Promise((resolve) => {
      port.onmessage = ({ data }) => resolve(data);
      port.postMessage(message);
    });
  return { port, close, ask, begin: () => ask({ id: 1, url: 'http://h/', headers: [] }), pull: () => ask({ id: 1, pull: true }) };
}

const pieces = (count, size, then) =>
  new ReadableStream({
    pull(controller) {
      if (count-- > 0) controller.enqueue(new Uint8Array(size).fill(count));
      else return then(controller);
    },
  });

test('small pieces come together in one message; what is slow comes as it is; what breaks comes before its error', async (t) => {
  const fast = page(t, async () => new Response(pieces(1000, 4096, (controller) => controller.close())));
  await fast.begin();
  const sizes = [];
  for (let told = await fast.pull(); told.piece !== undefined; told = await fast.pull()) sizes.push(told.piece.length);
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 1000 * 4096);
  assert.ok(sizes.length <= 40, `${sizes.length} messages`); // 8, unless this machine is very busy
  const slow = page(t, async () => new Response(pieces(2, 5000, () => new Promise(() => undefined))));
  await slow.begin();
  const { piece } = await slow.pull();
  assert.deepEqual([piece.length, piece[0], piece[5000], piece.buffer.byteLength], [10_000, 1, 0, 10_000]);
  const broken = page(t, async () => new Response(pieces(1, 5000, (controller) => controller.error(new Error('torn')))));
  await broken.begin();
  assert.equal((await broken.pull()).piece.length, 5000);
  assert.match((await broken.pull()).failed, /torn/);
});

test('a body is cancelled when it is wanted no more: on the way, before it came, and when the page lets go of the engine', async (t) => {
  for (const when of ['on the way', 'before it came', 'closed']) {
    let cancelled = false;
    let answer;
    const body = new ReadableStream({ pull: () => new Promise(() => undefined), cancel: () => void (cancelled = true) });
    const { port, begin, close } = page(t, () => new Promise((resolve) => (answer = () => resolve(new Response(body)))));
    const told = begin();
    while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    if (when === 'before it came') port.postMessage({ id: 1, cancel: true });
    else setTimeout(answer, 1), await told;
    if (when === 'on the way') port.postMessage({ id: 1, cancel: true });
    if (when === 'closed') close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (when === 'before it came') answer();
    for (let left = 200; !cancelled && left > 0; left--) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(cancelled, when);
  }
});

test('readers can be read again after a load; another content by then is file_changed', async () => {
  let opened = 0;
  let root = 'one';
  const open = async (wanted) => {
    opened += 1;
    return { name: 'm', length: 5, root, read: async (_, n) => new Uint8Array(n).fill(opened), close: async () => undefined, wanted };
  };
  const reader = await LastingReader.open(open);
  assert.deepEqual([...(await reader.read(0, 2))], [1, 1]);
  await reader.close();
  assert.equal(reader.length, 5);
  assert.deepEqual([...(await reader.read(0, 2))], [2, 2]);
  await reader.close();
  root = 'two';
  await assert.rejects(reader.read(0, 2), { code: 'file_changed' });
});

test('read again after the store has lost it: what it is is known at its end; its length before', async () => {
  const files = [
    { root: 'one', length: 5 }, // loaded
    { root: undefined, length: 5, last: 'one' }, // downloaded again
    { root: undefined, length: 5, last: 'two' }, // another one
    { root: 'http "etag"', length: 5 }, // nothing is kept any more
    { root: undefined, length: 6 },
  ];
  let closed = 0;
  const reader = await LastingReader.open(async () => {
    const file = { name: 'm', read: async (_, n) => new Uint8Array(n), close: async () => void (closed += 1), ...files.shift() };
    return Object.assign(file, { finish: async () => void (file.root ??= file.last) });
  });
  const again = async () => {
    await reader.read(0, 2);
    await reader.finish();
  };
  await again();
  await reader.close();
  await again();
  await reader.close();
  await assert.rejects(again(), { code: 'file_changed' });
  await reader.close();
  await again();
  await reader.close();
  await assert.rejects(again(), { code: 'file_changed' });
  assert.equal(closed, 5);
});

test('load rejects with what a reader threw, unless the engine could go on; what is wrong is freed', async () => {
  const blob = { kind: 'blob', blob: new Blob(['12345']) };
  const load = (use) => loadModel([blob], { store: 'none' }, use);
  const engineError = { code: 'bad_file', message: 'no model', detail: {} };
  await assert.rejects(load(async ({ all }) => { await all[0].read(0, 3); throw engineError; }), { code: 'bad_file' });
  const gone = { kind: 'blob', blob: { size: 5, name: 'gone.gguf', slice: () => ({ arrayBuffer: () => Promise.reject(new Error('was removed')) }) } };
  await assert.rejects(
    loadModel([gone], { store: 'none' }, async ({ all }) => all[0].read(0, 3).catch(() => { throw engineError; })),
    (error) => error.code === 'io' && /was removed/.test(error.message),
  );
});

test('progress in two styles at once', () => {
  const { phase, status, loaded, total, progress, file, text } = told({ phase: 'download', loaded: 1, total: 4, file: 'm.gguf' });
  assert.deepEqual([phase, status, loaded, total, progress, file, text], ['download', 'download', 1, 4, 0.25, 'm.gguf', 'downloading m.gguf: 25 %']);
  assert.deepEqual(told({ phase: 'download', loaded: 7, total: 0, text: 'waiting' }).text, 'waiting');
  assert.equal(told({ phase: 'ready', loaded: 0, total: 0 }).progress, 1);
});
