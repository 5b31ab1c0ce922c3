// Byte sources without a browser: the real Wasm module in node (its fetch, streams and Blob are the browsers'), against
// servers of every kind. The same model must answer the same, however its bytes arrive; wrong answers must be typed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadModel } from '../../pkg/dist/sources/open.js';
import { extentOf } from '../../pkg/dist/sources/range.js';
import { partsOf } from '../../pkg/dist/sources/split.js';
import init, { load } from '../../pkg/wasm/kinglet.js';
import { llamaModel } from './support/gguf.mjs';

/** The first request of a source, see sources/http.ts. The model is several times as long. */
const FIRST_REQUEST = 1 << 20;

let file; // the model's bytes
let expected; // its answer when read from a Blob
let server;
let origin;
let requests = []; // Range headers of the current test

before(async () => {
  await init({ module_or_path: readFileSync(new URL('../../pkg/wasm/kinglet_bg.wasm', import.meta.url)) });
  const model = llamaModel({ n_embd: 256, n_ff: 512, n_layer: 6 });
  const chunks = [];
  for await (const chunk of model.stream(0, model.size)) chunks.push(chunk);
  file = Buffer.concat(chunks);
  assert.ok(file.length > 3 * FIRST_REQUEST);
  expected = await answer(new Blob([file]));
  assert.equal(expected.length, 4);
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range);
    kinds[request.url.slice(1)](response, Number(first), Math.min(Number(last) + 1, file.length));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Loads the model and lets it write four tokens. */
async function answer(source) {
  requests = [];
  const wire = typeof source === 'string' ? { kind: 'url', url: source } : { kind: 'blob', blob: source };
  const options = { backend: 'cpu', context: 32, cache_type: 'f32' };
  const kinglet = await loadModel([wire], { store: 'none', retry: { attempts: 3, backoffMs: 5 } }, ({ all }) => load([...all], options, () => {}, async () => undefined));
  try {
    kinglet.start('completion', { prompt: 'abc', max_tokens: 4, temperature: 0, logprobs: 1 });
    const tokens = [];
    while (await kinglet.prefill());
    for (let chunk; (chunk = await kinglet.next()) !== undefined; ) tokens.push(chunk);
    return tokens.map(({ text, logprobs }) => ({ text, logprobs })).slice(0, 4);
  } finally {
    kinglet.free();
  }
}

const part = (response, start, end, total = file.length, from = start) => {
  response.writeHead(206, { 'Content-Range': `bytes ${from}-${from + end - start - 1}/${total}`, 'Content-Length': end - start });
  response.end(file.subarray(start, end));
};

/** Kinds of servers: (response, start, end) of the asked range. */
const kinds = {
  ranges: part,
  'unknown-total': (response, start, end) => part(response, start, end, '*'),
  'hidden-content-range': (response, start, end) => response.writeHead(206, { 'Content-Length': end - start }).end(file.subarray(start, end)),
  'shorter-parts': (response, start, end) => part(response, start, Math.min(end, start + 300_000)),
  'no-ranges': (response) => response.writeHead(200, { 'Content-Length': file.length }).end(file),
  chunked: (response) => response.writeHead(200).end(file),
  gzip: (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(file)),

  missing: (response) => response.writeHead(404).end('<html>'),
  failing: (response, start, end) => (start === 0 ? part(response, start, end) : response.writeHead(503).end()),
  'wrong-start': (response, start, end) => part(response, start, end, file.length, start + 1),
  'wrong-length': (response, start, end) =>
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${end - 2}/${file.length}`, 'Content-Length': end - start }).end(file.subarray(start, end)),
  nonsense: (response, start, end) => response.writeHead(206, { 'Content-Range': 'bytes all' }).end(file.subarray(start, end)),
  changing: (response, start, end) => part(response, start, end, start === 0 ? file.length : file.length + 1),
  'forgets-ranges': (response, start, end) => (start === 0 ? part(response, start, end) : response.writeHead(200).end(file)),
  'breaks-off': (response, start, end) => {
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${end - 1}/${file.length}`, 'Content-Length': end - start });
    response.write(file.subarray(start, start + 1000), () => response.destroy());
  },
  'ends-early': (response) => response.writeHead(200).end(file.subarray(0, file.length - 1000)),
  'short-file': (response) => response.writeHead(200, { 'Content-Length': 5000 }).end(file.subarray(0, 5000)),
  empty: (response) => response.writeHead(200, { 'Content-Length': 0 }).end(),
  page: (response) => response.writeHead(200).end('<!DOCTYPE html>'.padEnd(5000)),
};

const GOOD = ['ranges', 'unknown-total', 'hidden-content-range', 'shorter-parts', 'no-ranges', 'chunked', 'gzip'];
for (const kind of GOOD) {
  test(`a server of the kind ${kind}`, async () => {
    assert.deepEqual(await answer(`${origin}/${kind}`), expected);
    if (kind === 'ranges') {
      // Each part once, growing: 1 MiB, 2 MiB, and so on.
      let next = 0;
      for (const range of requests) {
        const [first, last] = range.slice('bytes='.length).split('-').map(Number);
        assert.equal(first, next, requests.join(' '));
        next = last + 1;
      }
      assert.equal(next, file.length);
      assert.ok(requests.length <= 3, requests.join(' '));
    } else if (['no-ranges', 'chunked', 'gzip'].includes(kind)) {
      assert.equal(requests.length, 1, 'one forward stream');
    }
  });
}

const BAD = {
  missing: ['http', 404],
  failing: ['http', 503],
  'wrong-start': ['http', 206],
  'wrong-length': ['http', 206],
  nonsense: ['http', 206],
  changing: ['file_changed'],
  'forgets-ranges': ['http', 200],
  'breaks-off': ['io'],
  'ends-early': ['truncated'],
  'short-file': ['truncated'],
  empty: ['truncated'],
  page: ['bad_file'],
};
for (const [kind, [code, status]] of Object.entries(BAD)) {
  test(`a server of the kind ${kind}: ${code}`, async () => {
    await assert.rejects(answer(`${origin}/${kind}`), (error) => {
      assert.equal(error.code, code, error.message);
      assert.equal(error.detail.status, status, error.message);
      if (code === 'http') assert.ok(error.message.includes(`/${kind}`), error.message);
      return true;
    });
  });
}

test('nobody answers: io', async () => {
  await assert.rejects(answer('http://127.0.0.1:9/model.gguf'), (error) => {
    assert.equal(error.code, 'io', error.message);
    assert.ok(error.message.includes('127.0.0.1:9'), error.message);
    return true;
  });
});

test('a Blob that ends too early: truncated', async () => {
  for (const length of [0, 10, 5000, file.length - 1]) {
    await assert.rejects(answer(new Blob([file.subarray(0, length)])), { code: 'truncated' });
  }
});

// ---- what an answer means ---------------------------------------------------------------------------------------------

/** The answer to a request for the bytes 10 to 20 of a file of 100. */
const extent = (status, contentRange, contentLength, contentEncoding = null) =>
  extentOf('u', 10, 20, 100, { status, statusText: 'text', contentRange, contentLength, contentEncoding });

test('answers that are what was asked for', () => {
  const full = { ranged: true, start: 10, end: 20, total: 100 };
  assert.deepEqual(extent(206, 'bytes 10-19/100', '10'), full);
  assert.deepEqual(extent(206, 'bytes 10-19/*', null), { ...full, total: undefined });
  // CORS hides the header: the length must do.
  assert.deepEqual(extent(206, null, '10'), { ...full, total: undefined });
  assert.deepEqual(extent(206, null, null), { ...full, end: undefined, total: undefined });
});

test('answers that are not: http, with the status', () => {
  const cases = [
    [206, 'bytes 0-9/100', null, 'content-range says'],
    [206, 'bytes 10-29/100', null, 'content-range says'],
    [206, 'bytes 10-19/5', null, 'not understood'],
    [206, 'bytes 19-10/100', null, 'not understood'],
    [206, 'bytes 10-18446744073709551615/*', null, 'not understood'],
    [206, 'items 10-19/100', null, 'not understood'],
    [206, 'bytes 10-19/100', '9', 'contradicts'],
    [206, 'bytes 10-19/99', null, 'had 100 bytes'],
    [206, null, '11', 'content-length'],
    [200, null, '100', 'whole file'],
    [416, null, null, 'no bytes from 10'],
    [404, null, null, 'text'],
    [503, null, null, 'text'],
  ];
  for (const [status, range, length, part] of cases) {
    assert.throws(() => extent(status, range, length), (error) => {
      assert.deepEqual([error.code, error.detail.status], ['http', status]);
      assert.ok(error.message.includes(part), `${status} ${range} ${length}: ${error.message}`);
      return true;
    });
  }
});

test('answers of a server without ranges', () => {
  const whole = (contentEncoding) =>
    extentOf('u', 0, 1000, undefined, { status: 200, statusText: 'OK', contentRange: null, contentLength: '7', contentEncoding });
  assert.deepEqual(whole(null), { ranged: false, start: 0, end: 7, total: 7 });
  // content-length counts compressed bytes
  assert.deepEqual(whole('gzip'), { ranged: false, start: 0, end: undefined, total: undefined });
});

test("the parts of a split model from the first one's address", () => {
  assert.deepEqual(partsOf('https://h/m-00001-of-00002.gguf?a=b'), ['https://h/m-00001-of-00002.gguf?a=b', 'https://h/m-00002-of-00002.gguf?a=b']);
  for (const alone of ['m.gguf', 'm-00002-of-00002.gguf', 'm-00001-of-2.gguf', 'm-00001-of-00000.gguf', 'm-00001-of-00002.gguf.txt', 'm-00001-of-99999.gguf']) {
    assert.deepEqual(partsOf(alone), [alone]);
  }
});
