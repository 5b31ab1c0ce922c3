// A static host: one folder below one path, models beside it, and a list of what was asked for.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize, sep } from 'node:path';
import { fileModel, pour, sendModel, TYPES } from './server.mjs';

/** What the package's README says a page needs. */
export const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

/**
 * Serves `folder` below `base`, on `port` if that is given. `models`: path -> file, with ranges. Returns {url, asked, close}; `asked` has
 * {path, file} of each request so far, `file` undefined for what is not there.
 */
export async function serveFolder(folder, { base = '/', headers = { 'Content-Security-Policy': POLICY }, models = {}, port = 0 } = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    Object.entries({ 'Cache-Control': 'no-store', ...headers }).forEach(([name, value]) => response.setHeader(name, value));
    const model = models[path];
    const file = model ?? find(folder, base, path);
    asked.push({ path, file });
    answer(request, response, file, model !== undefined).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
  server.unref();
  return {
    url: `http://localhost:${server.address().port}${base}`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function find(folder, base, path) {
  if (!path.startsWith(base)) return undefined;
  let file = normalize(join(folder, path.slice(base.length)));
  if (!`${file}${sep}`.startsWith(`${normalize(folder)}${sep}`)) return undefined;
  if (existsSync(file) && statSync(file).isDirectory()) file = join(file, 'index.html');
  return existsSync(file) ? file : undefined;
}

async function answer(request, response, file, isModel) {
  if (file === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found');
    return;
  }
  if (isModel || file.endsWith('.gguf')) {
    await sendModel(request, response, fileModel(file), 'models');
    return;
  }
  const type = TYPES[file.split('.').at(-1)] ?? 'application/octet-stream';
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': statSync(file).size });
  await pour(createReadStream(file), response);
}
