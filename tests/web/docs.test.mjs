// The examples of the documentation, each run in headless Chromium as it stands; and that a wrong one is noticed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK, DESK_NANO, noDesk } from './support/desk.mjs';
import { blocks, program } from './support/markdown.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? noDesk() ?? false;
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** What an example without a model of its own goes on with, and where it writes. */
const PRELUDE = "const kinglet = await createKinglet({ model: '/models/desk-nano.gguf', backend: 'cpu', context: 512 });";

let server;
let browser;
const scripts = new Map();
before(async () => {
  if (skip) return;
  const models = new Map([['desk.gguf', fileModel(DESK)], ['desk-nano.gguf', fileModel(DESK_NANO)]]);
  // The README speaks of a model that is not here.
  models.set('phi-3-mini-4k-instruct-q4.gguf', fileModel(DESK_NANO));
  server = await startServer(models, { scripts });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs a block on a fresh page; its error is thrown. */
async function run(block) {
  const path = `/example-${scripts.size}.js`;
  scripts.set(path, program(block, PRELUDE));
  const { page, close } = await openPage(browser, server.origin);
  try {
    const error = await page.evaluate(async (path) => {
      document.body.append(Object.assign(document.createElement('output'), { id: 'output' }));
      try {
        return (await import(path)).ran ? null : 'did not run';
      } catch (thrown) {
        return `${thrown.code ?? thrown.name}: ${thrown.message}`;
      }
    }, path);
    if (error !== null) throw new Error(error);
  } finally {
    await close();
  }
}

for (const [path, least] of [['docs/api.md', 12], ['docs/tasks.md', 8], ['docs/calibration.md', 1], ['docs/choosing-a-model.md', 2], ['README.md', 1]]) {
  const examples = blocks(read(path));
  test(`${path} has its examples`, () => assert.ok(examples.length >= least, `${examples.length} examples`));
  for (const [i, example] of examples.entries()) {
    test(`${path}: example ${i + 1}`, { skip }, () => run(example));
  }
}

test('an example that is wrong is noticed', { skip }, async () => {
  const good = "const { length } = await kinglet.tokenize('a b');\nlength > 0; // → true\n";
  await run(good);
  await assert.rejects(run(good.replace('// → true', '// → false')), /the page says false, it is true/);
  await assert.rejects(run(good.replace('tokenize', 'tokenise')), /TypeError/);
  await assert.rejects(run("await kinglet.completions.create({ prompt: 'a', temprature: 1 });"), /invalid_request: .*temprature/);
});

test('the table of errors has every code, and no other', () => {
  const [, union] = read('pkg/src/errors.ts').split('export type ErrorCode');
  const codes = [...union.split(';')[0].matchAll(/\| '(\w+)'/g)].map((match) => match[1]);
  const errors = read('docs/api.md').split('## Errors')[1].split('\n## ')[0];
  const rows = [...errors.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.ok(codes.length > 15);
  assert.deepEqual(rows.toSorted(), codes.toSorted());
});

/** What the first column of the tables of a section names. */
function rows(page, heading) {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0];
  assert.ok(section, heading);
  const cells = [...section.matchAll(/^\|([^|]*)\|/gm)].map((match) => match[1]);
  return cells.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map((match) => match[1]));
}

/** Fields of an interface; those that it inherits are not among them. */
function fields(path, name) {
  const body = new RegExp(`export interface ${name} [^{]*\\{(.*?)^\\}`, 'ms').exec(read(path))?.[1];
  assert.ok(body, `${name} of ${path}`);
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
}

const TYPES = 'pkg/src/types.ts';
const OPENAI = 'pkg/src/openai.ts';
/** An interface's own fields, `kinglet` by what is under it. */
const own = (name, path = OPENAI) => fields(path, name).filter((field) => field !== 'kinglet');
const under = (name) => fields(OPENAI, name).map((field) => `kinglet.${field}`);
/** By section of docs/api.md: what its tables name, no more and no less. */
const TABLES = {
  Loading: () => own('KingletOptions', TYPES),
  Chats: () => [...own('ChatParams'), ...under('OwnChatParams')],
  Completions: () => own('CompletionParams'),
  'Sampling and length': () => [...own('SamplingParams'), ...under('OwnParams')],
  Embeddings: () => [...own('EmbeddingParams'), 'kinglet.pooling'],
  Availability: () => own('Availability', TYPES),
  Notices: () => {
    const codes = [...read(TYPES).split('export type NoticeCode =')[1].split(';\n')[0].matchAll(/^ {2}\| '(\w+)'/gm)];
    return codes.map((match) => match[1]);
  },
};

test('the tables have every option, parameter, field and notice, each in its section, and no other', () => {
  const page = read('docs/api.md');
  for (const [heading, names] of Object.entries(TABLES)) {
    assert.ok(names().length > 4, heading);
    assert.deepEqual(rows(page, heading).toSorted(), names().toSorted(), heading);
  }
  // A mention elsewhere is not enough.
  const without = page.replace(/^\| `seed` \|.*\n/m, '');
  assert.ok(/\bseed\b/.test(without) && !rows(without, 'Sampling and length').includes('seed'));
});

test('what is told in sentences is in its sentence: what has no effect, information, progress, counters', () => {
  const page = read('docs/api.md');
  const sentence = (begin, end) => page.split(begin)[1]?.split(end)[0] ?? assert.fail(begin);
  for (const [names, text] of [
    [own('WithoutEffect'), sentence('Accepted without effect', '\n\n')],
    [own('Info', TYPES), sentence('`kinglet.info` says', '\n\n')],
    [own('Progress', TYPES), sentence('| `onProgress` |', '\n')],
    [own('Stats', TYPES), sentence('- `kinglet.stats()`', '\n\n')],
    [own('ContextUsage', TYPES), sentence('- `kinglet.contextUsage()`', '\n- ')],
  ]) {
    assert.deepEqual(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text)), []);
  }
});

test('every method is on the page', () => {
  const page = read('docs/api.md');
  const methods = [...read('pkg/src/client.ts').matchAll(/^ {2}(?:async )?(\w+)\(.*\{$/gm)].map((match) => match[1]);
  assert.ok(methods.includes('unload') && methods.includes('tokenize'), methods.join());
  assert.deepEqual(methods.filter((name) => name !== 'constructor' && !page.includes(`kinglet.${name}(`)), []);
});
