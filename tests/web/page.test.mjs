// The page in headless Chromium, as a person uses it: the reference's text comes out of it, errors say what they are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { anew, answered, errorCode, errors, load, log, sampling, say, view } from './support/assistant.mjs';
import { launch, missing, openPage, screenshotPath, shared } from './support/browser.mjs';
import { llamaModel, withString } from './support/gguf.mjs';
import { bytesModel, fileModel, startServer } from './support/server.mjs';

const skip = missing();
const MODELS = ['stories260K-phi3-f32', 'stories260K-f32'];
const TEMPLATE = "{% for m in messages %}{{ m.content + ' ' }}{% endfor %}";

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
  for (const name of MODELS) {
    const path = shared(`models/${name}.gguf`);
    if (path) server.models.set(`${name}.gguf`, fileModel(path));
  }
  const path = shared(`models/${MODELS[1]}.gguf`);
  if (path) server.models.set('chat.gguf', bytesModel(withString(readFileSync(path), 'tokenizer.chat_template', TEMPLATE)));
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The first golden generation of a shared model: {prompt, text}. */
function golden(name) {
  const path = shared(`models/${name}.golden.json`);
  return path && JSON.parse(readFileSync(path, 'utf8')).llama_cpp.generations[0];
}

/** What the engine says of itself. */
const infoOf = (page) => page.evaluate(async () => (await import('/services/engine.js')).engine.value.info);

for (const backend of ['gpu', 'cpu']) {
  for (const name of MODELS) {
    const expected = golden(name);
    test(`${name} writes the reference's text on the page (${backend})`, { skip: skip ?? (expected ? false : 'no shared data') }, async () => {
      const { page, requests, complaints, close } = await openPage(browser, server.origin);
      await load(page, { url: `/models/${name}.gguf`, backend });
      assert.deepEqual(await errors(page), []);
      assert.equal(await say(page, expected.prompt), expected.text);
      assert.deepEqual(await log(page), [expected.prompt, expected.text]);
      assert.match(await page.locator('#where').textContent(), backend === 'gpu' ? / · GPU$/ : / · Processor$/);
      const info = await infoOf(page);
      assert.match(info.adapter, backend === 'gpu' ? /swiftshader/i : /./);
      assert.equal(info.software, backend === 'gpu');
      assert.match(await page.locator('#log .speed').textContent(), /^[\d.]+ tokens\/s · 6\d tokens/);
      assert.deepEqual(complaints, []);
      const elsewhere = requests.filter((url) => new URL(url).origin !== server.origin);
      assert.deepEqual(elsewhere, [], 'same-origin requests only');
      await close();
    });
  }
}

test('a local file gives the same text', { skip: skip ?? (golden(MODELS[1]) ? false : 'no shared data') }, async () => {
  const { page, requests, close } = await openPage(browser, server.origin);
  const expected = golden(MODELS[1]);
  await load(page, { files: [shared(`models/${MODELS[1]}.gguf`)] });
  assert.equal(await say(page, expected.prompt), expected.text);
  assert.ok(!requests.some((url) => url.includes('.gguf')));
  await close();
});

test('Esc stops an answer; the next one works', { skip: skip ?? (golden(MODELS[0]) ? false : 'no shared data') }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const expected = golden(MODELS[0]);
  await load(page, { url: `/models/${MODELS[0]}.gguf`, backend: 'gpu' });
  await sampling(page, { temperature: 0, maxTokens: 64 });
  await page.locator('#prompt').fill(expected.prompt);
  // In one task with the words that are waited for, so that the answer cannot have ended.
  await page.evaluate(() => {
    const seen = new MutationObserver(() => {
      if (!(document.querySelector('#log li.assistant .text')?.textContent.length > 20)) return;
      seen.disconnect();
      globalThis.stopShown = document.querySelector('#stop')?.checkVisibility();
      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
    });
    seen.observe(document.querySelector('.scroll'), { subtree: true, childList: true, characterData: true });
  });
  await page.locator('#prompt').press('Enter');
  const stopped = await answered(page);
  assert.equal(await page.evaluate(() => globalThis.stopShown), true);
  assert.equal(await page.locator('#log .note').textContent(), 'Stopped.');
  assert.ok(expected.text.startsWith(stopped) && stopped.length < expected.text.length, stopped);
  await anew(page);
  assert.equal(await say(page, expected.prompt), expected.text);
  await close();
});

test('a text goes on where it ended', { skip: skip ?? (golden(MODELS[1]) ? false : 'no shared data') }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const expected = golden(MODELS[1]);
  await load(page, { url: `/models/${MODELS[1]}.gguf` });
  const first = await say(page, expected.prompt, { maxTokens: 16 });
  await sampling(page, { maxTokens: 48 });
  await page.getByRole('button', { name: 'Continue' }).click();
  await answered(page, 2);
  const [, , second] = await log(page);
  assert.ok(second.length > 20);
  assert.equal((first + second).slice(0, expected.text.length), expected.text.slice(0, (first + second).length));
  await close();
});

test('a model with a chat template holds a conversation', { skip: skip ?? (golden(MODELS[1]) ? false : 'no shared data') }, async () => {
  const { page, complaints, close } = await openPage(browser, server.origin, { viewport: { width: 1100, height: 800 } });
  await load(page, { url: '/models/chat.gguf' });
  assert.equal(await page.locator('#prompt-label').textContent(), 'Message');
  await say(page, 'Once upon a time, there was a little girl named Lily.', { maxTokens: 48 });
  const second = await say(page, 'One day, Tom and his dog', { maxTokens: 48 });
  assert.ok(second.length > 40, second);
  assert.equal(await page.locator('#log > li').count(), 4);
  assert.deepEqual(complaints, []);
  await page.screenshot({ path: screenshotPath('chat-desktop') });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: screenshotPath('chat-dark') });
  await page.setViewportSize({ width: 380, height: 780 });
  await page.screenshot({ path: screenshotPath('chat-narrow-dark') });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.screenshot({ path: screenshotPath('chat-narrow') });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, 'nothing sticks out sideways');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.locator('#log:empty').waitFor({ state: 'attached' });
  await close();
});

/** The page with a committed model that has a chat template of ours, which shows all of the conversation. */
async function chatPage(context = '') {
  const template = "{% for m in messages %}{{ m.role + ': ' + m.content + '|' }}{% endfor %}";
  const bytes = readFileSync(new URL('../goldens/qwen2.gguf', import.meta.url));
  server.models.set('tiny-chat.gguf', bytesModel(withString(bytes, 'tokenizer.chat_template', template)));
  const opened = await openPage(browser, server.origin);
  await load(opened.page, { url: '/models/tiny-chat.gguf', context });
  return opened;
}

test('the second turn reads only what is new', { skip }, async () => {
  const { page, complaints, close } = await chatPage();
  await say(page, 'Hello', { maxTokens: 8 });
  assert.doesNotMatch(await page.locator('#log .speed').textContent(), /reused/);
  await say(page, 'Again', { maxTokens: 8 });
  assert.match(await page.locator('#log .speed').last().textContent(), /prompt of \d+ \((1[1-9]|[2-9]\d) reused\)/);
  assert.deepEqual(complaints, []);
  await close();
});

test('an answer longer than the context ends there; a prompt longer than it is an error in view', { skip }, async () => {
  const { page, close } = await chatPage('64');
  await say(page, 'Hello', { maxTokens: 5000 });
  assert.match(await page.locator('#log .note').textContent(), /context is full/);
  assert.deepEqual(await errors(page), []);
  await anew(page);
  const long = 'word '.repeat(40);
  await page.locator('#prompt').fill(long);
  await page.locator('#prompt').press('Enter');
  await page.locator('#error:visible').waitFor();
  assert.equal(await errorCode(page), 'context_overflow');
  assert.equal(await page.locator('#log > li').count(), 0, 'neither half of the failed turn stays');
  await page.waitForFunction(() => document.querySelector('#prompt').value !== ''); // after the turn was taken out of the store
  assert.equal(await page.locator('#prompt').inputValue(), long, 'what was written is not lost');
  const box = await page.locator('#error').boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= page.viewportSize().height, JSON.stringify(box));
  await close();
});

test('a new conversation knows nothing of the answer that still runs in another one, which goes on', { skip }, async () => {
  const { page, close } = await chatPage();
  const turn = async (prompt) => {
    await say(page, prompt, { maxTokens: 2 });
    return /prompt of (\d+)/.exec(await page.locator('#log .speed').last().textContent())[1];
  };
  const fresh = await turn('Hello');
  await anew(page);
  await sampling(page, { maxTokens: 400 });
  await page.locator('#prompt').fill('Tell me more');
  // In one task with the first word, so that the answer cannot have ended.
  await page.evaluate(() => {
    const seen = new MutationObserver(() => {
      if (document.querySelector('#log > li:last-child[aria-busy="true"] .text')?.textContent) {
        seen.disconnect();
        document.querySelector('.side .new').click();
      }
    });
    seen.observe(document.querySelector('.scroll'), { subtree: true, childList: true });
  });
  await page.locator('#prompt').press('Enter');
  await page.waitForFunction(() => document.querySelector('#log')?.childElementCount === 0 && document.querySelector('#conversations').childElementCount === 2);
  await page.locator('#send').waitFor();
  assert.equal(await turn('Hello'), fresh, 'tokens of the prompt');
  await page.locator('#conversations a', { hasText: 'Tell me more' }).click();
  await page.locator('#log > li.user', { hasText: 'Tell me more' }).waitFor();
  assert.ok((await answered(page)).length > 0);
  assert.equal(await page.locator('#log > li').count(), 2);
  assert.equal(await page.locator('#log .note').count(), 1, 'it ended at its limit, not before');
  await close();
});

test('what is below the conversation does not move when an answer begins and ends', { skip }, async () => {
  const { page, close } = await chatPage();
  const place = () => page.locator('#prompt').evaluate((prompt) => JSON.stringify(prompt.getBoundingClientRect()));
  const before = await place();
  await sampling(page, { maxTokens: 12 });
  await page.locator('#prompt').fill('Hello');
  await page.evaluate(() => {
    const places = (globalThis.places = new Set());
    const look = () => {
      places.add(JSON.stringify(document.getElementById('prompt').getBoundingClientRect()));
      requestAnimationFrame(look);
    };
    look();
  });
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('#log .speed', { hasText: 'prompt of' }).waitFor();
  await page.locator('#send').waitFor();
  assert.deepEqual(await page.evaluate(() => [...globalThis.places]), [before]);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'prompt');
  await close();
});

test('a context that no model has is an error that names the field', { skip }, async () => {
  const { page, close } = await chatPage('4000000000');
  assert.equal(await errorCode(page), 'invalid_request');
  assert.match(await page.locator('#error-message').textContent(), /context: expected 1 to \d+, got 4000000000/);
  assert.match(await page.locator('#error-hint').textContent(), /Model/);
  await close();
});

test('one part of a split model: the page says to choose all', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const part = (n) => fileURLToPath(new URL(`../goldens/split-0000${n}-of-00003.gguf`, import.meta.url));
  await load(page, { files: [part(2)] });
  assert.equal(await errorCode(page), 'bad_file');
  assert.match(await page.locator('#error-hint').textContent(), /all its parts/);
  await load(page, { files: [part(3), part(1), part(2)] });
  assert.deepEqual(await errors(page), []);
  assert.ok((await infoOf(page)).context > 0);
  await close();
});

/** A small sound model, for making unsound ones of it. */
async function sound() {
  const model = llamaModel({ n_embd: 64, n_ff: 64, n_layer: 1, head_dim: 32 });
  const pieces = [];
  for await (const piece of model.stream(0, model.size)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** `bytes` with the first `from` replaced by `to` of the same length. */
function replaced(bytes, from, to) {
  const copy = Buffer.from(bytes);
  copy.write(to, copy.indexOf(from));
  return copy;
}

const FAILURES = [
  ['not a GGUF file', 'bad_file', (bytes) => replaced(bytes, 'GGUF', 'JUNK')],
  ['a truncated file', 'truncated', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['a truncated header', 'truncated', (bytes) => bytes.subarray(0, 1000)],
  ['an unknown architecture', 'unsupported_architecture', (bytes) => replaced(bytes, 'llama', 'lemma')],
  ['a missing tensor', 'bad_file', (bytes) => replaced(bytes, 'blk.0.ffn_down.weight', 'blk.0.ffn_gone.weight')],
];
for (const [what, code, spoil] of FAILURES) {
  test(`${what} shows the error "${code}"`, { skip }, async () => {
    server.models.set('spoilt.gguf', bytesModel(spoil(await sound())));
    const { page, close } = await openPage(browser, server.origin);
    await load(page, { url: '/models/spoilt.gguf' });
    assert.equal(await errorCode(page), code, await page.locator('#error-message').textContent());
    assert.ok((await page.locator('#error-message').textContent()).length > 20);
    assert.ok((await page.locator('#error-hint').textContent()).length > 20);
    if (code === 'bad_file') await page.screenshot({ path: screenshotPath('error') });
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.locator('#error').waitFor({ state: 'detached' });
    assert.deepEqual(await errors(page), []);
    await close();
  });
}

test('a missing file shows "http", a broken connection "io" or "truncated"', { skip }, async () => {
  server.models.set('sound.gguf', bytesModel(await sound()));
  const { page, close } = await openPage(browser, server.origin);
  await load(page, { url: '/models/absent.gguf' });
  assert.equal(await errorCode(page), 'http');
  assert.match(await page.locator('#error-message').textContent(), /404/);
  await load(page, { url: '/cut/sound.gguf' });
  assert.match(await errorCode(page), /^(io|truncated)$/);
  await load(page, { url: '/models/sound.gguf' });
  assert.deepEqual(await errors(page), []);
  await close();
});

test('an unknown address and an empty form are said in words', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  await page.screenshot({ path: screenshotPath('start') });
  await view(page, 'models');
  await page.getByRole('button', { name: 'Load model' }).click();
  assert.equal(await page.locator('form#load .problem code').textContent(), 'invalid_request');
  await load(page, { url: 'http://localhost:1/m.gguf' });
  assert.equal(await errorCode(page), 'io');
  await close();
});
