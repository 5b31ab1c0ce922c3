// Serves the bench's page cross-origin isolated (SharedArrayBuffer is there), with both packages and the model.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileModel, pour, sendModel, TYPES } from '../../tests/web/support/server.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** First part of an address -> folder: as on the page that a visitor has (www/bench.html). */
const FOLDERS = { pkg: 'pkg', bench: 'www/bench', peers: 'node_modules/@wllama' };
const PAGE = '<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">';

/** The version of wllama that is installed. */
export function wllamaVersion() {
  return JSON.parse(readFileSync(join(ROOT, 'node_modules/@wllama/wllama/package.json'), 'utf8')).version;
}

/** A file with `[from, to)` of it (fractions of its size) zeroed: weights that nobody trained, in a valid file. */
export function brokenModel(path, [from, to]) {
  const { size, stream } = fileModel(path);
  const [first, end] = [Math.floor(size * from), Math.floor(size * to)];
  async function* broken(start, stop) {
    let at = start;
    for await (const chunk of stream(start, stop)) {
      const [a, b] = [Math.max(first - at, 0), Math.min(end - at, chunk.length)];
      if (a < b) chunk.fill(0, a, b);
      at += chunk.length;
      yield chunk;
    }
  }
  return { size, stream: broken };
}

/**
 * Starts it. `models`: name -> model, at /models/NAME; `folders`: more first parts of addresses, with the absolute paths of
 * their folders; `page`: the text at /. Returns {origin, close}.
 */
export async function startServer(models, { folders = {}, page = PAGE } = {}) {
  const server = createServer((request, response) => {
    answer(request, response, { models, folders, page }).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { origin: `http://localhost:${server.address().port}`, close };
}

async function answer(request, response, { models, folders, page }) {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  response.setHeader('Cache-Control', 'no-store');
  const [, area, ...rest] = path.split('/');
  if (path === '/') {
    response.writeHead(200, { 'Content-Type': TYPES.html }).end(page);
  } else if (area === 'models' && models.has(rest[0])) {
    await sendModel(request, response, models.get(rest[0]), area);
  } else {
    const file = join(folders[area] ?? join(ROOT, FOLDERS[area] ?? 'nowhere'), ...rest);
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end('not found');
      return;
    }
    const type = TYPES[file.split('.').at(-1)] ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': statSync(file).size });
    await pour(createReadStream(file), response);
  }
}
