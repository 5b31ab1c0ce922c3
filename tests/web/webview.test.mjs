// A native app around the page: WebKitGTK, with everything from disk through a scheme of its own. One table says how a host may behave
// and what then happens; each row is done.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { shared } from './support/browser.mjs';
import { withString } from './support/gguf.mjs';
import { noWebView, webViews } from './support/webview.mjs';

const skip = noWebView() ?? false;
/** The text of the messages and nothing else: a reference's prompt is then the model's. */
const PLAIN = '<s>{% for m in messages %}{{ m.content }}{% endfor %}';
const OPTIONS = { backend: 'cpu', context: 256, cacheType: 'f32' };
const SMALL = { prompt: 'The kinglet is small', tokens: 16, text: '\ufffd{\ufffdviiiiirrrr%%' };
const STORIES = 'stories260K-f32';

const BYTES = withString(readFileSync(fileURLToPath(new URL('../goldens/llama3.gguf', import.meta.url))), 'tokenizer.chat_template', PLAIN);
const WEIGHT = BYTES.length;

let views, models;
before(async () => {
  if (skip) return;
  views = await webViews();
  models = join(views.folder, 'models');
  mkdirSync(models);
  writeFileSync(join(models, 'small.gguf'), BYTES);
  writeFileSync(join(views.folder, 'secret.gguf'), BYTES); // not below it
  symlinkSync(join(views.folder, 'secret.gguf'), join(models, 'link.gguf'));
});
after(() => views?.close());

const load = (url, more = {}) => ({ type: 'load', model: { url }, options: OPTIONS, ...more });
const pieces = (name, size, sha256) => ({ type: 'load', model: { pieces: { name, size, ...(sha256 && { sha256 }) } }, options: { ...OPTIONS, store: 'none' } });
const ask = ({ prompt, tokens }, more = {}) => ({ type: 'chat', params: { messages: [{ role: 'user', content: prompt }], max_tokens: tokens, temperature: 0, ...more } });
const textOf = ({ value, error }) => value?.choices[0].message.content ?? error.code;

/** One window for each way to start the host: a row after the other. */
const windows = new Map();
async function windowOf(args) {
  const key = args.join(' ');
  if (!windows.has(key)) {
    const view = await views.open(['--models', models, ...args]);
    await view.greet();
    windows.set(key, view);
  }
  return windows.get(key);
}

/** Loads and asks: the text, or the code of the error. */
async function tried({ args = [], load: request, question = SMALL }) {
  const view = await windowOf(args);
  const loaded = await view.request(request).end;
  const came = loaded.error?.code ?? textOf(await view.request(ask(question)).end);
  await view.request({ type: 'dispose' }).end;
  return { loaded, came };
}

const HERE = 'kinglet://app/models/small.gguf';
const ELSEWHERE = 'kinglet://models/small.gguf';
/** What a host may do, and what comes of it: the reference's text, or the code of an error. */
const TABLE = {
  'a scheme of its own, with ranges': { load: load(HERE), came: SMALL.text },
  'the same, the engine in the page itself': { load: load(HERE, { options: { ...OPTIONS, host: 'here' } }), came: SMALL.text },
  'the same, nothing kept': { load: load(HERE, { options: { ...OPTIONS, store: 'none' } }), came: SMALL.text },
  'Range is ignored': { args: ['--no-range'], load: load(HERE), came: SMALL.text },
  'Range is ignored, nothing kept': { args: ['--no-range'], load: load(HERE, { options: { ...OPTIONS, store: 'none' } }), came: SMALL.text },
  'Wasm with a wrong MIME type': { args: ['--no-mime', '.wasm'], load: load(HERE), came: SMALL.text },
  'models of another host, with CORS': { load: load(ELSEWHERE), came: SMALL.text },
  'models of another host, without CORS': { args: ['--no-cors'], load: load(ELSEWHERE, { options: { ...OPTIONS, retry: { attempts: 1 } } }), came: 'io' },
  'a model that is not there': { load: load('kinglet://app/models/none.gguf', { options: { ...OPTIONS, retry: { attempts: 1 } } }), came: 'io' },
  'a link that leaves the folder': { load: load('kinglet://app/models/link.gguf', { options: { ...OPTIONS, retry: { attempts: 1 } } }), came: 'io' },
  'pieces of a file elsewhere': { load: pieces('../secret.gguf', WEIGHT), came: 'host_silent' },
  'a file that is no model': { load: load('kinglet://app/pkg/package.json'), came: 'bad_file' },
  'pieces': { load: pieces('small.gguf', WEIGHT), came: SMALL.text },
  'pieces with their hash': { load: pieces('small.gguf', WEIGHT, createHash('sha256').update(BYTES).digest('hex')), came: SMALL.text },
  'pieces with another hash': { load: pieces('small.gguf', WEIGHT, '0'.repeat(64)), came: 'hash_mismatch' },
  'pieces that the app does not have': { load: pieces('none.gguf', WEIGHT), came: 'host_silent' },
  'memory enough for a part of the context': { load: load(HERE, { options: { ...OPTIONS, context: 512 }, memory: 690_000 }), came: SMALL.text, context: 384 },
  'memory for nothing': { load: load(HERE, { memory: 1000 }), came: 'too_large' },
};

for (const [what, row] of Object.entries(TABLE)) {
  test(`WebKitGTK: ${what}`, { skip }, async (t) => {
    const { loaded, came } = await tried(row);
    t.diagnostic(JSON.stringify(loaded.value?.memory ?? loaded.error));
    assert.equal(came, row.came, loaded.error?.message);
    if (loaded.error) return;
    const { memory, info } = loaded.value;
    assert.equal(info.context, row.context ?? OPTIONS.context);
    assert.ok(memory.budget === null || memory.needed <= memory.budget, JSON.stringify(memory));
  });
}

test('WebKitGTK: scripts with a wrong MIME type: the page says nothing, and the app knows that by time', { skip }, async () => {
  const view = await views.open(['--models', models, '--no-mime', '.js']);
  assert.equal(await view.until(({ type }) => type === 'awake', 0, 3000), undefined);
  await view.close();
});

test("WebKitGTK: the reference's story, word by word", { skip: skip || (shared(`models/${STORIES}.gguf`) ? false : 'no shared data') }, async () => {
  writeFileSync(join(models, 'stories.gguf'), withString(readFileSync(shared(`models/${STORIES}.gguf`)), 'tokenizer.chat_template', PLAIN));
  const { prompt, tokens, text } = JSON.parse(readFileSync(shared(`models/${STORIES}.golden.json`), 'utf8')).llama_cpp.generations[0];
  const { came } = await tried({ load: load('kinglet://app/models/stories.gguf'), question: { prompt, tokens: tokens.length } });
  assert.equal(came, text);
});

/** An answer that does not end by itself, drawn with a seed of the page's. */
const ENDLESS = { prompt: 'The kinglet is small', tokens: 1200 };
const DRAWN = { temperature: 1, stream: true, logit_bias: { 2: -100 }, kinglet: { context_shift: true } };
const pieceOf = ({ type, chunk }) => (type === 'chunk' ? (chunk.choices[0]?.delta.content ?? '') : '');

for (const again of ['the scheme', 'the store']) {
  test(`WebKitGTK: the web process is killed while it answers: the model comes back from ${again}, the answer goes on`, { skip }, async () => {
    const data = join(views.folder, `data-${again.slice(4)}`);
    const view = await views.open(['--models', models, '--data', data]);
    const first = await view.greet();
    assert.equal((await view.request(load(HERE)).end).error, undefined);
    const id = 1000;
    view.say({ ...ask(ENDLESS, DRAWN), id });
    const { seed } = await view.until((said) => said.type === 'begun' && said.id === id);
    await view.until((said) => said.id === id && pieceOf(said) !== '');
    view.line('!kill');
    await view.until((said) => said === '!ended killed');
    const known = view.said.filter((said) => said.id === id).map(pieceOf).join('');
    assert.equal(view.said.some((said) => said.id === id && said.type === 'done'), false, 'it was in the middle');
    const ended = view.said.length;
    const second = await view.greet(ended);
    assert.notEqual(second.session, first.session);
    assert.equal(second.ready.info, null);
    if (again === 'the store') renameSync(join(models, 'small.gguf'), join(models, 'away.gguf'));
    const model = again === 'the store' ? { type: 'load', model: { stored: HERE }, options: OPTIONS } : load(HERE);
    const loaded = await view.request(model).end;
    if (again === 'the store') renameSync(join(models, 'away.gguf'), join(models, 'small.gguf'));
    assert.equal(loaded.error, undefined);
    const rest = await view.request({ ...ask(ENDLESS, { ...DRAWN, seed }), resume: { text: known } }).end;
    assert.deepEqual([rest.type, rest.heard.some(({ type }) => type === 'replace')], ['done', false]);
    const [before, after] = [known, rest.heard.map(pieceOf).join('')];
    assert.ok(before.length > 0 && after.length > 0, `both have some of it: ${before.length} and ${after.length}`);
    if (again === 'the scheme') {
      const whole = await view.request(ask(ENDLESS, { ...DRAWN, seed })).end;
      assert.equal(before + after, whole.heard.map(pieceOf).join(''));
    }
    await view.close();
  });
}
