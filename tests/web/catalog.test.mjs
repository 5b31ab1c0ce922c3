// models/catalog.json: every entry is what docs/catalog.md says, its numbers agree with each other, and its memory is what the engine itself
// would say of a file of that shape. And docs/choosing-a-model.md: its tables follow from the catalogue, its figures stand in the desk's card.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { completed, GUIDE, guide, read } from '../../tools/catalog.mjs';
import { memoryOf, workingMemory } from '../../www/services/memory.js';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK, DESK_NANO, noDesk } from './support/desk.mjs';
import { shapedModel } from './support/gguf.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
const file = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const { models } = read();
/** Bits per weight: the format's own at least; at most what its mixes, and the matrices that small models leave in larger formats, come to. */
const BITS = { Q4_K_M: [4.5, 8], Q6_K: [6.5, 7.2], Q8_0: [8.5, 8.75] };
const LICENCES = ['MIT', 'Apache-2.0', 'MIT OR Apache-2.0', 'Llama 3.2 Community License', 'Qwen Research License'];

let server;
let browser;
let page;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
  ({ page } = await openPage(browser, server.origin));
});
after(() => Promise.all([browser?.close(), server?.close()]));

/** Weights, counted from the shape. */
function weights({ family, shape }, untied) {
  const { layers, width, ff, heads, kv_heads, head, vocabulary } = shape;
  const [q, kv] = [heads * head, kv_heads * head];
  const norms = 2 * width + (family === 'qwen3' ? 2 * head : 0) + (family === 'qwen2' ? q + 2 * kv : 0);
  return layers * (width * (2 * q + 2 * kv) + 3 * width * ff + norms) + width + vocabulary * width * (untied ? 2 : 1);
}

/** What is wrong with an entry. */
function complaints(entry) {
  const { id, family, format, parameters, bytes, estimated_bytes, sha256, licence, context, unverified = [], note, url, repo } = entry;
  const found = [];
  const must = (holds, what) => holds || found.push(`${id}: ${what}`);
  must(['phi3', 'llama', 'qwen2', 'qwen3'].includes(family), `family ${family}`);
  must(BITS[format], `format ${format}`);
  const bits = ((bytes ?? estimated_bytes) * 8) / parameters;
  must(bits >= BITS[format]?.[0] && bits <= BITS[format]?.[1], `${bits} bits per weight in ${format}`);
  must([weights(entry, false), weights(entry, true)].includes(parameters), `${parameters} parameters, the shape has ${weights(entry, false)}`);
  must(LICENCES.includes(licence.name) && /^https:\/\//.test(licence.url), 'licence');
  must(licence.commercial === (licence.name !== 'Qwen Research License'), 'commercial use');
  must(/\(2026-\d\d-\d\d\)|looked up 2026-\d\d-\d\d/.test(note), 'the note has no date');
  must(url ? url.startsWith('models/') : /^[\w.-]+\/[\w.-]+$/.test(repo), 'where it is');
  for (const name of ['bytes', 'sha256', 'context']) must((entry[name] === null) === unverified.includes(name), `${name}: null and unverified go together`);
  must(sha256 === null || /^[0-9a-f]{64}$/.test(sha256), 'sha256');
  must(context === null || (Number.isInteger(context) && context >= 1024), 'context');
  return found;
}

test('every entry is complete and agrees with itself', () => {
  assert.ok(models.length >= 18);
  assert.deepEqual(models.flatMap(complaints), []);
  assert.equal(new Set(models.map(({ id }) => id)).size, models.length);
  assert.equal(new Set(models.map(({ url, repo, file }) => url ?? `${repo}/${file}`)).size, models.length);
});

test('an entry with a wrong number is noticed', () => {
  const [good] = models.filter(({ id }) => id === 'qwen2.5-1.5b');
  const wrong = { bytes: good.bytes * 2, parameters: good.parameters + 1, format: 'IQ4_XS', family: 'gemma', sha256: null, note: 'somebody said so' };
  for (const [name, value] of Object.entries(wrong)) assert.notDeepEqual(complaints({ ...good, [name]: value }), [], name);
});

test('the project’s own models are those files', { skip: noDesk() ?? false }, () => {
  for (const [id, path] of [['desk', DESK], ['desk-nano', DESK_NANO]]) {
    const entry = models.find((each) => each.id === id);
    assert.deepEqual([entry.bytes, entry.sha256], [statSync(path).size, createHash('sha256').update(readFileSync(path)).digest('hex')]);
  }
});

test('what is computed of the catalogue stands in it and in the guide', () => {
  const catalogue = read();
  assert.deepEqual(completed(catalogue), catalogue, 'node tools/catalog.mjs --write');
  const text = readFileSync(GUIDE, 'utf8');
  assert.equal(guide(text, catalogue), text, 'node tools/catalog.mjs --write');
  assert.notEqual(guide(text.replace('Qwen3 4B, 4096', 'Qwen3 4B, 8192'), catalogue), text.replace('Qwen3 4B, 4096', 'Qwen3 4B, 8192'), 'a wrong table is noticed');
});

test('figures of the guide stand in the card, and in the economics', () => {
  const text = file('docs/choosing-a-model.md');
  const sources = `${file('models/desk/README.md')}${file('docs/economics.md')}`;
  const figures = ['91.9 (90.4 to 93.2)', '88.7 (85.7 to 91.2)', '31.0 (26.7 to 35.7)', '0.948 (0.934 to 0.960)'];
  for (const figure of figures) {
    assert.ok(sources.includes(figure), figure);
    assert.ok(figure.split(/[()]/).every((part) => text.includes(part.trim())), figure);
  }
  for (const figure of ['92.6', '93.5', '0.523', '1360']) assert.ok(sources.includes(figure) && text.includes(figure), figure);
});

/** On the page: what the engine says of the header of each. */
const asked = (questions) =>
  page.evaluate(async (questions) => {
    const { availability } = await import('/pkg/dist/index.js');
    const answers = [];
    for (const { model, context, cacheType } of questions) {
      answers.push((await availability({ model, context, cacheType, backend: 'cpu', threads: 1 })).model?.memory);
    }
    return answers;
  }, questions);

test('memory is what the engine says of a header of that shape', { skip, timeout: 240_000 }, async () => {
  const shapes = [...new Map(models.map((entry) => [JSON.stringify([entry.family, entry.shape]), entry])).values()];
  for (const entry of shapes) {
    const context = entry.context ?? 32768;
    server.models.set('shaped.gguf', shapedModel({ ...entry, context }));
    // Reading a large vocabulary takes a second; what it does to the activations one question shows.
    const more = entry.shape.vocabulary < 40_000 ? [[96, 'f32'], [1024, 'q8_0']] : [];
    const sizes = [[Math.min(4096, context), 'f16'], ...more];
    const questions = sizes.map(([tokens, cacheType]) => ({ model: `${server.origin}/models/shaped.gguf?${entry.id}`, context: tokens, cacheType }));
    const answers = await asked(questions);
    for (const [i, [tokens, cacheType]] of sizes.entries()) {
      const { weights: tensors, ...working } = answers[i] ?? {};
      assert.deepEqual(working, workingMemory(entry.shape, tokens, cacheType), `${entry.id}, ${tokens} tokens in ${cacheType}`);
      if (entry.format === 'Q8_0') {
        // A file of Q8_0 matrices is exactly its tensors and a header, of which the vocabulary is the largest part.
        const header = entry.bytes - tensors;
        assert.ok(header > 0 && header < 60 * entry.shape.vocabulary, `${entry.id}: a header of ${header} bytes`);
      }
    }
  }
});

test('the project’s own models take what the catalogue says, but for their headers', { skip: skip || (noDesk() ?? false) }, async () => {
  for (const [id, path] of [['desk', DESK], ['desk-nano', DESK_NANO]]) {
    server.models.set(`${id}.gguf`, fileModel(path));
    const entry = models.find((each) => each.id === id);
    const [memory] = await asked([{ model: `${server.origin}/models/${id}.gguf`, context: entry.memory.context, cacheType: 'f16' }]);
    const total = memory.weights + memory.cache + memory.activations;
    const stated = memoryOf(entry, entry.memory.context);
    assert.ok(stated >= total && stated < total + 400_000, `${stated}, the engine says ${total}`);
  }
});
