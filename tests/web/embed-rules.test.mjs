// Who may speak to the page that apps embed, what it does with what is no message, and what it asks the app: in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { openApp, serveEmbed } from './support/embed.mjs';
import { seeded, startLlmFaults } from './support/faults-llm.mjs';

const skip = missing() ?? noDesk() ?? false;
const timeout = 120_000;
const MODEL = '/models/nano.gguf';
const OPTIONS = { backend: 'cpu', threads: 1, context: 512 };
const ASK = { messages: [{ role: 'user', content: 'Where is my parcel?' }], max_tokens: 24, temperature: 0 };

let browser, page, site, app, stranger, llm;
before(async () => {
  if (skip) return;
  const models = { 'nano.gguf': DESK_NANO };
  [app, stranger] = [await serveEmbed({ models }), await serveEmbed()];
  site = await serveEmbed({ models, origins: () => [app.origin] });
  [browser, llm] = [await launch(), await startLlmFaults()];
  page = await openApp(browser, app.origin, site.origin);
});
after(async () => {
  await browser?.close();
  await Promise.all([site, app, stranger, llm].map((server) => server?.close()));
});

test('a stranger who has the page in a frame hears nothing, and is not heard', { skip, timeout }, async () => {
  const other = await openApp(browser, stranger.origin, site.origin);
  const heard = await other.evaluate(async () => {
    globalThis.heard = [];
    addEventListener('message', ({ data }) => globalThis.heard.push(data));
    const element = frame(`${site}/embed.html`);
    await new Promise((resolve) => (element.onload = resolve));
    globalThis.port = new MessageChannel();
    globalThis.port.port1.onmessage = ({ data }) => globalThis.heard.push(data);
    element.contentWindow.postMessage({ kinglet: 1, type: 'hello', id: 1, versions: [1], host: 'x' }, '*', [globalThis.port.port2]);
    const refused = await error(() => connectEmbed(element, { origin: site, patienceMs: 400 }));
    return { refused: refused.code };
  });
  const inside = other.frames().find((one) => one.url().startsWith(site.origin));
  await inside.locator('body[data-ready]').waitFor();
  assert.equal(await inside.locator('#status').textContent(), 'Waiting for the app.');
  assert.deepEqual([heard.refused, await other.evaluate(() => globalThis.heard)], ['page_gone', []]);
  await other.context().close();
});

test('a frame of another origin than the app expects is spoken to by nobody, and an origin is exact', { skip, timeout }, async () => {
  const found = await page.evaluate(async (stranger) => {
    const wrong = frame(`${stranger}/app.html`);
    const codes = [(await error(() => connectEmbed(wrong, { origin: site, patienceMs: 300 }))).code];
    for (const origin of ['*', 'null', `${site}/`, undefined]) codes.push((await error(() => connectEmbed(wrong, { origin }))).code);
    wrong.remove();
    return codes;
  }, stranger.origin);
  assert.deepEqual(found, ['page_gone', ...Array(4).fill('invalid_request')]);
});

test('another version, and a request before hello, are said what there is', { skip, timeout }, async () => {
  const found = await page.evaluate(async () => {
    const { said, until, element } = await raw({ versions: [2, 3] });
    await until(({ type }) => type === 'error');
    element.remove();
    const second = await raw({ kinglet: 2 });
    await second.until(({ type }) => type === 'error');
    second.say({ type: 'stats', id: 5 });
    await second.until(({ type, id }) => type === 'error' && id === 5);
    second.element.remove();
    return [...said, ...second.said].map(({ id, error }) => [id, error.code, error.detail]);
  });
  assert.deepEqual(found, [
    ['h', 'bad_version', { versions: [1] }],
    ['h', 'bad_version', { versions: [1] }],
    [5, 'bad_message', { param: 'type', expected: 'hello' }],
  ]);
});

/** Something that is nearly a message, or nothing like one. */
function nonsense(random) {
  const of = (list) => list[Math.floor(random() * list.length)];
  const deep = (n) => (n === 0 ? 1 : { a: deep(n - 1) });
  const values = [null, 0, -1, 1e300, NaN, '', 'x', 'x'.repeat(300), [], [1, [2]], {}, { url: 1 }, { pieces: {} }, { stored: 3 }, { url: 'x', more: 1 }, deep(150), true, Array(20).fill(1)];
  const types = ['hello', 'load', 'availability', 'chat', 'abort', 'ledger', 'stored', 'stats', 'unload', 'dispose', 'piece', 'consent_answer', 'token_answer', 'refuse', 'constructor', '__proto__', 'toString', 7, null];
  const fields = ['id', 'versions', 'host', 'model', 'options', 'memory', 'params', 'resume', 'rows', 'at', 'data', 'answer', 'token', 'message', 'extra', 'toString'];
  const right = [
    { type: 'load', id: 1, model: { url: 'x:' }, options: { backend: 'cpu' } },
    { type: 'availability', id: 2, model: { pieces: { name: 'a', size: 4 } }, memory: 5 },
    { type: 'chat', id: 3, params: { messages: [] }, resume: { text: '' } },
    { type: 'piece', id: 'p1', at: 0, data: 'AAAA' },
    { type: 'consent_answer', id: 'p2', answer: 'once' },
    { type: 'ledger', id: 4, rows: true },
    { type: 'stored', id: 5 },
  ];
  if (random() < 0.1) return of(values);
  const message = { kinglet: random() < 0.9 ? 1 : of(values), ...(random() < 0.5 ? of(right) : { type: of(types) }) };
  for (let i = Math.floor(random() * 4); i > 0; i--) message[of(fields)] = of(values);
  return message;
}

test('500 malformed messages: each that is answered is answered with a typed error, and the page goes on', { skip, timeout }, async () => {
  // Made on the page: the driver itself does not survive all of them.
  const found = await page.evaluate(async ([nonsense, seeded]) => {
    const random = new Function(`return ${seeded}`)()(20261122);
    const make = new Function(`return ${nonsense}`)();
    const messages = Array.from({ length: 500 }, () => make(random));
    const { port, said, say, until, element } = await raw();
    await until(({ type }) => type === 'ready');
    messages.forEach((message) => port.postMessage(message));
    say({ type: 'ping', id: 'last' });
    await until(({ id, type }) => id === 'last' && type === 'done');
    const isWrong = (one) => {
      try {
        return !checkFromPage(one);
      } catch {
        return true;
      }
    };
    // Some of them were requests, which may fill up what can be open.
    let list = false;
    for (let n = 0; n < 100 && !list; n++) {
      say({ type: 'stored', id: `works ${n}` });
      list = Array.isArray((await until(({ id, type }) => id === `works ${n}` && ['done', 'error'].includes(type))).value);
    }
    element.remove();
    return { list, wrong: said.filter(isWrong).length, codes: said.filter(({ type }) => type === 'error').map(({ error }) => error.code) };
  }, [String(nonsense), String(seeded)]);
  assert.deepEqual([found.list, found.wrong], [true, 0]);
  const allowed = ['bad_message', 'bad_version', 'bad_piece', 'not_loaded', 'invalid_request', 'http', 'io', 'not_stored', 'too_many', 'bad_file', 'aborted'];
  assert.deepEqual([...new Set(found.codes)].filter((code) => !allowed.includes(code)), []);
  assert.ok(found.codes.length > 350, `${found.codes.length} errors`);
  assert.ok(new Set(found.codes).size > 3, [...new Set(found.codes)].join());
});

test('too many requests at once are refused by name, and what is let go while it loads is not loaded', { skip, timeout }, async () => {
  const codes = await page.evaluate(async ({ model, options, ask }) => {
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    await embed.load({ model: { url: model }, options });
    // The first one is never at its end (262 is the end token) before the last one is asked.
    const first = { max_tokens: 400, logit_bias: { 262: -100 } };
    const all = await Promise.all(Array.from({ length: 40 }, (_, i) => error(() => embed.chat.completions.create({ ...ask, ...(i === 0 ? first : { max_tokens: 1 }) }))));
    const twice = await Promise.all([0, 1].map(() => error(() => embed.load({ model: { url: model }, options }))));
    const ended = error(() => embed.load({ model: { url: model }, options }));
    await embed.dispose();
    const gone = await error(() => embed.stats());
    return [(await ended).code, gone.code, all.filter(({ code }) => code === 'too_many').length, all.filter(({ value }) => value).length, twice.map(({ code }) => code ?? 'loaded')];
  }, { model: MODEL, options: OPTIONS, ask: ASK });
  assert.deepEqual(codes, ['aborted', 'not_loaded', 8, 32, ['loaded', 'too_many']]);
});

/** A remote model behind the page, whose tokens the app has. */
const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
const remotely = (order) => ({ ...OPTIONS, mode: 'only-remote', remote: [{ name: 'strong', price, baseURL: llm.base(order), model: 'large', retries: 0, token: true }] });

test('consent, token and ledger: the app is asked, and sees what was spent', { skip, timeout }, async () => {
  llm.reset();
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const asked = [];
    const onConsent = ({ remote, host, preview }) => (asked.push({ remote, host, preview }), 'once');
    const getToken = ({ remote }) => (asked.push({ token: remote }), 'secret-token');
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site, onConsent, getToken });
    await embed.load({ model: { url: model }, options });
    const answer = await embed.chat.completions.create(ask);
    const ledger = await embed.ledger({ rows: true });
    await embed.dispose();
    const other = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    await other.load({ model: { url: model }, options });
    const denied = await error(() => other.chat.completions.create(ask));
    await other.dispose();
    const keyed = await error(() => other.load({ model: { url: model }, options: { ...options, remote: [{ ...options.remote[0], apiKey: 'sk-1' }] } }));
    return { answer, asked, ledger, denied, keyed };
  }, { model: MODEL, options: remotely('ok'), ask: ASK });
  assert.equal(found.answer.kinglet.source, 'remote');
  assert.deepEqual(found.asked.map(({ remote, token }) => remote ?? `token for ${token}`), ['strong', 'token for strong']);
  assert.equal(llm.truth.length, 1, 'and nothing was sent without consent');
  assert.deepEqual(JSON.parse(found.asked[0].preview), llm.truth[0].body);
  assert.equal(llm.truth[0].headers.authorization, 'Bearer secret-token');
  assert.equal(found.ledger.rows.at(-1).cost, found.answer.kinglet.cost);
  assert.ok(!JSON.stringify(found).includes('secret-token'));
  assert.equal(found.denied.code, 'consent_denied', found.denied.message);
  assert.deepEqual([found.keyed.code, found.keyed.detail.param, JSON.stringify(found.keyed).includes('sk-1')], ['bad_message', 'options.remote[0].apiKey', false]);
});

test('an app that does not answer has said no', { skip, timeout }, async () => {
  llm.reset();
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const onConsent = ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => ((globalThis.taken = true), resolve('once'))));
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site, onConsent, getToken: () => 'x', patience: { consent: 200 } });
    await embed.load({ model: { url: model }, options });
    const denied = await error(() => embed.chat.completions.create(ask));
    await embed.dispose();
    return { code: denied.code, closed: globalThis.taken };
  }, { model: MODEL, options: remotely('ok'), ask: ASK });
  assert.deepEqual(found, { code: 'consent_denied', closed: true });
  assert.equal(llm.truth.length, 0);
});

test('an answer that a remote model was paid for is not paid for again when the page was ended', { skip, timeout }, async () => {
  llm.reset();
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const element = frame(`${site}/embed.html`);
    const embed = await connectEmbed(element, { origin: site, onConsent: () => 'session', getToken: () => 'x' });
    await embed.load({ model: { url: model }, options });
    const outcome = await error(async () => {
      for await (const _ of await embed.chat.completions.create({ ...ask, stream: true })) element.src ||= '', (element.src = `${site}/embed.html?again`);
    });
    await embed.dispose();
    return outcome.code;
  }, { model: MODEL, options: remotely('n=200,drip=20'), ask: ASK });
  assert.equal(found, 'no_answer');
  assert.equal(llm.truth.length, 1);
});

/** What an app puts into a WebView, in words of this page: `said` collects what the page says, `hear` is what the app says. */
const STANDINS = {
  'kingletHost of Android': () => {
    globalThis.said = [];
    globalThis.kingletHost = { postMessage: (text) => globalThis.said.push(JSON.parse(text)) };
    globalThis.hear = (message) => globalThis.kingletHost.onmessage({ data: JSON.stringify(message) });
  },
  'messageHandlers of WebKit': () => {
    globalThis.said = [];
    globalThis.webkit = { messageHandlers: { kinglet: { postMessage: (text) => globalThis.said.push(JSON.parse(text)) } } };
    globalThis.hear = (message) => globalThis.kingletEmbed.receive(JSON.stringify(message));
  },
};

for (const [name, standin] of Object.entries(STANDINS)) {
  test(`${name}: texts, pieces as base64, and what is no JSON`, { skip, timeout }, async () => {
    const view = await browser.newPage();
    await view.addInitScript(standin);
    await view.goto(`${site.origin}/embed.html`);
    await view.waitForFunction(() => globalThis.said.some(({ type }) => type === 'awake'));
    const found = await view.evaluate(async ({ options, ask }) => {
      const { toBase64 } = await import('/pkg/dist/embed/index.js');
      const bytes = new Uint8Array(await (await fetch('/models/nano.gguf')).arrayBuffer());
      const { said, hear } = globalThis;
      const answer = (message) => {
        if (message.type !== 'want') return;
        const { id, at, length } = message;
        hear({ kinglet: 1, type: 'piece', id, at, data: toBase64(bytes.subarray(at, at + length)) });
      };
      said.push = (message) => (Promise.resolve().then(() => answer(message)), Array.prototype.push.call(said, message));
      const until = async (is) => {
        while (!said.some(is)) await new Promise((resolve) => setTimeout(resolve, 10));
        return said.find(is);
      };
      hear({ kinglet: 1, type: 'hello', id: 1, versions: [1], host: 'native' });
      const ready = await until(({ type }) => type === 'ready');
      hear({ kinglet: 1, type: 'load', id: 2, model: { pieces: { name: 'a', size: bytes.length } }, options: { ...options, store: 'none' } });
      const loaded = await until(({ id, type }) => id === 2 && ['done', 'error'].includes(type));
      hear({ kinglet: 1, type: 'chat', id: 3, params: ask });
      const chat = await until(({ id, type }) => id === 3 && ['done', 'error'].includes(type));
      (globalThis.kingletEmbed?.receive ?? ((data) => globalThis.kingletHost.onmessage({ data })))('{"kinglet":1,');
      const wrong = await until(({ type, id }) => type === 'error' && id === null);
      return { bytes: ready.capabilities.bytes, most: Math.max(...said.map(({ length = 0 }) => length)), loaded, chat, wrong: wrong.error.code };
    }, { options: OPTIONS, ask: ASK });
    assert.equal(found.loaded.type, 'done', JSON.stringify(found.loaded));
    assert.ok(found.chat.value.choices[0].message.content.length > 0);
    assert.deepEqual([found.bytes, found.wrong], ['text', 'bad_message']);
    assert.ok(found.most > 0 && found.most <= 262_144, `${found.most} bytes at a time`);
    await view.close();
  });
}

test('by itself the page says what it is for', { skip, timeout }, async () => {
  const alone = await browser.newPage();
  await alone.goto(`${site.origin}/embed.html`);
  await alone.locator('body[data-ready]').waitFor();
  assert.match(await alone.locator('#status').textContent(), /for an app to embed/);
  await alone.close();
});
