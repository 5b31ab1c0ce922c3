// In Chromium: a page asks a remote model on another origin. What only a browser does is seen here: CORS and its preflight, which
// headers of an answer can be read, redirects that show nothing, an abort that reaches the server, cookies that stay.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { LAUNCHERS, ready } from './support/browsers.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
const SOAK = process.env.KINGLET_SOAK !== undefined;
const EXPOSE = "import * as kinglet from '/pkg/dist/remote/index.js'; globalThis.kinglet = kinglet; document.body.dataset.exposed = 'true';";
const KEY = 'sk-page-0123456789abcdef';
let browser;
let site;
let llm;
before(async () => {
  if (skip) return;
  [browser, site, llm] = [await launch(), await startServer(new Map(), { scripts: new Map([['/expose.js', EXPOSE]]) }), await startLlmFaults()];
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), llm?.close()]);
});

/** On a page with the client in `globalThis.kinglet`: asks, and aborts after `stop` texts. */
async function asking([more, stop]) {
  const { checkEndpoints, RemoteModel } = globalThis.kinglet;
  const price = { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD', asOf: '2026-11-22' };
  const [endpoint] = checkEndpoints([{ name: 'r', price, model: 'large', ...more }]);
  const model = new RemoteModel(endpoint, { random: () => 0 });
  const controller = new AbortController();
  const log = [];
  const account = { begin: async () => void log.push('begin'), end: async (spent) => void log.push(spent) };
  const payload = { messages: [{ role: 'user', content: 'Where is my parcel?' }], max_tokens: 50 };
  const parts = [];
  const times = [];
  let error;
  try {
    for await (const part of model.ask(payload, { id: '1', account, signal: controller.signal })) {
      parts.push(part);
      if (part.type === 'text') times.push(performance.now());
      if (times.length >= stop) controller.abort();
    }
  } catch (thrown) {
    error = thrown.toJSON?.() ?? { code: String(thrown) };
  }
  const text = parts.filter(({ type }) => type === 'text').map((part) => part.text).join('');
  return { text, usage: parts.find(({ type }) => type === 'usage')?.usage, finish: parts.at(-1)?.reason, apart: times.at(-1) - times[0], error, log };
}

/** The same, on a page of Chromium. */
const ask = async (page, more, stop = 1e9) => {
  await page.evaluate(async () => (globalThis.kinglet = await import('/pkg/dist/remote/index.js')) && undefined);
  return page.evaluate(asking, [more, stop]);
};

/** Resolves when the server produces nothing more for a request that was left. */
async function stops(row) {
  let before = -1;
  for (let left = 20; before !== row.output; left--) {
    assert.ok(left > 0, 'the server has not noticed');
    before = row.output;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  assert.equal(row.complete, false);
}

test('a page asks another origin, streams, is told why not, and stops', { skip }, async () => {
  const { page, requests, close } = await openPage(browser, site.origin);
  await page.evaluate(() => (document.cookie = 'session=secret'));
  for (const api of ['openai', 'anthropic']) {
    llm.reset();
    const key = { api, apiKey: KEY, dangerouslyAllowBrowserKey: true };
    const good = await ask(page, { ...key, baseURL: llm.base('n=8,drip=250,split=3'), headers: { 'x-app': 'shop' } });
    const [{ input, output, headers }] = llm.truth;
    assert.deepEqual([good.error, good.finish, good.usage.input, good.usage.output, output], [undefined, 'stop', input, output, 8]);
    assert.ok(good.text.includes('grüß') && good.text.includes('🦜'), good.text);
    assert.ok(good.apart > 150, `the pieces come as they are made: ${good.apart} ms`);
    assert.deepEqual([headers['x-app'], headers.cookie, headers.referer, headers.origin], ['shop', undefined, undefined, site.origin]);
    // Headers of an answer that a server exposes can be read; the pause is as long as it says.
    const limited = await ask(page, { ...key, baseURL: llm.base('status=429,after=77') });
    assert.deepEqual([limited.error.code, limited.error.detail.retry_after_ms, limited.log[1]], ['rate_limited', 77_000, { kind: 'refused' }]);
    llm.reset();
    const redirected = await ask(page, { ...key, baseURL: llm.base('redirect=307') });
    assert.deepEqual([redirected.error.detail.kind, redirected.log, llm.truth.length], ['redirect', ['begin', { kind: 'unknown' }], 1]);
    const cut = await ask(page, { ...key, baseURL: llm.base('cut=2,hand=3000;ok') });
    assert.deepEqual([cut.text, cut.error.detail.kind, cut.log], ['The kettle ', 'cut', ['begin', { kind: 'unknown' }]]);
    llm.reset();
    const stopped = await ask(page, { ...key, baseURL: llm.base('n=2000,drip=5') }, 3);
    assert.deepEqual([stopped.error.code, stopped.log], ['aborted', ['begin', { kind: 'unknown' }]]);
    const [row] = llm.truth;
    await stops(row);
  }
  // An address of the page itself, which knows no such path; one that allows no other origin; one where nobody is.
  const own = await ask(page, { baseURL: '/api/llm' });
  assert.deepEqual([own.error.detail.kind, own.error.detail.status, own.error.detail.host], ['http', 404, new URL(site.origin).host]);
  const other = await startServer();
  const forbidden = await ask(page, { baseURL: other.origin, retries: 0 });
  assert.deepEqual([forbidden.error.detail.kind, forbidden.log], ['network', ['begin', { kind: 'unknown' }]]);
  await other.close();
  const wrong = await page.evaluate(async () => {
    const { checkEndpoints } = await import('/pkg/dist/remote/index.js');
    try {
      checkEndpoints([{ name: 'r', model: 'm', baseURL: '/api', apiKey: 'sk-0123456789' }]);
    } catch (error) {
      return error.message;
    }
  });
  assert.match(wrong, /remote\[0\]\.apiKey: expected dangerouslyAllowBrowserKey/);
  const known = [site.origin, llm.origin, other.origin];
  assert.deepEqual(requests.filter((url) => !known.includes(new URL(url).origin)), []);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, performance.getEntries().map(({ name }) => name), document.documentElement.outerHTML]));
  assert.ok(!kept.includes(KEY));
  await close();
});

for (const name of ['firefox', 'webkit']) {
  if (!SOAK) continue;
  const lacking = skip || (LAUNCHERS[name].missing() ?? false);
  test(`${name} does the same`, { skip: lacking, timeout: 120_000 }, async () => {
    const other = await LAUNCHERS[name].launch();
    try {
      await other.goto(site.origin);
      await other.evaluate(ready);
      const key = { apiKey: KEY, dangerouslyAllowBrowserKey: true, retries: 0, timeouts: { connectMs: 1000 } };
      const expected = {
        'n=8,drip=20,split=3': [undefined, 'usage'],
        gzip: [undefined, 'usage'],
        'status=429,after=77': ['rate_limited', 'refused'],
        'redirect=307': ['redirect', 'unknown'],
        'cut=2,hand=3000': ['cut', 'unknown'],
        'error=0': ['overloaded', 'unknown'],
        close: ['network', 'unknown'],
        'head=stall': ['connect_timeout', 'unknown'],
      };
      for (const [order, [failure, spent]] of Object.entries(expected)) {
        const { error, log } = await other.evaluate(asking, [{ ...key, baseURL: llm.base(order) }, 1e9]);
        assert.deepEqual([error?.detail?.kind ?? error?.code, log.length, log[1].kind], [failure, 2, spent], order);
      }
      llm.reset();
      const stopped = await other.evaluate(asking, [{ ...key, baseURL: llm.base('n=2000,drip=5') }, 3]);
      assert.deepEqual([stopped.error.code, stopped.log[1]], ['aborted', { kind: 'unknown' }]);
      await stops(llm.truth[0]);
    } finally {
      await other.close();
    }
  });
}
