// The page that apps embed, in a frame of an app of another origin, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { openApp, serveEmbed } from './support/embed.mjs';

const skip = missing() ?? noDesk() ?? false;
const timeout = 120_000;
const MODEL = '/models/nano.gguf';
const OPTIONS = { backend: 'cpu', threads: 1, context: 512 };
const ASK = { messages: [{ role: 'user', content: 'Where is my parcel?' }], max_tokens: 24, temperature: 0 };
/** Never the end token: an answer that ends at its limit alone. */
const ENDLESS = { logit_bias: { 262: -100 } };

let browser, page, site, app;
before(async () => {
  if (skip) return;
  const models = { 'nano.gguf': DESK_NANO };
  app = await serveEmbed({ models });
  site = await serveEmbed({ models, origins: () => [app.origin] });
  browser = await launch();
  page = await openApp(browser, app.origin, site.origin);
});
after(async () => {
  await browser?.close();
  await Promise.all([site, app].map((server) => server?.close()));
});

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
    const found = await page.evaluate(async ({ spoil, options, patience }) => {
      const change = new Function(`return ${spoil}`)();
      const { say, until, said, element } = await raw({ patience });
      say({ type: 'load', id: 1, model: { pieces: { name: `bad ${spoil.length}`, size: 100_000 } }, options: { ...options, store: 'none' } });
      const { id, at, length } = await until(({ type }) => type === 'want');
      const spoiled = change({ type: 'piece', id, at, data: new ArrayBuffer(length) });
      if (spoiled) say(spoiled);
      const { error } = await until(({ type, id }) => type === 'error' && id === 1);
      element.remove();
      return { error, withdrawn: said.some(({ type }) => type === 'withdrawn') };
    }, { spoil: String(spoil), options: OPTIONS, patience: what === 'that never comes' ? { piece: 300 } : {} });
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
  const found = await page.evaluate(async ({ model, options, ask, endless }) => {
    const embed = await connectEmbed(frame(`${site}/embed.html`), { origin: site });
    await embed.load({ model: { url: model }, options });
    const control = new AbortController();
    const long = { ...ask, ...endless, max_tokens: 4000, kinglet: { context_shift: true }, temperature: 1, stream: true };
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
  }, { model: MODEL, options: OPTIONS, ask: ASK, endless: ENDLESS });
  assert.deepEqual(found.both, ['aborted', 'aborted']);
  assert.deepEqual([found.after, found.back, found.gone], [2, 2, 'not_loaded']);
  assert.equal(found.counted, 'number');
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

test('a page that is ended in the middle of an answer: the app reads on as if nothing had been', { skip, timeout }, async () => {
  const found = await page.evaluate(async ({ model, options, ask, endless }) => {
    const request = { ...ask, ...endless, temperature: 1, seed: 11, max_tokens: 300, stream: true, kinglet: { context_shift: true } };
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
  }, { model: MODEL, options: OPTIONS, ask: ASK, endless: ENDLESS });
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
