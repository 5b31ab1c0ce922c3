// What the models view says of a device and of a download, from numbers alone: verdicts, speed, names of files.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addressOf, choiceOf, choiceOfEntry } from '../../www/lib/choice.js';
import { Rate } from '../../www/lib/rate.js';
import { parts, partOf } from '../../www/lib/split.js';
import { notBuilt } from './support/browser.mjs';
import { estimate, inWords } from '../../www/lib/verdicts.js';

const { models } = JSON.parse(readFileSync(new URL('../../models/catalog.json', import.meta.url), 'utf8'));
const entry = (id) => models.find((each) => each.id === id);
const GIB = 2 ** 30;
const GPU = { name: 'a GPU', maxBuffer: 2 * GIB, software: false };
const room = { available: 20e9 };

test('a verdict for each kind of device, as an estimate', () => {
  const say = (id, device, options) => {
    const { level, text } = estimate(entry(id), device === undefined ? undefined : { room, ...device }, options);
    return `${level}: ${text}`;
  };
  assert.equal(say('qwen2.5-1.5b', { gpu: GPU, memory: 4 * GIB }), 'good: Should run on the GPU with 4096 tokens.');
  assert.equal(say('qwen3-1.7b', { gpu: GPU, memory: 4 * GIB }), 'tight: Should fit on the GPU with 2048 tokens.');
  assert.equal(say('phi-4-mini', { gpu: GPU, memory: 4 * GIB }), 'bad: Too large: takes about 2.7 GB, a page can have about 2.1 GB.');
  assert.equal(say('phi-4-mini', { gpu: GPU, memory: 8 * GIB, memoryAtLeast: true }), 'good: Should run on the GPU with 4096 tokens.');
  assert.equal(say('phi-4-mini', { gpu: { ...GPU, software: true }, memory: 8 * GIB, memoryAtLeast: true }), 'tight: Should run on the processor, slowly, with 4096 tokens.');
  assert.equal(say('smollm2-135m', {}), 'good: Should run on the processor with 4096 tokens if this device has 261 MB to spare.');
  assert.equal(say('smollm2-135m', { room: { available: 1e6 } }), 'bad: Not enough storage: 145 MB to download, 1.0 MB free.');
  assert.equal(say('smollm2-135m', { gpu: undefined }, { backend: 'gpu' }), 'bad: There is no GPU that this browser lets a page use.');
  assert.equal(say('smollm2-135m', { gpu: GPU, memory: 4 * GIB }, { context: 1 << 22 }).split(':')[0], 'bad');
  assert.equal(say('tinyllama-1.1b', { gpu: GPU, memory: 4 * GIB }), 'good: Should run on the GPU with 2048 tokens.');
  assert.equal(say('desk', undefined), 'unknown: Looking at this device…');
});

test('an exact answer in words', () => {
  const model = { context: 4096, trained_context: 32768 };
  const memory = { needed: 2e9, available: 4e9 };
  assert.deepEqual(inWords({ status: 'downloadable', backend: 'gpu', memory, model }), { level: 'good', text: 'Runs on the GPU with 4096 tokens; takes 2.0 GB.' });
  const less = inWords({ status: 'available', backend: 'gpu', memory, model: { ...model, context: 2048 } });
  assert.deepEqual(less, { level: 'tight', text: 'Fits on the GPU with 2048 tokens; takes 2.0 GB.' });
  const small = inWords({ status: 'available', backend: 'cpu', memory, model: { context: 1024, trained_context: 1024 } });
  assert.equal(small.level, 'good', 'all that a model was trained for is no less');
  assert.equal(inWords({ status: 'too_large', code: 'too_large', memory: { needed: 5e9, available: 4e9 } }).text, 'Too large: needs 5.0 GB, there are 4.0 GB.');
  const full = { status: 'too_large', code: 'quota_exceeded', memory, download: { needed: 2e9, available: 1e9 } };
  assert.equal(inWords(full).text, 'Not enough storage: needs 2.0 GB, there are 1.0 GB.');
  assert.match(inWords({ status: 'unsupported', reason: 'no such architecture' }).text, /Cannot run here: no such architecture/);
});

test('speed is smoothed, falls when nothing comes, and is unknown before it can be known', () => {
  const rate = new Rate();
  rate.at(0, 0);
  assert.deepEqual([rate.speed, rate.left(100)], [undefined, undefined]);
  for (let second = 1; second <= 10; second++) rate.at(1e6 * second, 1000 * second);
  assert.ok(Math.abs(rate.speed - 1e6) < 1 && Math.abs(rate.left(5e6) - 5000) < 1);
  rate.at(11e6 + 9e6, 11_000); // one burst of ten times the speed
  assert.ok(rate.speed > 1.5e6 && rate.speed < 4e6, `${rate.speed}`);
  for (let second = 12; second <= 40; second++) rate.at(20e6, 1000 * second);
  assert.ok(rate.speed < 2e4, `${rate.speed}`);
  rate.at(5, 41_000); // begun anew
  assert.equal(rate.speed, undefined);
});

test('the parts of a split file are put into their order', () => {
  const names = ['m-00003-of-00003.gguf', 'm-00001-of-00003.gguf', 'm-00002-of-00003.GGUF'];
  assert.deepEqual(parts(names.map((name) => ({ name }))).map(({ name }) => partOf(name).part), [1, 2, 3]);
  assert.deepEqual([partOf('m.gguf'), partOf('m-1-of-2.gguf'), partOf(names[0]).base], [undefined, undefined, 'm.gguf']);
});

test('a choice is found by the address that the package makes of it', { skip: notBuilt() ?? false }, async () => {
  const { huggingFace, parseHf } = await import('../../pkg/dist/sources/huggingface.js');
  for (const { repo, file, ...rest } of models.filter(({ repo }) => repo)) {
    const { id, source } = choiceOfEntry({ ...rest, repo, file });
    assert.deepEqual([addressOf(id), huggingFace(source)], [huggingFace(parseHf(id)), huggingFace({ repo, file })]);
    assert.equal(source.sha256 ?? null, rest.sha256);
  }
  for (const text of ['hf:o/n@v1.0%2Fx/dir/a b#c.gguf', ' hf:o/n/m.gguf ']) {
    assert.equal(addressOf(choiceOf(text).id), huggingFace(parseHf(text.trim())));
  }
});
