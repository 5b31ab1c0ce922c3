// The package and its page in three browsers that share no code: Chromium, Firefox and WebKitGTK, on the processor. The
// same text must come out of all of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { notBuilt, shared } from './support/browser.mjs';
import { EXPOSE, LAUNCHERS, ready } from './support/browsers.mjs';
import { fileModel, startServer } from './support/server.mjs';

const NAME = 'stories260K-f32';
const path = shared(`models/${NAME}.gguf`);
const golden = path && JSON.parse(readFileSync(shared(`models/${NAME}.golden.json`), 'utf8')).llama_cpp.generations[0];

let server;
let isolated;
before(async () => {
  const scripts = new Map([['/expose.js', EXPOSE]]);
  server = await startServer(new Map(), { scripts });
  isolated = await startServer(server.models, { scripts, isolated: true });
  server.models.set('small.gguf', fileModel(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url))));
  if (path) server.models.set(`${NAME}.gguf`, fileModel(path));
});
after(() => Promise.all([server?.close(), isolated?.close()]));

/** One greedy answer. */
async function ask({ model, prompt, max_tokens, options }) {
  const engine = await globalThis.kinglet.createKinglet({ model, backend: 'cpu', cacheType: 'f32', ...options });
  const answer = await engine.completions.create({ prompt, max_tokens, temperature: 0 });
  engine.dispose();
  return { info: engine.info, text: answer.choices[0].text, tokens: answer.usage.completion_tokens };
}

const SMALL = { model: '/models/small.gguf', prompt: 'The kinglet is small', max_tokens: 16 };
/** What llama-cpp-python 0.3.36 answers to it; the likeliest token leads by at least 0.085 in every step. */
const SMALL_TEXT = '\ufffd{\ufffdviiiiirrrr%%';

for (const [name, { missing, launch, module }] of Object.entries(LAUNCHERS)) {
  const skip = missing() ?? notBuilt() ?? false;
  let browser;
  after(() => browser?.close());

  test(`${name} starts, and shows the page`, { skip }, async () => {
    browser = await launch();
    await browser.goto(server.origin);
    assert.deepEqual(await browser.evaluate(ready), { shown: 'Load a model to begin.', error: false });
  });

  test(`${name}: a small model answers, with the module that fits`, { skip }, async () => {
    const { info, text, tokens } = await browser.evaluate(ask, SMALL);
    assert.deepEqual([info.backend, info.module, tokens], ['cpu', module, 16]);
    assert.equal(text, SMALL_TEXT);
    const plain = await browser.evaluate(ask, { ...SMALL, options: { module: 'baseline' } });
    assert.deepEqual([plain.info.module, plain.text], ['baseline', text]);
  });

  for (const kind of ['plain', 'isolated']) {
    test(`${name}: two threads say the same as one (${kind} page)`, { skip }, async () => {
      await browser.goto((kind === 'plain' ? server : isolated).origin);
      await browser.evaluate(ready);
      const one = await browser.evaluate(ask, { ...SMALL, options: { threads: 1 } });
      const two = await browser.evaluate(ask, { ...SMALL, options: { threads: 2 } });
      assert.deepEqual([one.info.threads, two.info.threads], [1, 2], two.info.threads_why);
      // This WebKitGTK isolates no page: there the threads send messages in both cases.
      assert.equal(two.info.isolated, kind === 'isolated' && name !== 'webkit');
      assert.equal(two.text, one.text);
    });
  }

  test(`${name}: ${NAME} answers with the reference's text`, { skip: skip || (path ? false : 'no shared data') }, async () => {
    const { info, text } = await browser.evaluate(ask, { model: `/models/${NAME}.gguf`, prompt: golden.prompt, max_tokens: golden.tokens.length });
    assert.equal(info.module, module);
    assert.equal(text, golden.text);
  });
}
