// The page that apps embed, in a frame of an app of another origin, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { serveEmbed } from './support/embed.mjs';

const skip = missing() ?? noDesk() ?? false;
const MODEL = '/models/nano.gguf';
const OPTIONS = { backend: 'cpu', threads: 1, context: 512 };
const ASK = { messages: [{ role: 'user', content: 'Where is my parcel?' }], max_tokens: 24, temperature: 0 };

let browser, page, site, app, stranger;
before(async () => {
  if (skip) return;
  const models = { 'nano.gguf': DESK_NANO };
  [app, stranger] = [await serveEmbed({ models }), await serveEmbed()];
  site = await serveEmbed({ models, origins: () => [app.origin] });
  browser = await launch();
  page = await opened(app.origin);
});
after(async () => {
  await browser?.close();
  await Promise.all([site, app, stranger].map((server) => server?.close()));
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
    Object.assign(globalThis, { ...embed, frame, error, site: origin });
  }, site.origin);
  return page;
}

test('a model by its address: a streamed chat says what the package says by itself', { skip }, async () => {
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
  assert.deepEqual([found.info.backend, found.info.context, found.loaded.memory.context], ['cpu', 512, 512]);
  assert.ok(found.phases.includes('ready'), found.phases.join());
  assert.deepEqual([found.capabilities.bytes, found.capabilities.store, found.capabilities.simd], ['port', 'opfs', true]);
});
