// The option `speculation`: what is refused, what crosses to the engine; and in Node, on the package's Wasm, that answers stay what
// they are whoever proposes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { notBuilt } from './support/browser.mjs';

const skip = notBuilt() ?? false;
const ROOT = new URL('../../', import.meta.url);
const file = (path) => readFileSync(new URL(path, ROOT));
const golden = (name) => new Blob([file(`tests/goldens/${name}.gguf`)]);
const GIVEN = { streams: [] };

test('what cannot be is refused by name', { skip }, async () => {
  const { checkOptions } = await import('../../pkg/dist/options.js');
  for (const speculation of ['auto', true, null, {}, { draft: 'a.gguf', length: 3 }, 4]) {
    assert.throws(() => checkOptions({ model: 'm.gguf', speculation }), ({ code, detail }) => code === 'invalid_request' && detail.param === 'speculation');
  }
  for (const speculation of ['off', 'lookup', { draft: 'a.gguf' }, undefined]) checkOptions({ model: 'm.gguf', speculation });
});

test('the files of a draft model stand beside those of the model', { skip }, async () => {
  const { loadArguments } = await import('../../pkg/dist/options.js');
  const load = async (speculation) => {
    const { draft, options } = await loadArguments({ model: 'https://a.example/m.gguf', speculation }, GIVEN, undefined);
    return [draft?.map(({ url }) => url), options.speculation];
  };
  assert.deepEqual(await load('off'), [undefined, undefined]);
  assert.deepEqual(await load('lookup'), [undefined, 'lookup']);
  assert.deepEqual(await load({ draft: 'https://a.example/d.gguf' }), [['https://a.example/d.gguf'], undefined]);
  const wrong = ({ code, detail, message }) => code === 'invalid_request' && detail.param === 'speculation.draft' && message.includes('speculation.draft: expected');
  await assert.rejects(load({ draft: 4 }), wrong);
  await assert.rejects(load({ draft: [] }), wrong);
});

test('the engine answers the same whoever proposes, and refuses a draft model of another vocabulary', { skip }, async () => {
  const { createKinglet } = await import('../../pkg/dist/index.js');
  const wasm = file('pkg/wasm/kinglet_bg.wasm').buffer;
  const options = { model: golden('qwen2'), host: 'here', backend: 'cpu', cacheType: 'f32', context: 256, wasm };
  const answer = async (speculation) => {
    const kinglet = await createKinglet({ ...options, ...(speculation && { speculation }) });
    try {
      const { choices, kinglet: own } = await kinglet.completions.create({ prompt: 'one two one two one', max_tokens: 200, temperature: 0, logit_bias: { 2: -100 } });
      return { text: choices[0].text, ...own.timings };
    } finally {
      kinglet.dispose();
    }
  };
  const plain = await answer();
  assert.equal(plain.drafted_tokens, undefined);
  for (const speculation of ['lookup', { draft: golden('qwen2') }]) {
    const { text, drafted_tokens: drafted = 0, accepted_tokens: accepted = 0 } = await answer(speculation);
    assert.equal(text, plain.text);
    assert.ok(accepted <= drafted && drafted <= 2000, `${accepted} of ${drafted}`);
    if (typeof speculation === 'object') assert.ok(drafted > 0, 'it was tried at least');
  }
  const desk = new Blob([file('models/desk/desk-nano.gguf')]);
  await assert.rejects(answer({ draft: desk }), ({ code, detail, message }) => code === 'invalid_request' && detail.param === 'speculation.draft' && /token \d+/.test(message));
});
