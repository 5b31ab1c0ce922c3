// The page that apps embed, in a frame of an app of another origin, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { serveEmbed } from './support/embed.mjs';
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
  page = await opened(app.origin);
});
after(async () => {
  await browser?.close();
  await Promise.all([site, app, stranger, llm].map((server) => server?.close()));
});

/** An app's page at `origin`, with the client, `frame(src)` and `plain(value)`. */
async function opened(origin) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${origin}/app.html`);
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
  }, site.origin);
  return page;
}

test('a model by its address: a streamed chat says what the package says by itself', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    const phases = [];
    const loaded = await embed.load({ model: { url: model }, options, onProgress: ({ phase }) => phases.push(phase) });
    const texts = [];
    for await (const chunk of await embed.chat.completions.create({ ...ask, stream: true })) texts.push(chunk.choices[0]?.delta.content ?? '');
    const whole = await embed.chat.completions.create(ask);
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model, ...options });
    const direct = await kinglet.chat.completions.create(ask);
    kinglet.dispose();
    await embed.dispose();
    return { loaded, phases: [...new Set(phases)], texts, whole, direct, info: loaded.info, capabilities: embed.capabilities };
  }, { model: MODEL, options: OPTIONS, ask: ASK });
  assert.equal(found.texts.join(''), found.direct.choices[0].message.content);
  assert.ok(found.texts.filter(Boolean).length > 1, 'in pieces');
  assert.equal(found.whole.choices[0].message.content, found.direct.choices[0].message.content);
  assert.deepEqual([found.info.backend, found.info.context, found.loaded.memory], ['cpu', 512, { needed: null, budget: null, cacheType: 'f16' }]);
  assert.ok(found.phases.includes('ready'), found.phases.join());
  assert.deepEqual([found.capabilities.bytes, found.capabilities.store, found.capabilities.simd], ['port', 'opfs', true]);
});

test('a file of the app, in pieces: asked for as it is needed, and once only', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ options, ask }) => {
    const bytes = await (await fetch('/models/nano.gguf')).arrayBuffer();
    const file = new File([bytes], 'mine.gguf', { lastModified: 7 });
    let asked = 0;
    const { slice } = Blob.prototype;
    file.slice = (...range) => ((asked += range[1] - range[0]), slice.apply(file, range));
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    const found = await embed.availability({ model: file, options });
    const header = asked;
    await embed.load({ model: file, options });
    const first = asked - header;
    const answer = await embed.chat.completions.create(ask);
    const other = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    await other.load({ model: file, options });
    const second = asked - header - first;
    const again = await error(() => other.load({ model: { stored: 'mine.gguf' }, options }));
    const none = await error(() => other.load({ model: { stored: 'other.gguf' }, options }));
    const newer = new File([bytes], 'mine.gguf', { lastModified: 8 });
    let third = 0;
    newer.slice = (...range) => ((third += range[1] - range[0]), slice.apply(newer, range));
    await other.load({ model: newer, options });
    await other.load({ model: new Blob([bytes]), options });
    const names = (await other.stored()).flatMap(({ urls }) => urls.filter((url) => !url.startsWith('http'))).sort();
    await Promise.all([embed.dispose(), other.dispose()]);
    return { status: found.status, size: bytes.byteLength, header, first, second, text: answer.choices[0].message.content, again: again.value?.info.model ?? again, none: none.code, third, names };
  }, { options: OPTIONS, ask: ASK });
  assert.equal(found.status, 'downloadable');
  assert.ok(found.header < found.size, `only the header: ${found.header} of ${found.size}`);
  assert.ok(found.first === found.size, `${found.first} of ${found.size}`);
  assert.equal(found.second, 0, 'it is in the store');
  assert.deepEqual([found.again, found.none], ['desk-nano', 'not_stored']);
  assert.equal(found.third, found.size, 'another version is another file');
  assert.deepEqual(found.names, ['name:mine.gguf@7', 'name:mine.gguf@8'], 'bytes without a name are not kept');
  assert.ok(found.text.length > 0);
});

for (const [what, spoil, code] of [
  ['of another place', (piece) => ({ ...piece, at: piece.at + 1 }), 'bad_piece'],
  ['too short', (piece) => ({ ...piece, data: piece.data.slice(1) }), 'bad_piece'],
  ['too long', (piece) => ({ ...piece, data: new ArrayBuffer(piece.data.byteLength + 1) }), 'bad_piece'],
  ['no base64', (piece) => ({ ...piece, data: '%%%' }), 'bad_piece'],
  ['refused', ({ id }) => ({ type: 'refuse', id, message: 'the disk is gone' }), 'host_silent'],
  ['that never comes', () => undefined, 'host_silent'],
]) {
  test(`a piece ${what}: ${code}`, { skip, timeout }, async () => {
    const found = await page.evaluate(async ({ spoil, options }) => {
      const change = new Function(`return ${spoil}`)();
      const { say, until, said, element } = await raw({ patience: { piece: 300 } });
      say({ type: 'load', id: 1, model: { pieces: { name: `bad ${spoil.length}`, size: 100_000 } }, options: { ...options, store: 'none' } });
      const { id, at, length } = await until(({ type }) => type === 'want');
      const spoiled = change({ type: 'piece', id, at, data: new ArrayBuffer(length) });
      if (spoiled) say(spoiled);
      const { error } = await until(({ type, id }) => type === 'error' && id === 1);
      element.remove();
      return { error, withdrawn: said.some(({ type }) => type === 'withdrawn') };
    }, { spoil: String(spoil), options: OPTIONS });
    assert.equal(found.error.code, code, found.error.message);
    assert.equal(found.withdrawn, what === 'that never comes');
  });
}

test('a piece twice, and one that nobody has asked for, are refused by name and change nothing', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ options }) => {
    const bytes = await (await fetch('/models/nano.gguf')).arrayBuffer();
    const { say, until, said, port, element } = await raw();
    port.addEventListener('message', ({ data: { type, id, at, length } }) => {
      if (type === 'want') [1, 2].forEach(() => say({ type: 'piece', id, at, data: bytes.slice(at, at + length) }));
    });
    say({ type: 'piece', id: 'p99', at: 0, data: new ArrayBuffer(1) });
    say({ type: 'load', id: 1, model: { pieces: { name: 'twice', size: bytes.byteLength } }, options: { ...options, store: 'none' } });
    const { value, error } = await until(({ type, id }) => ['done', 'error'].includes(type) && id === 1);
    element.remove();
    return { model: value?.info.model ?? error.message, wants: said.filter(({ type }) => type === 'want').length, errors: said.filter(({ type }) => type === 'error').map(({ error }) => error.code) };
  }, { options: OPTIONS });
  assert.equal(found.model, 'desk-nano');
  assert.equal(found.errors.length, found.wants + 1);
  assert.deepEqual([...new Set(found.errors)], ['bad_piece']);
});

test('abort, of an answer that runs and of one that waits', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    await embed.load({ model: { url: model }, options });
    const control = new AbortController();
    const long = { ...ask, max_tokens: 400, kinglet: { context_shift: true }, temperature: 1, stream: true };
    const waits = async (signal) => {
      const stream = await embed.chat.completions.create(long, { signal });
      for await (const _ of stream) control.abort();
    };
    const both = await Promise.all([error(() => waits(control.signal)), error(() => waits(control.signal))]);
    for await (const _ of await embed.chat.completions.create(long)) break; // leaving it ends it, too
    const after = await embed.chat.completions.create({ ...ask, max_tokens: 2 });
    const { requests } = await embed.stats();
    await embed.unload();
    const back = await embed.chat.completions.create({ ...ask, max_tokens: 2 });
    await embed.dispose();
    const gone = await error(() => embed.chat.completions.create(ask));
    return { both: both.map(({ code }) => code), after: after.usage.completion_tokens, counted: typeof requests, back: back.usage.completion_tokens, gone: gone.code };
  }, { model: MODEL, options: OPTIONS, ask: ASK });
  assert.deepEqual(found.both, ['aborted', 'aborted']);
  assert.deepEqual([found.after, found.back, found.gone], [2, 2, 'not_loaded']);
  assert.equal(found.counted, 'number');
});

test('a stranger who has the page in a frame hears nothing, and is not heard', { skip, timeout }, async () => {
  const other = await opened(stranger.origin);
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
    const all = await Promise.all(Array.from({ length: 40 }, () => error(() => embed.chat.completions.create({ ...ask, max_tokens: 1 }))));
    const twice = await Promise.all([0, 1].map(() => error(() => embed.load({ model: { url: model }, options }))));
    const ended = error(() => embed.load({ model: { url: model }, options }));
    await embed.dispose();
    const gone = await error(() => embed.stats());
    return [(await ended).code, gone.code, all.filter(({ code }) => code === 'too_many').length, all.filter(({ value }) => value).length, twice.map(({ code }) => code ?? 'loaded')];
  }, { model: MODEL, options: OPTIONS, ask: ASK });
  assert.deepEqual(codes, ['aborted', 'not_loaded', 8, 32, ['loaded', 'too_many']]);
});

test("the app's bound of memory: less context, then a smaller cache, then no", { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ model, options }) => {
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    const whole = await embed.availability({ model: { url: model }, options: { ...options, context: 1024 } });
    const { needed } = whole.memory;
    const cache = whole.model.memory.cache;
    const within = async (memory) => {
      const { value, code, detail } = await error(() => embed.load({ model: { url: model }, options: { ...options, context: 1024 }, memory }));
      return value ? { ...value.memory, context: value.info.context } : { code, detail };
    };
    const rows = [await within(needed), await within(needed - 1), await within(needed - Math.floor(cache * 0.6)), await within(Math.floor(cache / 2))];
    const said = await embed.availability({ model: { url: model }, options, memory: 1 });
    await embed.dispose();
    return { needed, rows, said };
  }, { model: MODEL, options: OPTIONS });
  const [all, smaller, less, none] = found.rows;
  assert.deepEqual([all.context, all.cacheType, all.needed], [1024, 'f16', found.needed]);
  assert.deepEqual([smaller.context, smaller.cacheType], [1024, 'q8_0']);
  assert.ok(less.context < 1024 && less.context >= 256 && less.needed <= less.budget, JSON.stringify(less));
  assert.equal(none.code, 'too_large');
  assert.ok(none.detail.needed > none.detail.available, JSON.stringify(none));
  assert.deepEqual([found.said.status, found.said.memory.available], ['too_large', 1]);
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

test('a page that is ended in the middle of an answer: the app reads on as if nothing had been', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const request = { ...ask, temperature: 1, seed: 11, max_tokens: 300, stream: true, kinglet: { context_shift: true } };
    const lives = [];
    const element = frame(`${site}/embed.html`);
    const embed = await connectEmbed(element, { origin: site, onRestart: (session) => lives.push(session) });
    lives.push(embed.session);
    await embed.load({ model: { url: model }, options });
    const read = async (at) => {
      let [text, n, replaced] = ['', 0, 0];
      for await (const { choices, kinglet } of await embed.chat.completions.create(request)) {
        text += choices[0]?.delta.content ?? '';
        if (kinglet?.replaced !== undefined) replaced += 1;
        if (++n === at) element.src = `${site}/embed.html?again`;
      }
      return { text, replaced };
    };
    const whole = await read();
    const cut = await read(3);
    await embed.dispose();
    return { whole, cut, lives };
  }, { model: MODEL, options: OPTIONS, ask: ASK });
  assert.equal(found.cut.text, found.whole.text);
  assert.deepEqual([found.cut.replaced, new Set(found.lives).size], [0, 2]);
});

test('text that the app has and the answer has not is replaced', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ model, options, ask }) => {
    const { say, until, said, element } = await raw();
    say({ type: 'load', id: 1, model: { url: model }, options });
    await until(({ type, id }) => type === 'done' && id === 1);
    const chat = async (id, resume) => {
      say({ type: 'chat', id, params: { ...ask, stream: true }, ...(resume === undefined ? {} : { resume: { text: resume } }) });
      await until((one) => one.id === id && ['done', 'error'].includes(one.type));
      const own = said.filter((one) => one.id === id);
      return { text: own.map(({ chunk }) => chunk?.choices[0]?.delta.content ?? '').join(''), replaced: own.filter(({ type }) => type === 'replace').map(({ text }) => text) };
    };
    const whole = await chat(2);
    const rest = await chat(3, whole.text.slice(0, 9));
    const other = await chat(4, `${whole.text.slice(0, 9)}#`);
    const longer = await chat(5, `${whole.text} and more`);
    element.remove();
    return { whole, rest, other, longer };
  }, { model: MODEL, options: OPTIONS, ask: ASK });
  const { text } = found.whole;
  assert.deepEqual(found.rest, { text: text.slice(9), replaced: [] });
  assert.equal(found.other.replaced.length, 1);
  assert.equal(found.other.replaced[0] + found.other.text, text);
  assert.deepEqual([found.longer.text, found.longer.replaced], ['', [text]]);
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
