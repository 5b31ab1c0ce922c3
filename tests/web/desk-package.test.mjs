// What goes to npm: both packages packed, installed into a folder of their own, and used there as a customer would.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing } from './support/browser.mjs';
import { noDesk } from './support/desk.mjs';
import { pour, TYPES } from './support/server.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const skip = missing() ?? noDesk() ?? false;
const WEIGHTS = /\.(gguf|safetensors|pt|bin)$/;

/** Bare names to files, as a bundler does it. */
const PAGE = `<!doctype html><title>customer</title>
<script type="importmap">{"imports": {
  "kinglet": "/node_modules/kinglet/dist/index.js",
  "kinglet-desk": "/node_modules/kinglet-desk/index.js"
}}</script>
<script type="module">
  import { createKinglet } from 'kinglet';
  import { desk } from 'kinglet-desk';
  globalThis.answer = async () => {
    const kinglet = await createKinglet({ model: desk, backend: 'cpu' });
    const messages = [{ role: 'user', content: 'filter\\nmessage: You have won a free phone! Click the link now.' }];
    const { choices, usage } = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 16 });
    kinglet.dispose();
    return { model: kinglet.info.model, text: choices[0].message.content, tokens: usage.completion_tokens };
  };
</script>`;

let folder;
let packed;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kinglet-customer-'));
  packed = Object.fromEntries(['pkg', 'models/desk'].map((path) => [path, pack(path)]));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function npm(...args) {
  return execFileSync('npm', [...args, '--loglevel=error'], { cwd: folder, encoding: 'utf8' });
}

/** The tarball of a package, and the paths in it. */
function pack(path) {
  const [{ filename, files }] = JSON.parse(npm('pack', '--json', join(ROOT, path)));
  return { filename, files: files.map((file) => file.path).sort() };
}

test('kinglet-desk is packed without anything of its making', () => {
  const { files } = packed['models/desk'];
  const licences = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT'].filter((name) => existsSync(join(ROOT, 'models/desk', name)));
  const weights = readdirSync(join(ROOT, 'models/desk')).filter((name) => name.endsWith('.gguf'));
  assert.deepEqual(files, [...licences, 'README.md', ...weights, 'index.d.ts', 'index.js', 'package.json'].sort());
});

test('the engine is packed without weights', () => {
  const { files } = packed.pkg;
  assert.ok(files.includes('dist/index.js'));
  assert.deepEqual(files.filter((path) => WEIGHTS.test(path)), []);
  assert.ok(packed['models/desk'].files.some((path) => WEIGHTS.test(path)) || noDesk(), 'and weights would be found');
});

test('installed side by side they answer a request', { skip }, async () => {
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  npm('install', '--offline', '--no-audit', '--no-fund', ...Object.values(packed).map(({ filename }) => `./${filename}`));
  const server = createServer((request, response) => void serve(request.url, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${server.address().port}`;
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const elsewhere = [];
    page.context().on('request', (request) => new URL(request.url()).origin === origin || elsewhere.push(request.url()));
    await page.goto(origin);
    await page.waitForFunction(() => globalThis.answer);
    const { model, text, tokens } = await page.evaluate(() => globalThis.answer());
    assert.match(model, /desk/);
    assert.ok(tokens > 0 && text.length > 0 && text === text.trim(), JSON.stringify(text));
    assert.deepEqual(elsewhere, []);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
});

/** Serves the page and what was installed. */
async function serve(url, response) {
  const path = normalize(new URL(url, 'http://localhost').pathname);
  if (path === '/') {
    response.writeHead(200, { 'Content-Type': TYPES.html }).end(PAGE);
    return;
  }
  const file = join(folder, path);
  if (!path.startsWith('/node_modules/') || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  const type = TYPES[file.split('.').at(-1)] ?? 'application/octet-stream';
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': statSync(file).size });
  await pour(createReadStream(file), response);
}
