// Byte sources without a browser: the real Wasm module in node (its fetch, streams and Blob are the browsers'), against
// servers of every kind. The same model must answer the same, however its bytes arrive; wrong answers must be typed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import init, { load } from '../../pkg/wasm/kinglet.js';
import { llamaModel } from './support/gguf.mjs';

/** The first request of a source, see platform/web.rs. The model is several times as long. */
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
  const kinglet = await load([source], { backend: 'cpu', context: 32, cache_type: 'f32' }, () => {}, async () => undefined);
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
  changing: ['http', 206],
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
