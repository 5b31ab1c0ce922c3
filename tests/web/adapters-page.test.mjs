// Both adapters on a page, as a bundler puts them there: the real `ai` and `@langchain/core`, a worker, real weights.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { launch, missing, openPage } from './support/browser.mjs';
import { deskServer, noDesk } from './support/desk.mjs';

const skip = missing() ?? noDesk() ?? false;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DIST = `${ROOT}pkg/dist/`;

/** Of the package, the adapters alone go into the bundle: the page loads the rest from where its worker is, too. */
const package_ = {
  name: 'package',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const file = fileURLToPath(new URL(path, `file://${resolveDir}/`));
      const ours = file.startsWith(DIST) && !file.startsWith(`${DIST}adapters/`);
      return ours ? { path: `/${relative(ROOT, file)}`, external: true } : undefined;
    });
  },
};

let server;
let browser;
before(async () => {
  if (skip) return;
  const entryPoints = [`${ROOT}tests/web/support/adapters-page.mjs`];
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    plugins: [package_],
    logLevel: 'silent',
  });
  server = await deskServer({ scripts: new Map([['/adapters.js', outputFiles[0].text]]) });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test('AI SDK and LangChain answer on a page as the engine itself does', { skip }, async () => {
  const { page, requests, close } = await openPage(browser, server.origin);
  try {
    page.setDefaultTimeout(60_000);
    const prompt = 'filter\nmessage: You have won a free phone! Click the link now.';
    const run = async (args) => (await import('/adapters.js')).answers(args);
    const { name, direct, through, tokens, refused } = await page.evaluate(run, { model: '/models/desk.gguf', prompt });
    assert.equal(name, 'desk');
    assert.match(direct, /^(pass|hold|unsure)$/);
    assert.deepEqual(through, [direct, direct, direct, direct]);
    assert.deepEqual(tokens, [tokens[0], tokens[0], tokens[0]]);
    assert.equal(refused, 'invalid_request no_such_parameter');
    // Neither library calls home.
    assert.deepEqual(requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith('blob:')), []);
  } finally {
    await close();
  }
});
