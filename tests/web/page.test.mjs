// The page in headless Chromium, as a person uses it: the reference's text comes out of it, errors say what they are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
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

/** Fills in the form and loads; resolves when the model is there, or when an error shows. */
async function load(page, { url, files, backend = 'cpu', cache = 'f32', context = '' }) {
  if (files) {
    await page.getByLabel('or a file on this device').setInputFiles(files);
  } else {
    await page.getByLabel('Address of a GGUF file').fill(url);
  }
  await page.getByLabel('Runs on').selectOption(backend);
  await page.getByLabel('Cache precision').selectOption(cache);
  await page.getByLabel('Context, tokens').fill(context);
  await page.getByRole('button', { name: 'Load model' }).click();
  await page.locator('#where:visible, #error:visible').first().waitFor({ timeout: 60_000 });
}

/** Writes a prompt with the keyboard and waits for the end of the answer; resolves to its text. */
async function say(page, prompt, { temperature = '0', maxTokens = '64' } = {}) {
  await page.locator('#settings').evaluate((settings) => (settings.open = true));
  await page.getByLabel('Temperature').fill(temperature);
  await page.getByLabel('Tokens per answer').fill(maxTokens);
  await page.locator('#settings').evaluate((settings) => (settings.open = false));
  await page.locator('#prompt').fill(prompt);
  await page.locator('#prompt').press('Enter');
  await page.locator('#send:visible').waitFor({ timeout: 60_000 });
  return page.locator('#log li:last-child .text').evaluate((text) => text.textContent);
}

const errorCode = (page) => page.locator('#error-code').textContent();

for (const backend of ['gpu', 'cpu']) {
  for (const name of MODELS) {
    const expected = golden(name);
    test(`${name} writes the reference's text on the page (${backend})`, { skip: skip ?? (expected ? false : 'no shared data') }, async () => {
      const { page, requests, complaints, close } = await openPage(browser, server.origin);
      await load(page, { url: `/models/${name}.gguf`, backend });
      assert.equal(await page.locator('#error').isVisible(), false, await page.locator('#error').textContent());
      const text = await say(page, expected.prompt);
      assert.equal(text, expected.prompt + expected.text);
      assert.match(await page.locator('#where').textContent(), backend === 'gpu' ? /^GPU · .*swiftshader.*\(software\)$/i : /^Processor/);
      assert.match(await page.locator('#speed').textContent(), /^[\d.]+ tokens\/s · 6\d tokens/);
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
  assert.equal(await say(page, expected.prompt), expected.prompt + expected.text);
  assert.ok(!requests.some((url) => url.includes('.gguf')));
  await close();
});

test('Esc stops an answer; the next one works', { skip: skip ?? (golden(MODELS[0]) ? false : 'no shared data') }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const expected = golden(MODELS[0]);
  await load(page, { url: `/models/${MODELS[0]}.gguf`, backend: 'gpu' });
  await page.locator('#prompt').fill(expected.prompt);
  await page.locator('#prompt').press('Enter');
  await page.waitForFunction(() => document.querySelector('#log li:last-child .text')?.textContent.length > 70);
  assert.equal(await page.getByRole('button', { name: 'Stop' }).isVisible(), true);
  await page.keyboard.press('Escape');
  await page.locator('#send:visible').waitFor();
  assert.equal(await page.locator('#log .note').textContent(), 'Stopped.');
  assert.equal(await say(page, expected.prompt), expected.prompt + expected.text);
  await close();
});

test('a model with a chat template holds a conversation', { skip: skip ?? (golden(MODELS[1]) ? false : 'no shared data') }, async () => {
  const { page, complaints, close } = await openPage(browser, server.origin, { viewport: { width: 1100, height: 800 } });
  await load(page, { url: '/models/chat.gguf' });
  assert.equal(await page.locator('#prompt-label').textContent(), 'Message');
  await say(page, 'Once upon a time, there was a little girl named Lily.', { maxTokens: '48' });
  const second = await say(page, 'One day, Tom and his dog', { maxTokens: '48' });
  assert.ok(second.length > 40, second);
  assert.equal(await page.locator('#log li').count(), 4);
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
  await page.getByText('Settings').click();
  await page.getByRole('button', { name: 'New conversation' }).click();
  assert.equal(await page.locator('#log li').count(), 0);
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
  await say(page, 'Hello', { maxTokens: '8' });
  assert.doesNotMatch(await page.locator('#speed').textContent(), /reused/);
  await say(page, 'Again', { maxTokens: '8' });
  assert.match(await page.locator('#speed').textContent(), /prompt of \d+ \((1[1-9]|[2-9]\d) reused\)/);
  assert.deepEqual(complaints, []);
  await close();
});

test('an answer longer than the context ends there; a prompt longer than it is an error in view', { skip }, async () => {
  const { page, close } = await chatPage('64');
  await say(page, 'Hello', { maxTokens: '5000' });
  assert.match(await page.locator('#log .note').textContent(), /context is full/);
  assert.equal(await page.locator('#error').isVisible(), false, await page.locator('#error-message').textContent());
  await page.getByRole('button', { name: 'New conversation', includeHidden: true }).dispatchEvent('click');
  const long = 'word '.repeat(40);
  await page.locator('#prompt').fill(long);
  await page.locator('#prompt').press('Enter');
  await page.locator('#error:visible').waitFor();
  assert.equal(await errorCode(page), 'context_overflow');
  assert.equal(await page.locator('#log li').count(), 0, 'neither half of the failed turn stays');
  assert.equal(await page.locator('#prompt').inputValue(), long, 'what was written is not lost');
  const box = await page.locator('#error').boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= page.viewportSize().height, JSON.stringify(box));
  await close();
});

test('a new conversation forgets the answer that it interrupts', { skip }, async () => {
  const { page, close } = await chatPage();
  const turn = async (prompt) => {
    await say(page, prompt, { maxTokens: '2' });
    return /prompt of (\d+)/.exec(await page.locator('#speed').textContent())[1];
  };
  const fresh = await turn('Hello');
  await page.locator('#max-tokens').evaluate((field) => (field.value = 400));
  await page.locator('#prompt').fill('Tell me more');
  // In one task with the first word, so that the answer cannot have ended.
  await page.evaluate(() => {
    const seen = new MutationObserver(() => {
      if (document.querySelector('#log li:last-child[aria-busy] .text')?.textContent) {
        seen.disconnect();
        document.getElementById('clear').click();
      }
    });
    seen.observe(document.getElementById('log'), { subtree: true, childList: true });
  });
  await page.locator('#prompt').press('Enter');
  await page.locator('#log:empty').waitFor({ state: 'attached' });
  await page.locator('#send:visible').waitFor();
  assert.equal(await turn('Hello'), fresh, 'tokens of the prompt');
  await close();
});

test('what is below the conversation does not move when an answer begins and ends', { skip }, async () => {
  const { page, close } = await chatPage();
  const place = () => page.locator('#prompt').evaluate((prompt) => JSON.stringify(prompt.getBoundingClientRect()));
  const before = await place();
  await page.locator('#max-tokens').evaluate((field) => (field.value = 12));
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
  await page.locator('#speed', { hasText: 'prompt of' }).waitFor();
  await page.locator('#send:visible').waitFor();
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
  assert.equal(await page.locator('#error').isVisible(), false);
  assert.match(await page.locator('#loaded').textContent(), /tokens of context/);
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
    assert.equal(await page.locator('#error').isVisible(), false);
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
  assert.equal(await page.locator('#error').isVisible(), false, await page.locator('#error').textContent());
  await close();
});

test('an unknown address and an empty form are said in words', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  await page.screenshot({ path: screenshotPath('start') });
  await page.getByRole('button', { name: 'Load model' }).click();
  assert.equal(await errorCode(page), 'invalid_request');
  await load(page, { url: 'http://localhost:1/m.gguf' });
  assert.equal(await errorCode(page), 'io');
  await close();
});
