// Grammars: the module is fetched when it is first needed, and then answers keep to what was asked for.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, notBuilt, openPage } from './support/browser.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';
import { Grammars } from '../../pkg/dist/grammar.js';

const DESK = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
const skip = missing() ?? false;

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
  server.models.set('desk-nano.gguf', fileModel(DESK));
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A stand-in for the module, and what was asked of it. */
function standIn({ broken = false, compile = () => ({ mask: () => undefined, commit: () => false, reset() {}, free() {} }) } = {}) {
  const log = [];
  const glue = async () => {
    log.push('import');
    if (broken) throw new Error('404');
    return {
      discard: () => log.push('discard'),
      default: async (options) => log.push(options?.module_or_path ?? 'beside'),
      Grammars: class {
        constructor(tokens) {
          log.push(tokens);
        }
        compile(spec) {
          return compile(spec);
        }
        free() {
          log.push('freed');
        }
      },
    };
  };
  return { log, glue, vocabulary: () => ({ tokens: 7, packed: new Uint8Array(), ends: new Uint32Array([1]) }) };
}

test('the module is had once, with the first grammar, and the vocabulary is handed over once', async () => {
  const { log, glue, vocabulary } = standIn();
  const grammars = new Grammars(glue, 'its.wasm', vocabulary);
  assert.deepEqual(log, []);
  await grammars.compile('{}');
  await grammars.compile('{}');
  assert.deepEqual(log, ['import', 'its.wasm', 7]);
});

test('errors of the module are typed', async () => {
  const missing = new Grammars(standIn({ broken: true }).glue, undefined, standIn().vocabulary);
  await assert.rejects(missing.compile('{}'), { code: 'worker_failed', message: /grammars could not be started.*404/ });

  const wire = { code: 'unsupported_grammar', message: 'm', detail: { param: 'p' } };
  const refusing = standIn({ compile: () => { throw wire; } });
  const grammars = new Grammars(refusing.glue, undefined, refusing.vocabulary);
  await assert.rejects(grammars.compile('{}'), { code: 'unsupported_grammar', detail: { param: 'p' } });
  await assert.rejects(grammars.compile('{}'), { code: 'unsupported_grammar' });
  assert.equal(refusing.log.filter((entry) => entry === 'import').length, 1);

});

test('a module that crashed is given up: nothing of it is called again, and other requests work', async () => {
  const trap = () => { throw new WebAssembly.RuntimeError('unreachable'); };
  let broken = true;
  const freed = [];
  const compile = (spec) => {
    if (spec === 'crash') trap();
    const call = (value) => () => (broken ? trap() : value);
    return { spec, mask: call(new Uint32Array([spec.length])), commit: call(false), reset: call(), free: () => (broken ? trap() : freed.push(spec)) };
  };
  const { log, glue, vocabulary } = standIn({ compile });
  const module = await glue();
  const [grammars, neighbour] = [1, 2].map(() => new Grammars(async () => module, undefined, vocabulary));
  const another = await neighbour.compile('another');
  const first = await grammars.compile('first');
  grammars.use(first);
  assert.throws(() => first.mask(), { code: 'internal', message: /grammars crashed \(RuntimeError: unreachable\)/ });
  assert.equal(log.at(-1), 'discard');
  broken = false;
  for (const gone of [first, another]) {
    for (const call of ['mask', 'commit', 'reset']) assert.throws(() => gone[call](0), { code: 'internal' });
  }

  grammars.use(undefined); // a request without a grammar
  const second = await grammars.compile('second');
  grammars.use(second);
  assert.deepEqual(second.mask(), new Uint32Array([6]));
  assert.equal(log.filter((entry) => entry === 'beside').length, 2);
  const third = await neighbour.compile('third'); // of the same new instance
  assert.equal(log.filter((entry) => entry === 'beside').length, 2);
  grammars.use(undefined);
  assert.deepEqual(freed, ['second']);

  grammars.use(await grammars.compile('fourth'));
  broken = true;
  grammars.use(undefined); // `free` itself crashes
  broken = false;
  assert.throws(() => third.mask(), { code: 'internal' });
  await assert.rejects(grammars.compile('crash'), { code: 'internal' });
  assert.deepEqual((await grammars.compile('fifth')).mask(), new Uint32Array([5]));
});

test('a model gives its part of the module back, and its neighbour keeps its own', async () => {
  let broken = false;
  const freed = [];
  const compile = (spec) => ({ spec, mask: () => { if (broken) throw new WebAssembly.RuntimeError('unreachable'); }, free: () => freed.push(spec) });
  const { log, glue, vocabulary } = standIn({ compile });
  const module = await glue();
  const [grammars, neighbour, unused] = [1, 2, 3].map(() => new Grammars(async () => module, undefined, vocabulary));
  const kept = await neighbour.compile('kept');
  grammars.use(await grammars.compile('mine'));
  await Promise.all([grammars.free(), unused.free()]);
  await grammars.free(); // nothing is left
  assert.deepEqual([freed, log.filter((entry) => entry === 'freed').length], [['mine'], 1]);
  kept.mask();
  broken = true;
  assert.throws(() => kept.mask(), { code: 'internal' });
  assert.equal(log.filter((entry) => entry === 'discard').length, 1);
  await neighbour.free(); // it has gone with the instance
  assert.equal(log.filter((entry) => entry === 'freed').length, 1);
});

test('an engine in this thread frees its grammars with its model', { skip: notBuilt() ?? false }, async () => {
  const { nodeKinglet } = await import('./support/node-engine.mjs');
  const { Grammars: Raw, Constraint } = await import('../../pkg/wasm/kinglet_grammar.js');
  const freed = [];
  const frees = Object.entries({ Raw, Constraint }).map(([name, { prototype }]) => {
    const { free } = prototype;
    prototype.free = function () {
      freed.push(name);
      free.call(this);
    };
    return () => { prototype.free = free; };
  });
  try {
    const { kinglet } = await nodeKinglet(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url)));
    const ask = () => kinglet.completions.create({ prompt: 'The', kinglet: { regex: '[a-z]{3}' } });
    assert.match((await ask()).choices[0].text, /^[a-z]{3}$/);
    assert.deepEqual(freed, []);
    await kinglet.unload();
    for (let waited = 0; freed.length < 2 && waited < 5000; waited += 10) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(freed, ['Constraint', 'Raw']);
    assert.match((await ask()).choices[0].text, /^[a-z]{3}$/); // loaded again
    kinglet.dispose();
  } finally {
    frees.forEach((restore) => restore());
  }
});

test('the module itself is started anew after a crash', { skip: notBuilt() ?? false }, async () => {
  const glue = await import('../../pkg/wasm/kinglet_grammar.js');
  const file = new WebAssembly.Module(readFileSync(new URL('../../pkg/wasm/kinglet_grammar_bg.wasm', import.meta.url)));
  const packed = Uint8Array.from([1, 0, 1, 0, 5, 0x80, ...Buffer.from('ab<end>')]); // lengths, then the tokens
  const grammars = new Grammars(async () => glue, file, () => ({ tokens: 3, packed, ends: new Uint32Array([2]) }));
  const spec = (pattern) => JSON.stringify({ grammar: { type: 'regex', pattern }, path: 'p' });
  const first = await grammars.compile(spec('ab'));
  grammars.use(first);
  const { prototype } = glue.Grammars; // of this instance
  prototype.compile = () => { throw new WebAssembly.RuntimeError('unreachable'); };
  await assert.rejects(grammars.compile(spec('ab')), { code: 'internal' });
  assert.notEqual(glue.Grammars.prototype, prototype);
  assert.throws(() => first.mask(), { code: 'internal' });
  const second = await grammars.compile(spec('ba'));
  grammars.use(second);
  assert.deepEqual([...second.mask()], [0b010]);
  assert.equal(second.commit(1), false);
  assert.deepEqual([...second.mask()], [0b001]);
  await assert.rejects(grammars.compile(spec('(')), { code: 'unsupported_grammar' });
  const deep = `{"grammar": {"type": "json_schema", "schema": {"const": ${'['.repeat(200)}${']'.repeat(200)}}}, "path": "p.q"}`;
  await assert.rejects(grammars.compile(deep), ({ code, detail }) => code === 'unsupported_grammar' && detail.param === 'p.q');
  grammars.use(undefined);
});

const SCHEMA = {
  type: 'object',
  properties: { label: { enum: ['delivery', 'billing'] }, urgent: { type: 'boolean' }, days: { type: 'integer', minimum: 1, maximum: 30 } },
  required: ['label', 'urgent', 'days'],
  additionalProperties: false,
};

test('in Chromium: an answer in a schema; nothing of it is fetched before', { skip }, async () => {
  const { page, requests, complaints, close } = await openPage(browser, server.origin);
  const ours = () => requests.filter((url) => url.includes('kinglet_grammar')).map((url) => url.split('/').pop());
  await page.evaluate(async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    globalThis.kinglet = await createKinglet({ model: '/models/desk-nano.gguf', backend: 'cpu', threads: 1 });
    globalThis.ask = async (more) => {
      const messages = [{ role: 'user', content: 'classify: delivery, billing\nmessage: my parcel never came' }];
      try {
        return await globalThis.kinglet.chat.completions.create({ messages, max_tokens: 60, temperature: 0, ...more });
      } catch (error) {
        return { code: error.code, param: error.detail.param };
      }
    };
  });
  await page.evaluate(() => globalThis.ask({}));
  assert.deepEqual(ours(), []);

  const format = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: SCHEMA } };
  const answer = await page.evaluate((response_format) => globalThis.ask({ response_format }), format);
  const said = JSON.parse(answer.choices[0].message.content);
  assert.ok(SCHEMA.properties.label.enum.includes(said.label) && typeof said.urgent === 'boolean', JSON.stringify(said));
  assert.ok(Number.isInteger(said.days) && said.days >= 1 && said.days <= 30);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.deepEqual(await eventually(ours, ({ length }) => length >= 2), ['kinglet_grammar.js', 'kinglet_grammar_bg.wasm']);

  const several = await page.evaluate(() => globalThis.ask({ n: 2, temperature: 1, seed: 3, kinglet: { regex: '(yes|no), \\d{2}' } }));
  for (const { message } of several.choices) assert.match(message.content, /^(yes|no), \d{2}$/);
  const short = await page.evaluate(() => globalThis.ask({ max_tokens: 2, response_format: { type: 'json_object' } }));
  assert.equal(short.choices[0].finish_reason, 'length');
  assert.match(short.choices[0].message.content, /^\s*\{/);

  const schema = { type: 'object', properties: { a: { not: { const: 1 } } } };
  const refused = await page.evaluate((s) => globalThis.ask({ response_format: { type: 'json_schema', json_schema: { schema: s } } }), schema);
  assert.deepEqual(refused, { code: 'unsupported_grammar', param: 'response_format.json_schema.schema.properties.a.not' });
  const tools = [{ type: 'function', function: { name: 'f' } }];
  assert.deepEqual(await page.evaluate((tools) => globalThis.ask({ tools }), tools), { code: 'invalid_request', param: 'tools' });
  // What was refused has left nothing behind.
  assert.equal((await page.evaluate(() => globalThis.ask({ max_tokens: 3 }))).object, 'chat.completion');
  assert.equal(ours().length, 2);
  assert.deepEqual(complaints, []);
  await close();
});

/** On the page: what happened, in order, while `tokens` tokens of an answer under a grammar came from the GPU. */
async function events(tokens) {
  const log = [];
  const told = (type, name, what) => {
    const original = type.prototype[name];
    type.prototype[name] = function (...args) {
      log.push(what);
      return original.apply(this, args);
    };
  };
  told(GPUQueue, 'submit', 'submit');
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...args) {
    const mapped = mapAsync.apply(this, args); // asked for as soon as the step is submitted
    mapped.then(
      () => log.push('result'),
      () => {},
    );
    return mapped;
  };
  told((await import('/pkg/wasm/kinglet_grammar.js')).Constraint, 'mask', 'mask');
  const { createKinglet } = await import('/pkg/dist/index.js');
  const kinglet = await createKinglet({ model: '/models/desk-nano.gguf', backend: 'gpu', host: 'here' });
  log.length = 0;
  const schema = { type: 'array', minItems: 30, items: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } };
  const { usage } = await kinglet.completions.create({
    prompt: 'The parcel',
    max_tokens: tokens,
    temperature: 0,
    response_format: { type: 'json_schema', json_schema: { schema } },
  });
  kinglet.dispose();
  return { log, tokens: usage.completion_tokens };
}

test('each mask is computed while the GPU computes the step, and nothing is waited for before', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const { log, tokens } = await page.evaluate(events, 20);
  const masks = log.flatMap((what, i) => (what === 'mask' ? [i] : []));
  assert.deepEqual([tokens, masks.length], [20, 20], log.join(' '));
  for (const at of masks) {
    const step = log.slice(log.lastIndexOf('result', at) + 1, at);
    assert.ok(step.length > 0 && step.every((what) => what === 'submit'), `before a mask: ${step}`);
    assert.ok(log.indexOf('result', at) > at, 'the result is waited for behind it');
  }
  await close();
});
