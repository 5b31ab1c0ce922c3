// A conversation as a person has it: stop, another answer, edit, branch, two tabs, a crash; and that the page stays quick and small.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, anew, log, scripted, send, settled, view } from './support/assistant.mjs';
import { launch, missing, openPage, screenshotPath } from './support/browser.mjs';
import { deskServer, noDesk } from './support/desk.mjs';
import { startServer } from './support/server.mjs';
import { tasksOf } from './support/tasks.mjs';

const skip = missing() ?? false;
let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch(['--js-flags=--expose-gc']);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** A page with the scripted engine. */
async function chat(info, options) {
  const opened = await openPage(browser, server.origin, options);
  await scripted(opened.page, info);
  return opened;
}

/** What the engine was asked: of each request who said what. */
const asked = (page) => page.evaluate(() => scripted.asked.map(({ messages }) => messages.map(({ role, content }) => `${role[0]}: ${content}`)));
/** The next answers are these pieces. */
const answers = (page, pieces) => page.evaluate((pieces) => (scripted.answer = () => pieces), pieces);
/** Answers come a few pieces in each frame: as fast as on an idle machine, and no more of them at once where the frames are late. */
const steadily = (page) =>
  page.evaluate(() => {
    let count = 0;
    scripted.pause = () => new Promise((resolve) => ((count += 1) % 8 ? setTimeout(resolve, 1) : requestAnimationFrame(resolve)));
  });
/** Answers wait until `go` is called. */
const hold = (page) => page.evaluate(() => (scripted.pause = () => new Promise((resolve) => (globalThis.go = resolve))));

test('another answer stands beside the first; an edited question begins another branch; each branch is its own history', { skip }, async () => {
  const { page, complaints, close } = await chat();
  await send(page, 'one');
  await answers(page, ['second answer']);
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await page.locator('#log .versions', { hasText: '2 of 2' }).waitFor();
  await answered(page);
  assert.deepEqual(await log(page), ['one', 'second answer']);
  await send(page, 'two');
  assert.deepEqual((await asked(page)).at(-1), ['u: one', 'a: second answer', 'u: two']);
  await page.getByRole('button', { name: 'Previous version' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#log > li').length === 2);
  assert.deepEqual(await log(page), ['one', 'You said: one']);
  await page.getByRole('button', { name: 'Next version' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#log > li').length === 4);
  // Edited: the old question and all that followed stays.
  await page.getByRole('button', { name: 'Edit' }).last().click();
  await page.getByLabel('Edit your message').fill('two, but better');
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.locator('#log > li.user', { hasText: 'two, but better' }).waitFor();
  await answered(page, 2);
  assert.deepEqual((await asked(page)).at(-1), ['u: one', 'a: second answer', 'u: two, but better']);
  const versions = await page.locator('#log > li.user .versions').textContent();
  assert.match(versions, /2 of 2/);
  await page.reload();
  await page.locator('#log > li').nth(3).waitFor();
  assert.deepEqual((await log(page)).slice(2, 3), ['two, but better'], 'the branch that was shown is shown again');
  assert.deepEqual(complaints, []);
  await close();
});

test('the user’s text is never markup; the answer’s Markdown is, and its code can be copied', { skip }, async () => {
  const { page, close } = await chat({}, { permissions: ['clipboard-read', 'clipboard-write'] });
  await answers(page, ['```js\n', 'let a = 1;\n```\n\n**bold** <b>not', '</b>']);
  await send(page, '<b>x</b> **y**\n```\nz');
  assert.equal((await log(page))[0], '<b>x</b> **y**\n```\nz');
  assert.equal(await page.locator('#log > li.user .text *').count(), 0);
  assert.equal(await page.locator('#log > li.assistant strong', { hasText: 'bold' }).count(), 1);
  assert.equal(await page.locator('#log > li.assistant .text b').count(), 0);
  await page.getByRole('button', { name: 'Copy code' }).click();
  await page.locator('.toast', { hasText: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'let a = 1;\n');
  await close();
});

test('what is provisional is shown as it comes, what stands is kept', { skip }, async () => {
  const { page, close } = await chat();
  const parts = (...parts) => ({ kinglet: { parts } });
  await answers(page, [
    parts({ type: 'segment', id: 0, source: 'local', provisional: true }, { type: 'delta', segment: 0, text: 'a doubtful ' }),
    parts({ type: 'delta', segment: 0, text: 'answer' }),
    parts({ type: 'segment', id: 1, source: 'remote', provisional: false }, { type: 'replace', from: 0, to: 1 }, { type: 'delta', segment: 1, text: 'a better' }),
    { choices: [{ index: 0, delta: { content: 'a better one' }, finish_reason: null, logprobs: null }], kinglet: { source: 'remote', parts: [{ type: 'delta', segment: 1, text: ' one' }, { type: 'commit', segment: 1 }] } },
  ]);
  await hold(page);
  const shown = [];
  await page.locator('#prompt').fill('x');
  await page.locator('#prompt').press('Enter');
  for (const text of ['…', 'a doubtful ', 'a doubtful answer', 'a better']) {
    await page.waitForFunction((text) => text === '…' || document.querySelector('#log > li.assistant .text')?.textContent.trim() === text.trim(), text);
    shown.push(text);
    await page.waitForFunction(() => globalThis.go);
    await page.evaluate(() => { const { go } = globalThis; globalThis.go = undefined; go(); });
  }
  await page.evaluate(() => { scripted.pause = async () => undefined; globalThis.go?.(); });
  assert.equal(await answered(page), 'a better one');
  assert.equal(shown.length, 4);
  const kept = await page.evaluate(async () => JSON.parse(await (await import('/services/conversations.js')).exportConversations()).conversations[0].messages[1]);
  assert.equal(kept.content, 'a better one');
  assert.equal(kept.answer.source, 'remote');
  assert.equal(kept.answer.parts, undefined);
  assert.equal(kept.answer.usage.completion_tokens, 4);
  await close();
});

test('where the limit of tokens does not fit, it is asked again with the room that there is, and said', { skip }, async () => {
  const { page, close } = await chat();
  await page.evaluate(() => {
    scripted.answer = ({ max_tokens }) => {
      if (max_tokens > 30) throw Object.assign(new Error('too long'), { code: 'context_overflow', detail: { n_ctx: 64, prompt: 34 } });
      return ['short'];
    };
    scripted.finish = 'length';
  });
  await send(page, 'x');
  assert.equal(await page.evaluate(() => scripted.asked.at(-1).max_tokens), 30);
  assert.match(await page.locator('#log .note').textContent(), /there was room for 30 tokens/);
  await close();
});

test('an answer that fails keeps its text and says why; another one can be asked for', { skip }, async () => {
  const { page, close } = await chat();
  await page.evaluate(() => {
    scripted.answer = function* () {
      yield 'as far as ';
      throw Object.assign(new Error('the worker has ended'), { code: 'worker_failed' });
    };
  });
  await send(page, 'x');
  assert.match(await page.locator('#log .failed').textContent(), /worker_failed the worker has ended/);
  assert.equal((await log(page))[1].trim(), 'as far as');
  await answers(page, ['whole']);
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await page.locator('#log .versions', { hasText: '2 of 2' }).waitFor();
  assert.equal(await answered(page), 'whole');
  await close();
});

test('a page that ends while an answer runs leaves it as interrupted, with its text', { skip }, async () => {
  const { page, close } = await chat();
  await page.evaluate(() => {
    scripted.answer = () => Array.from({ length: 500 }, (_, i) => `word${i} `); // it runs until the tab is gone, however slow the other one comes
    scripted.pause = () => new Promise((resolve) => setTimeout(resolve, 100));
  });
  await page.locator('#prompt').fill('x');
  await page.locator('#prompt').press('Enter');
  // It is in the store before it is whole: another tab of the browser sees it.
  await page.waitForURL(/#\/chat\/./);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.locator('#log > li.assistant .text', { hasText: 'word3' }).waitFor();
  assert.equal(await other.locator('#log > li.assistant').getAttribute('aria-busy'), 'true');
  assert.match(await other.locator('#log .note').textContent(), /being written in another tab/);
  // The tab is gone without a word.
  const session = await page.context().newCDPSession(page);
  session.send('Page.crash').catch(() => undefined); // nobody is left to answer
  await other.locator('#log .note', { hasText: 'Interrupted' }).waitFor({ timeout: 20_000 });
  assert.match((await log(other))[1], /^word0 word1 word2 word3/);
  assert.doesNotMatch((await log(other))[1], /word499/);
  await close();
});

test('two tabs on one conversation lose nothing: each sees the other, and what both say at once stands side by side', { skip }, async () => {
  const { page, close } = await chat();
  await send(page, 'first');
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.locator('#log > li').nth(1).waitFor();
  await scripted(other);
  await send(other, 'from the other tab');
  await page.locator('#log > li.assistant[aria-busy=false] .text', { hasText: 'You said: from the other tab' }).waitFor();
  assert.deepEqual(await log(page), await log(other));
  // At once: neither has heard of the other's when it sends.
  const tabs = [page, other];
  await Promise.all(tabs.map((tab) => tab.evaluate(() => {
    const { postMessage } = BroadcastChannel.prototype;
    const held = [];
    BroadcastChannel.prototype.postMessage = function (...said) { held.push(() => postMessage.apply(this, said)); };
    globalThis.speak = () => { BroadcastChannel.prototype.postMessage = postMessage; held.forEach((say) => say()); };
  })));
  await Promise.all([send(page, 'here'), send(other, 'there')]);
  await Promise.all(tabs.map((tab) => tab.evaluate(() => globalThis.speak())));
  const { conversations: [kept] } = JSON.parse(await page.evaluate(async () => (await import('/services/conversations.js')).exportConversations()));
  const texts = kept.messages.map(({ content }) => content);
  for (const text of ['first', 'from the other tab', 'here', 'there', 'You said: here', 'You said: there']) assert.ok(texts.includes(text), text);
  await close();
});

test('keys, focus and what a screen reader is told', { skip }, async () => {
  const { page, close } = await chat();
  await page.evaluate(() => {
    globalThis.told = [];
    new MutationObserver(() => told.push(document.querySelector('#announcer').textContent)).observe(document.querySelector('#announcer'), { childList: true, characterData: true, subtree: true });
  });
  await answers(page, ['one ', 'two ', 'three']);
  await send(page, 'count');
  assert.deepEqual(await page.evaluate(() => told), ['Answering…', 'Answer: one two three'], 'not each word');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'prompt');
  assert.equal(await page.locator('[role=log]').getAttribute('aria-live'), 'off');
  // Shift+Enter breaks the line, and does not send.
  await page.locator('#prompt').press('Shift+Enter');
  assert.equal(await page.locator('#prompt').inputValue(), '\n');
  await page.locator('#prompt').fill('');
  await page.locator('#prompt').press('ArrowUp');
  assert.equal(await page.getByLabel('Edit your message').inputValue(), 'count');
  await page.getByLabel('Edit your message').press('Escape');
  await page.locator('.editor').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+KeyK');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  await page.keyboard.press('Shift+Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'prompt');
  await page.keyboard.press('Control+Slash');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  // Stopped by Esc, from anywhere.
  await page.evaluate(() => { scripted.answer = () => Array.from({ length: 1000 }, () => 'more '); scripted.pause = () => new Promise((resolve) => setTimeout(resolve, 20)); });
  await page.locator('#prompt').fill('x');
  await page.locator('#prompt').press('Enter');
  await page.locator('#log > li:last-child .text', { hasText: 'more more' }).waitFor();
  await page.locator('#search').focus();
  await page.keyboard.press('Escape');
  await page.locator('#log .note', { hasText: 'Stopped.' }).waitFor();
  assert.match((await page.evaluate(() => told)).at(-1), /^Stopped: more/);
  await close();
});

test('the end stays in view only for who is there', { skip }, async () => {
  const { page, close } = await chat({}, { viewport: { width: 800, height: 500 } });
  await answers(page, [Array.from({ length: 60 }, (_, i) => `Paragraph ${i}.`).join('\n\n')]);
  await send(page, 'long');
  const fromEnd = () => page.locator('.scroll').evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  await page.waitForFunction(() => { const element = document.querySelector('.scroll'); return element.scrollHeight - element.scrollTop - element.clientHeight < 4; });
  await page.locator('.scroll').evaluate((element) => element.scrollTo(0, 0));
  await page.waitForFunction(() => document.querySelector('.scroll').scrollTop === 0);
  await send(page, 'again');
  assert.ok((await fromEnd()) > 100, 'who has scrolled back is left alone');
  await close();
});

test('text from right to left stands at its side, message by message', { skip }, async () => {
  const { page, close } = await chat();
  await answers(page, ['مرحبا! هذه **فقرة**.\n\nAnd one in English.\n\n```js\nlet a;\n```']);
  await send(page, 'שלום, מה שלומך?');
  const direction = (selector, hasText) => page.locator(selector, { hasText }).first().evaluate((element) => getComputedStyle(element).direction);
  assert.equal(await direction('#log > li.user .text'), 'rtl');
  assert.equal(await direction('#log > li.assistant p', 'مرحبا'), 'rtl');
  assert.equal(await direction('#log > li.assistant p', 'And one in English.'), 'ltr');
  assert.equal(await direction('#log > li.assistant .code'), 'ltr');
  assert.equal(await direction('#conversations a'), 'rtl');
  await page.screenshot({ path: screenshotPath('chat-rtl') });
  await close();
});

test('while 5,000 words of Markdown come, the page is never blocked for 50 ms', { skip }, async (t) => {
  const { page, close } = await chat();
  await page.evaluate(() => {
    const paragraph = (i) => `## Part ${i}\n\nA *paragraph* with **words**, \`code\`, [a link](https://example.com/${i}) and more ${'words that go on '.repeat(12)}.\n\n- one\n- two\n  - three\n\n\`\`\`js\nconst a = ${i};\n\`\`\`\n\n`;
    const text = Array.from({ length: 75 }, (_, i) => paragraph(i)).join('');
    globalThis.words = text.split(/\s+/).length;
    scripted.answer = () => text.match(/[\s\S]{1,60}/g);
  });
  await steadily(page);
  await send(page, 'the first one compiles the scripts');
  const words = await page.evaluate(() => globalThis.words);
  assert.ok(words >= 5000, `${words} words`);
  await anew(page);
  assert.deepEqual(await tasksOf(browser, page, () => send(page, 'long'), t), []);
  assert.equal(await page.locator('#log h4').count(), 75);
  await close();
});

test('the same of one list, one table, one paragraph and one piece of code that do not end', { skip }, async (t) => {
  const { page, close } = await chat();
  await send(page, 'the first one compiles the scripts');
  for (const [what, piece, head] of [['list', '- an item with **words** in it\n', ''], ['table', '| a | **b** |\n', '| x | y |\n|---|---|\n'], ['paragraph', 'words without end, ', ''], ['code', 'let a = 1;\n', '```js\n']]) {
    await page.evaluate(([piece, head]) => {
      scripted.answer = () => [head, ...Array.from({ length: 250 }, () => piece.repeat(Math.ceil(120 / piece.length)))];
    }, [piece, head]);
    await steadily(page);
    await t.test(what, async (t) => {
      await anew(page);
      assert.deepEqual(await tasksOf(browser, page, () => send(page, what), t), []);
    });
  }
  await close();
});

test('the same with desk on the processor', { skip: skip || (noDesk() ?? false) }, async (t) => {
  const desk = await deskServer();
  const { page, close } = await openPage(browser, `${desk.origin}/?backend=cpu`);
  await settled(page);
  await page.getByRole('button', { name: 'Summarise', exact: true }).click();
  await answered(page);
  const long = await tasksOf(browser, page, async () => {
    for (const [i, name] of ['Extract', 'Summarise', 'Answer'].entries()) {
      await page.getByRole('button', { name, exact: true }).click();
      await answered(page, i + 2);
    }
  }, t);
  assert.deepEqual(long, []);
  await close();
  await desk.close();
});

/** Turns; 200 of them in `cargo xtask soak`. */
const TURNS = process.env.KINGLET_SOAK ? 200 : 20;

test(`${TURNS} turns do not let the page grow`, { skip }, async (t) => {
  const { page, close } = await chat();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const now = async () => {
    await page.evaluate(() => (scripted.asked = [])); // the script's own memory
    for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const { Nodes, JSEventListeners, JSHeapUsedSize } = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
    const shown = await page.evaluate(() => document.querySelectorAll('*').length);
    return { shown, nodes: Nodes, listeners: JSEventListeners, heap: JSHeapUsedSize };
  };
  const some = async (count) => {
    for (let i = 0; i < count; i++) {
      await answers(page, [`Answer ${i} with **words** and a list\n\n- one\n- two\n\n`, '```js\nlet a;\n```']);
      await page.locator('#prompt').fill(`Question ${i}`);
      await page.locator('#prompt').press('Enter');
      await page.waitForFunction((text) => [...document.querySelectorAll('#log > li.assistant')].at(-1)?.matches('[aria-busy="false"]') && [...document.querySelectorAll('#log > li.user .text')].at(-1).textContent === text, `Question ${i}`);
    }
  };
  await some(5);
  await anew(page);
  const empty = await now();
  await some(TURNS);
  const full = await now();
  await anew(page);
  await page.evaluate(() => document.querySelectorAll('.toast').forEach((toast) => toast.remove()));
  const after = await now();
  t.diagnostic(`elements ${empty.shown} → ${full.shown} → ${after.shown}; nodes ${empty.nodes} → ${full.nodes} → ${after.nodes}; listeners ${empty.listeners} → ${full.listeners} → ${after.listeners}; heap ${[empty, full, after].map(({ heap }) => `${(heap / 1e6).toFixed(1)} MB`).join(' → ')}`);
  // In view are at most 60 messages, however many there are.
  assert.ok(full.nodes - empty.nodes < 60 * 120, 'nodes of what is in view');
  assert.ok((await page.locator('#log > li').count()) === 0);
  assert.ok(after.shown - empty.shown < 30, `elements that stay: ${after.shown - empty.shown}`);
  // A field of text keeps a few nodes for each entry of its undo history, as many as the browser likes.
  assert.ok(after.nodes - empty.nodes < 200 + 5 * TURNS, `nodes that stay: ${after.nodes - empty.nodes}`);
  assert.ok(after.listeners - empty.listeners < 30, `listeners that stay: ${after.listeners - empty.listeners}`);
  assert.ok(after.heap - empty.heap < 1e6 + TURNS * 4e3, `heap that stays: ${after.heap - empty.heap}`);
  await close();
});

test('settings are kept, and go into the next request', { skip }, async () => {
  const { page, complaints, close } = await chat();
  await view(page, 'settings');
  await page.getByLabel('Temperature').fill('0.3');
  await page.getByLabel('Tokens per answer').fill('77');
  await page.getByLabel('System message').fill('Be brief.');
  await page.getByLabel('System message').blur();
  await page.getByLabel('Temperature').fill('9');
  await page.getByLabel('Temperature').blur();
  await view(page, 'chat');
  await send(page, 'x');
  const request = await page.evaluate(() => scripted.asked.at(-1));
  assert.deepEqual([request.temperature, request.max_tokens, request.messages[0]], [0.3, 77, { role: 'system', content: 'Be brief.' }]);
  await page.reload();
  await view(page, 'settings');
  assert.equal(await page.getByLabel('Tokens per answer').inputValue(), '77');
  assert.deepEqual(complaints, []);
  await close();
});

test('on a phone the list is a drawer that takes and gives back the keyboard', { skip }, async () => {
  const { page, close } = await chat({}, { viewport: { width: 360, height: 640 } });
  await send(page, 'hello');
  const side = page.locator('.side');
  assert.equal(await side.isVisible(), false);
  await page.getByRole('button', { name: 'Conversations' }).click();
  assert.equal(await side.isVisible(), true);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'New conversation');
  await page.keyboard.press('Escape');
  assert.equal(await side.isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'list-button');
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.locator('#conversations a').click();
  await side.waitFor({ state: 'hidden' });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0);
  await close();
});
