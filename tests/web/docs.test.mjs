// The samples of the documentation, each run in headless Chromium as it stands; that none is left out, and that a wrong one is
// noticed. Samples in the shell: commands.test.mjs.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK, DESK_NANO, noDesk } from './support/desk.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { fences, program, resolved } from './support/markdown.mjs';
import { ELSEWHERE, PAGES, WORDS } from './support/samples.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? noDesk() ?? false;
const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');
/** What an example without a model of its own goes on with, and where it writes. */
const PRELUDE = "const kinglet = await createKinglet({ model: '/models/desk-nano.gguf', backend: 'cpu', context: 512 });";

let server;
let remote;
let browser;
const scripts = new Map();
before(async () => {
  if (skip) return;
  const models = new Map([['desk.gguf', fileModel(DESK)], ['desk-nano.gguf', fileModel(DESK_NANO)]]);
  // The samples speak of models that are not here.
  for (const name of ['phi-3-mini-4k-instruct-q4', 'm', 'model']) models.set(`${name}.gguf`, fileModel(DESK_NANO));
  scripts.set('/cases/profile.json', read('tests/cases/route/profile.json')).set('/cases/rows.jsonl', read('tests/cases/route/clinc_desk.jsonl'));
  scripts.set('/kinglet-desk.js', "export const desk = new URL('/models/desk.gguf', location.href);");
  server = await startServer(models, { scripts });
  remote = await startLlmFaults();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await remote?.close();
  await server?.close();
});

/** Runs a block on a fresh page; its error is thrown. */
async function run(block, prelude = PRELUDE) {
  const path = `/example-${scripts.size}.js`;
  scripts.set(path, program(block, prelude, WORDS));
  const { page, close } = await openPage(browser, server.origin);
  try {
    await answerElsewhere(page);
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

/** The services that the samples name: a real server of remote models here, and the app's own. */
async function answerElsewhere(page) {
  const forward = (path) => async (route) => route.fulfill({ response: await route.fetch({ url: `${remote.origin}/do/ok/v1${path}` }) });
  await page.route(/\/api\/llm\/chat\/completions$|relay\.example\/v1\/chat\/completions$/, forward('/chat/completions'));
  await page.route(/relay\.example\/v1\/messages$/, forward('/messages'));
  await page.route('https://otel.example/**', (route) => route.fulfill({ status: 200, json: {} }));
  await page.route('**/relay-token', (route) => route.fulfill({ body: 'a-token' }));
  await page.route('**/kinglet/wasm/*', (route) => route.fulfill({ path: new URL(`pkg/wasm/${route.request().url().split('/').at(-1)}`, ROOT).pathname, contentType: 'application/wasm' }));
}

for (const [path, { join = [], prelude }] of Object.entries(PAGES)) {
  const samples = fences(read(path)).filter(({ name }) => name === 'js').map(({ code }) => code);
  for (const [from, to] of join) samples[to] = `${samples[from]}\n${samples[to]}`;
  for (const [i, sample] of samples.entries()) {
    test(`${path}: sample ${i + 1}`, { skip }, () => run(sample, prelude));
  }
}

test('docs/hosts.md: its service worker answers a client of OpenAI on its page', { skip }, async (t) => {
  const [worker, sample, ...more] = fences(read('docs/hosts.md')).filter(({ name }) => name === 'js').map(({ code }) => code);
  assert.deepEqual(more, []);
  const { outputFiles: [bundle] } = await build({ stdin: { contents: "export { default } from 'openai'", resolveDir: ROOT.pathname }, bundle: true, write: false, format: 'esm', platform: 'browser' });
  scripts.set('/sample-sw.js', resolved(worker)).set('/openai.js', bundle.text).set('/hosts.js', program(sample, '', { OpenAI: "(await import('/openai.js')).default" }));
  t.after(() => ['/sample-sw.js', '/openai.js', '/hosts.js'].forEach((path) => scripts.delete(path)));
  const { page, close } = await openPage(browser, server.origin);
  t.after(close);
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/sample-sw.js', { type: 'module' });
    await navigator.serviceWorker.ready;
  });
  await page.reload(); // the first page of a service worker is not its own
  await page.locator('body[data-ready]').waitFor();
  assert.equal(await page.evaluate(async () => (await import('/hosts.js')).ran), true);
});

/** Languages of samples that are run; `text` and the like are none. */
const RUN = ['js', 'ts', 'jsx', 'html', 'kotlin', 'swift', 'sh'];

test('every sample of every page is run by a test that says so', () => {
  const pages = ['README.md', 'pkg/README.md', 'models/desk/README.md', ...readdirSync(new URL('docs', ROOT)).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
  const left = [];
  for (const path of pages) {
    for (const [i, { name, code }] of fences(read(path)).entries()) {
      if (name === 'json' && path in PAGES) continue; // the shape of an answer, in words
      if (RUN.includes(name) && !((name === 'js' && path in PAGES) || ELSEWHERE[path]?.languages.includes(name))) left.push(`${path}: block ${i + 1} (${name})`);
      if (name === '' ) left.push(`${path}: block ${i + 1} names no language`);
      if (name !== 'js' && / = await createKinglet\(/.test(code) && !(path in ELSEWHERE)) left.push(`${path}: block ${i + 1} hides JavaScript`);
    }
    // Indented code is for the shell (commands.test.mjs) and for formulas.
    const plain = read(path).replace(/^```.*?^```$/gms, '');
    for (const [line] of plain.matchAll(/^ {4}(?:import|const|let|await) .*$/gm)) left.push(`${path}: ${line.trim()}`);
  }
  assert.deepEqual(left, []);
  for (const [path, { test: file }] of Object.entries(ELSEWHERE)) {
    assert.ok(read(file).includes(path) || read(file).includes('support/pack.mjs'), `${file} reads ${path}`);
  }
});

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
