// An app that has the page in a frame, on an origin of its own: two servers, of which the page's names the app's.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileModel, pour, sendModel, TYPES } from './server.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** What an app's page consists of, for all that is asked here. */
const APP = '<!doctype html><meta charset="utf-8"><title>app</title><body></body>';

/**
 * Serves www/, pkg/ and `models` (name -> file); `origins`: what embed.html says of whom it may be embedded by. `/app.html` is an app.
 * Returns {origin, asked, close}; `origins` may be a function, since ports are known late.
 */
export async function serveEmbed({ models = {}, origins = () => [] } = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    asked.push(path);
    const refuse = () => response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found');
    response.setHeader('Cache-Control', 'no-store');
    if (path === '/app.html') return response.writeHead(200, { 'Content-Type': TYPES.html }).end(APP);
    const name = /^\/models\/(.+)$/.exec(path)?.[1];
    if (name !== undefined) {
      // An app's page of another origin may read them, as an app's own server would allow it.
      response.setHeader('Access-Control-Allow-Origin', '*');
      return models[name] ? void sendModel(request, response, fileModel(models[name]), 'models') : refuse();
    }
    const file = join(ROOT, path.startsWith('/pkg/') ? path : `/www${path}`);
    if (!existsSync(file) || !statSync(file).isFile()) return refuse();
    if (path.startsWith('/pkg/')) response.setHeader('Access-Control-Allow-Origin', '*');
    response.writeHead(200, { 'Content-Type': TYPES[file.split('.').at(-1)] ?? 'application/octet-stream' });
    if (path !== '/embed.html') return void pour(createReadStream(file), response);
    const html = readFileSync(file, 'utf8');
    const named = html.replace('name="kinglet-embed-origins" content=""', `name="kinglet-embed-origins" content="${origins().join(' ')}"`);
    response.end(named);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return {
    origin: `http://localhost:${server.address().port}`,
    asked,
    close: () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))),
  };
}

/** An app's page at `app`, with the client, `frame(src)`, `error(work)` and `raw(hello)`; the page that it embeds is at `site`. */
export async function openApp(browser, app, site) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${app}/app.html`);
  await page.evaluate(async (origin) => {
    const embed = await import('/pkg/dist/embed/index.js');
    const frame = (src) => {
      const element = document.createElement('iframe');
      element.src = src;
      document.body.append(element);
      return element;
    };
    const error = async (work) => {
      try {
        return { value: await work() };
      } catch ({ code, message, detail }) {
        return { code, message, detail };
      }
    };
    /** An app without the client: `{port, said, say, until}` after its own first words. */
    const raw = async (hello = {}) => {
      const element = frame(`${origin}/embed.html`);
      await new Promise((resolve) => addEventListener('message', ({ source }) => source === element.contentWindow && resolve()));
      const { port1, port2 } = new MessageChannel();
      const said = [];
      const waiting = new Set();
      port1.onmessage = ({ data }) => (said.push(data), waiting.forEach((look) => look()));
      const until = (is) =>
        new Promise((resolve) => {
          const look = () => {
            const found = said.find(is);
            if (found !== undefined && waiting.delete(look)) resolve(found);
          };
          waiting.add(look);
          look();
        });
      const say = (message, transfer = []) => port1.postMessage({ kinglet: 1, ...message }, transfer);
      element.contentWindow.postMessage({ kinglet: 1, type: 'hello', id: 'h', versions: [1], host: 'raw', ...hello }, origin, [port2]);
      return { element, port: port1, said, say, until };
    };
    Object.assign(globalThis, { ...embed, frame, error, raw, site: origin });
  }, site);
  return page;
}
