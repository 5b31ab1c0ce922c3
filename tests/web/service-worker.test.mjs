// The engine in a service worker, in Chromium: OpenAI's addresses on the page's own origin, streamed and whole; clients
// that go away; the browser that ends the worker; and what a service worker refuses.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing } from './support/browser.mjs';
import { withString } from './support/gguf.mjs';
import { codeOf, graphOf } from './support/graph.mjs';
import { bytesModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing() ?? false;
const TEMPLATE = '{% for m in messages %}{{ m.content }}{% endfor %}';
const SMALL = { prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 };
const CHAT = { model: 'any', messages: [{ role: 'user', content: SMALL.prompt }], max_tokens: 16, temperature: 0 };
/** See browsers.test.mjs. */
const SMALL_TEXT = '\ufffd{\ufffdviiiiirrrr%%';
/** The end token is never taken. */
const ENDLESS = { ...CHAT, max_tokens: 1_000_000, kinglet: { context_shift: true }, stream: true, logit_bias: { 2: -100 } };

/** The page has put the model into the store; `/fresh/` asks for one that is nowhere. */
const WORKER = `
  import { createKinglet, createRouter, serveOpenAI } from '/pkg/dist/service-worker.js';
  const options = { backend: 'cpu', cacheType: 'f32' };
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('fetch', serveOpenAI({ ...options, model: '/models/small.gguf' }));
  addEventListener('fetch', serveOpenAI({ ...options, model: '/models/absent.gguf' }, { path: '/fresh/v1' }));
  const price = { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD', asOf: '2026-11-22' };
  const deciding = { remote: [{ name: 'strong', price }], escalation: { conservative: 'escalate' } };
  addEventListener('fetch', serveOpenAI({ ...options, ...deciding, model: '/models/small.gguf' }, { path: '/deciding/v1' }));
  const headed = async () => {
    const kinglet = await createKinglet({ ...options, model: '/models/small.gguf' });
    const head = await kinglet.fitHead(['one', 'two', 'three', 'four'].map((text, i) => ({ text, label: i < 2 ? 'few' : 'many' })));
    const { label, kinglet: own } = await kinglet.classify('one', ['few', 'many'], { head });
    kinglet.dispose();
    const router = await createRouter();
    return Response.json({ label, head_max: own.signals.head_max, reason: router.decide({ local: 'absent' }).decision.reason });
  };
  addEventListener('fetch', (event) => event.request.url.endsWith('/headed') && event.respondWith(headed().catch((error) => new Response(String(error), { status: 500 }))));
  globalThis.born = Math.random();
  addEventListener('message', ({ ports }) => ports[0].postMessage(globalThis.born));
`;

let browser;
let server;
/** What a page's own worker answers to CHAT. */
let expected;
before(async () => {
  if (skip) return;
  browser = await launch();
  const bytes = readFileSync(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url)));
  const model = withString(bytes, 'tokenizer.chat_template', TEMPLATE);
  server = await startServer(new Map([['small.gguf', bytesModel(model)]]), { scripts: new Map([['/openai.js', WORKER]]) });
  const page = await browser.newPage();
  await page.goto(server.origin);
  expected = await page.evaluate(async (body) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model: '/models/small.gguf', backend: 'cpu', cacheType: 'f32' });
    return (await kinglet.chat.completions.create(body)).choices[0].message.content;
  }, CHAT);
  assert.ok(expected.length > 10, expected);
  await page.close();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Pages of one profile that the worker controls. */
async function controlled(t, count = 1, options = {}) {
  const context = await browser.newContext(options);
  t.after(() => context.close());
  const pages = [];
  for (let i = 0; i < count; i++) {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(server.origin);
    await page.evaluate(async () => {
      const { downloadModel } = await import('/pkg/dist/index.js');
      await downloadModel({ model: '/models/small.gguf' });
      await navigator.serviceWorker.register('/openai.js', { type: 'module' });
      await navigator.serviceWorker.ready;
      if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }));
    });
    pages.push(page);
  }
  return pages;
}

/** One request of the page: `{status, type, text}`. */
const request = (page, body, path = '/v1/chat/completions') =>
  page.evaluate(
    async ({ body, path }) => {
      const response = await fetch(path, body && { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
      return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
    },
    { body, path },
  );
const born = (page) =>
  page.evaluate(() => {
    const { port1, port2 } = new MessageChannel();
    navigator.serviceWorker.controller.postMessage('when', [port2]);
    return new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  });

test('whole and streamed answers have the shape of OpenAI', { skip }, async (t) => {
  const [page] = await controlled(t);
  const whole = await request(page, CHAT);
  assert.deepEqual([whole.status, whole.type], [200, 'application/json'], whole.text);
  const answer = JSON.parse(whole.text);
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.choices[0].message.content, expected);
  const streamed = await request(page, { ...CHAT, stream: true });
  assert.match(streamed.type, /^text\/event-stream/);
  const lines = streamed.text.split('\n\n').slice(0, -1);
  assert.ok(lines.length > 3 && lines.every((line) => line.startsWith('data: ')), streamed.text);
  assert.equal(lines.pop(), 'data: [DONE]');
  const chunks = lines.map((line) => JSON.parse(line.slice(6)));
  assert.ok(chunks.every(({ object }) => object === 'chat.completion.chunk'));
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), expected);
  assert.equal((await request(page, { ...SMALL }, '/v1/completions').then(({ text }) => JSON.parse(text))).choices[0].text, SMALL_TEXT);
  const { data } = JSON.parse((await request(page, undefined, '/v1/models')).text);
  assert.deepEqual(data.map(({ object, owned_by }) => [object, owned_by]), [['model', 'kinglet']]);
});

test('decisions, heads and kinglet/route are had there, too', { skip }, async (t) => {
  const [page] = await controlled(t);
  const { status, text } = await request(page, CHAT, '/deciding/v1/chat/completions');
  assert.equal(status, 200, text);
  const { id, kinglet } = JSON.parse(text);
  assert.deepEqual([kinglet.decision.id, kinglet.decision.action, kinglet.decision.egress.remote], [id, 'remote', 'strong']);
  const answer = await request(page, undefined, '/headed');
  assert.equal(answer.status, 200, answer.text);
  const { label, head_max, reason } = JSON.parse(answer.text);
  assert.deepEqual([label, head_max > 0.5, reason], ['few', true, 'no_remote']);
});

test('an official client of the page speaks to it', { skip }, async (t) => {
  const [page] = await controlled(t);
  const official = new URL('../../node_modules/openai/', import.meta.url);
  await page.context().route('**/official/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace('/official/', '');
    return route.fulfill({ contentType: 'text/javascript', body: readFileSync(new URL(path, official)) });
  });
  const { text, whole, code, status } = await page.evaluate(async ({ CHAT }) => {
    const { OpenAI } = await import('/official/index.mjs');
    const client = new OpenAI({ baseURL: `${location.origin}/v1`, apiKey: 'none', dangerouslyAllowBrowser: true });
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...CHAT, stream: true })) text += chunk.choices[0]?.delta?.content ?? '';
    const whole = await client.chat.completions.create(CHAT);
    const error = await client.chat.completions.create({ ...CHAT, bogus: 1 }).catch((error) => error);
    return { text, whole: whole.choices[0].message.content, code: error.code, status: error.status };
  }, { CHAT });
  assert.deepEqual([text, whole, code, status], [expected, expected, 'invalid_request', 400]);
});

test('what is wrong with a request is a status and a typed error; other addresses are left alone', { skip }, async (t) => {
  const [page] = await controlled(t, 1, { bypassCSP: true }); // ours allows no forms
  for (const [body, path, status, code, param] of [
    ['{"messages":', '/v1/chat/completions', 400, 'invalid_request', 'body'],
    ['[]', '/v1/chat/completions', 400, 'invalid_request', 'body'],
    [{ ...CHAT, bogus: 1 }, '/v1/chat/completions', 400, 'invalid_request', 'bogus'],
    [{ ...CHAT, bogus: 1, stream: true }, '/v1/chat/completions', 400, 'invalid_request', 'bogus'],
    [CHAT, '/v1/images', 404, 'invalid_request', 'path'],
    [CHAT, '/fresh/v1/chat/completions', 412, 'download_refused', null],
  ]) {
    const answer = await request(page, body, path);
    assert.equal(answer.status, status, answer.text);
    const { error } = JSON.parse(answer.text);
    assert.deepEqual([error.code, error.param], [code, param]);
    assert.ok(error.message.length > 20);
  }
  assert.match((await request(page, CHAT, '/fresh/v1/chat/completions')).text, /load this model once on a page/);
  assert.ok(!server.asked.some((url) => url.includes('absent')), 'nothing was fetched');
  assert.equal((await request(page, undefined, '/v2/models')).status, 404);
  // A form of a page elsewhere comes as a navigation: the server has it, and answers what it answers.
  await page.evaluate(() => {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: '/v1/chat/completions' });
    document.body.append(form);
    form.submit();
  });
  await page.waitForURL('**/v1/chat/completions');
  assert.match(await page.textContent('body'), /not found/);
});

for (const [how, leave] of [
  ['aborts', (page) => page.evaluate(() => globalThis.control.abort())],
  ['stops reading', (page) => page.evaluate(() => globalThis.reader.cancel())],
  ['is closed', (page) => page.close()],
]) {
  test(`an endless answer ends when the page ${how}; the next one comes`, { skip }, async (t) => {
    const [gone, stays] = await controlled(t, 2);
    await gone.evaluate(async (body) => {
      globalThis.control = new AbortController();
      const response = await fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(body), signal: globalThis.control.signal });
      globalThis.reader = response.body.getReader();
      if (!response.ok) throw new Error(await response.text());
      await globalThis.reader.read();
    }, ENDLESS);
    await leave(gone);
    assert.equal(JSON.parse((await request(stays, CHAT)).text).choices?.[0].message.content, expected);
  });
}

test('an endless answer that would come as a whole ends when the page is closed', { skip }, async (t) => {
  const [gone, stays] = await controlled(t, 2);
  await gone.evaluate((body) => {
    const answered = ({ status }) => {
      throw new Error(`answered with ${status}`);
    };
    const early = fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(body) }).then(answered);
    return Promise.race([early, new Promise((resolve) => setTimeout(resolve, 1000))]);
  }, { ...ENDLESS, stream: false });
  await gone.close();
  assert.equal(JSON.parse((await request(stays, CHAT)).text).choices?.[0].message.content, expected);
});

for (const when of [200, 2000]) {
  test(`an endless answer that would come as a whole ends when the page aborts it after ${when} ms; the page lives on`, { skip }, async (t) => {
    const [page] = await controlled(t, 1);
    const code = await page.evaluate(async ({ body, when }) => {
      const control = new AbortController();
      const asked = fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(body), signal: control.signal }).then((response) => response.text());
      setTimeout(() => control.abort(), when);
      return asked.then((text) => `answered ${text}`, ({ name }) => name);
    }, { body: { ...ENDLESS, stream: false }, when });
    assert.equal(code, 'AbortError');
    assert.equal(JSON.parse((await request(page, CHAT)).text).choices?.[0].message.content, expected);
  });
}

test('a worker that the browser has ended answers the next request as before', { skip }, async (t) => {
  const [page] = await controlled(t);
  const text = async () => JSON.parse((await request(page, CHAT)).text).choices?.[0].message.content;
  const model = server.models.get('small.gguf');
  server.models.delete('small.gguf'); // from here on there is only what the store has
  t.after(() => server.models.set('small.gguf', model));
  assert.equal(await text(), expected);
  const first = await born(page);
  const session = await page.context().newCDPSession(page);
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.stopAllWorkers');
  assert.equal(await text(), expected);
  assert.notEqual(await born(page), first, 'it was another worker');
  // In the middle of an answer: the reader's stream fails or ends, and lacks what ends a whole one.
  const cut = page.evaluate(async (body) => {
    const response = await fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(body) });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    globalThis.heard = '';
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return globalThis.heard;
        globalThis.heard += value;
      }
    } catch {
      return globalThis.heard;
    }
  }, ENDLESS);
  assert.ok(await eventually(() => page.evaluate(() => globalThis.heard?.length > 1000), Boolean, 60_000), 'it is on its way');
  await session.send('ServiceWorker.stopAllWorkers');
  const heard = await Promise.race([cut, new Promise((resolve) => setTimeout(() => resolve('the reader hears nothing: [DONE]'), 10_000))]);
  assert.match(heard, /^data: /);
  assert.doesNotMatch(heard, /\[DONE\]|"finish_reason":"/);
  assert.equal(await text(), expected);
});

test('the graph of the entry is static: no import() that a service worker would refuse, no worker', { skip: false }, () => {
  const root = new URL('../../pkg/', import.meta.url);
  const seen = graphOf('dist/service-worker.js', root, { dynamic: false });
  for (const file of seen) assert.doesNotMatch(codeOf(new URL(file, root)), /\bimport\(|new (Shared)?Worker\(/, file);
  assert.ok(seen.length > 15, `${seen.length} files`);
});
