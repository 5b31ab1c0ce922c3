// A static server for tests: www/, pkg/ and models on one origin, with the page's Content-Security-Policy as a header.
// `/models/NAME` answers ranges (`/models/catalog.json` is the repository's where a test has no own), `/no-range/NAME` ignores them, `/cut/NAME` says a length and breaks off early.
// An isolated one sends the headers that make a page cross-origin isolated.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CATALOG = '/models/catalog.json';
/** Extension -> media type. */
export const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  pdf: 'application/pdf',
  webmanifest: 'application/manifest+json',
  wasm: 'application/wasm',
  json: 'application/json',
};

/** The policy in a page's own <meta>. */
const policyOf = (html) => /Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1];
/** That of the page. */
export const CSP = policyOf(readFileSync(join(ROOT, 'www/index.html'), 'utf8'));

/** A file on disk as a model: `{size, stream(start, end)}`, end exclusive. */
export function fileModel(path) {
  return { size: statSync(path).size, stream: (start, end) => createReadStream(path, { start, end: end - 1 }) };
}

/** Bytes in memory as a model. */
export function bytesModel(bytes) {
  return {
    size: bytes.length,
    stream: async function* (start, end) {
      yield bytes.subarray(start, end);
    },
  };
}

/** What `cargo xtask start` sends, too. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * Starts the server. `models`: name -> model, may be added to later; `scripts`: path -> JavaScript that is served there,
 * with what lies there before it; `preset`: what /model.json says; `caching`: what `Cache-Control` says; `put`: path -> what is
 * done with the text that is put there. Returns {origin,
 * models, asked, close}; `asked` has the paths of all requests so far.
 */
export async function startServer(models = new Map(), { isolated = false, scripts = new Map(), preset = { url: null }, caching = 'no-store', put = {} } = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    Object.entries(isolated ? ISOLATION : {}).forEach(([name, value]) => response.setHeader(name, value));
    const take = request.method === 'PUT' ? put[request.url] : undefined;
    (take ? text(request).then(take).then(() => response.writeHead(204).end()) : answer(request, response, { models, scripts, preset, caching })).catch((error) => {
      response.destroy(error);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // a test that fails before it closes this must not keep the process alive
  return {
    origin: `http://localhost:${server.address().port}`,
    models,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function text(request) {
  let all = '';
  for await (const piece of request.setEncoding('utf8')) all += piece;
  return all;
}

async function answer(request, response, { models, scripts, preset, caching }) {
  const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  response.setHeader('Content-Security-Policy', CSP);
  response.setHeader('Cache-Control', caching);
  const [, area, name] = path.split('/');
  if (area === 'models' || area === 'no-range' || area === 'cut') {
    const model = models.get(name);
    if (model) return sendModel(request, response, model, area);
    if (path !== CATALOG || !existsSync(join(ROOT, CATALOG))) return notFound(response);
    response.writeHead(200, { 'Content-Type': TYPES.json });
    return pour(createReadStream(join(ROOT, CATALOG)), response);
  }
  if (path === '/model.json') {
    response.writeHead(200, { 'Content-Type': TYPES.json }).end(JSON.stringify(preset));
    return;
  }
  const relative = normalize(path === '/' ? '/index.html' : path);
  // What www/bench.html compares with is a development dependency.
  const file = relative.startsWith('/peers/') ? join(ROOT, 'node_modules/@wllama', relative.slice(7)) : join(ROOT, relative.startsWith('/pkg/') ? relative : `/www${relative}`);
  const there = existsSync(file) && statSync(file).isFile();
  if (scripts.has(path)) {
    const text = (there ? readFileSync(file, 'utf8') : '') + scripts.get(path);
    response.writeHead(200, { 'Content-Type': TYPES.js }).end(text);
    return;
  }
  if (!there) {
    return notFound(response);
  }
  if (relative === '/bench.html') response.setHeader('Content-Security-Policy', policyOf(readFileSync(file, 'utf8')));
  const type = TYPES[file.split('.').at(-1)] ?? 'application/octet-stream';
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': statSync(file).size });
  await pour(createReadStream(file), response);
}

/** Answers a request for a model; `area` 'models' knows ranges, see above. */
export async function sendModel(request, response, model, area) {
  const range = area === 'models' && /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  let [start, end] = [0, model.size];
  response.setHeader('Content-Type', 'application/octet-stream');
  if (range) {
    start = Number(range[1]);
    end = Math.min(range[2] === '' ? model.size : Number(range[2]) + 1, model.size);
    if (start >= model.size) {
      response.writeHead(416, { 'Content-Range': `bytes */${model.size}` }).end();
      return;
    }
    response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${model.size}`);
  }
  if (area === 'models') {
    response.setHeader('Accept-Ranges', 'bytes');
  }
  response.writeHead(range ? 206 : 200, { 'Content-Length': end - start });
  if (area === 'cut') {
    await pour(model.stream(0, Math.floor(model.size / 2)), response, false);
    response.destroy();
    return;
  }
  await pour(model.stream(start, end), response);
}

/** Writes all chunks, no faster than they are read. */
export async function pour(chunks, response, end = true) {
  for await (const chunk of chunks) {
    if (response.destroyed) {
      return;
    }
    if (!response.write(chunk)) {
      await writable(response);
    }
  }
  if (end) {
    response.end();
  }
}

/** Resolves when more may be written, or when nobody listens any more. */
function writable(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function notFound(response) {
  response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found');
}
