// Both adapters on a page, as a bundler puts them there: the real `ai` and `@langchain/core`, a worker, real weights; and
// the examples of docs/adapters.md.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launch, missing, openPage } from './support/browser.mjs';
import { deskServer, noDesk } from './support/desk.mjs';

const skip = missing() ?? noDesk() ?? false;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DIST = `${ROOT}pkg/dist/`;
const EXPORTS = JSON.parse(readFileSync(`${ROOT}pkg/package.json`, 'utf8')).exports;

const page = readFileSync(`${ROOT}docs/adapters.md`, 'utf8');
const examples = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

/** `kinglet` by its exports. Of its files the adapters alone go into the bundle: the page loads the rest beside its worker. */
const kinglet = {
  name: 'kinglet',
  setup({ onResolve }) {
    const resolve = (file) =>
      file.startsWith(DIST) && !file.startsWith(`${DIST}adapters/`) ? { path: `/${relative(ROOT, file)}`, external: true } : { path: file };
    onResolve({ filter: /^kinglet(\/.*)?$/ }, ({ path }) => resolve(`${ROOT}pkg/${EXPORTS[path.replace('kinglet', '.')].default}`.replace('/./', '/')));
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) =>
      resolveDir.startsWith(DIST) ? resolve(fileURLToPath(new URL(path, `file://${resolveDir}/`))) : undefined,
    );
  },
};

async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: `${ROOT}tests/web/support`, sourcefile: 'page.mjs' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    plugins: [kinglet],
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

let server;
let browser;
before(async () => {
  if (skip) return;
  const compared = bundle(readFileSync(`${ROOT}tests/web/support/adapters-page.mjs`, 'utf8'));
  const scripts = [['/compared.js', await compared]];
  for (const [i, code] of examples.entries()) scripts.push([`/example-${i}.js`, await bundle(code)]);
  server = await deskServer({ scripts: new Map(scripts) });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs `work` on a fresh page; neither library may call home. */
async function onPage(work) {
  const { page, requests, close } = await openPage(browser, server.origin);
  try {
    page.setDefaultTimeout(60_000);
    await work(page);
    assert.deepEqual(requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith('blob:')), []);
  } finally {
    await close();
  }
}

test('AI SDK and LangChain answer on a page as the engine itself does', { skip }, () =>
  onPage(async (page) => {
    const prompt = 'filter\nmessage: You have won a free phone! Click the link now.';
    const run = async (args) => (await import('/compared.js')).answers(args);
    const { name, direct, through, tokens, refused } = await page.evaluate(run, { model: '/models/desk.gguf', prompt });
    assert.equal(name, 'desk');
    assert.match(direct, /^(pass|hold|unsure)$/);
    assert.deepEqual(through, [direct, direct, direct, direct]);
    assert.deepEqual(tokens, [tokens[0], tokens[0], tokens[0]]);
    assert.equal(refused, 'invalid_request no_such_parameter');
  }),
);

test('the examples of docs/adapters.md run', { skip }, async () => {
  assert.ok(examples.length >= 2);
  for (const i of examples.keys()) {
    await onPage(async (page) => {
      const said = [];
      page.on('console', (message) => message.type() === 'log' && said.push(message.text()));
      await page.evaluate((script) => import(script), `/example-${i}.js`);
      assert.ok(said.length >= 2 && said[0].length > 0, `example ${i}: ${said}`);
    });
  }
});
