// What was written and not sent is not lost: over a reload, in another conversation, and where it could not be asked.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { anew, idle, scripted, send, view } from './support/assistant.mjs';
import { launch, missing, openPage } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function chat() {
  const opened = await openPage(browser, server.origin);
  await scripted(opened.page);
  return opened;
}

const written = (page) => page.locator('#prompt').inputValue();
const unsent = (page) => page.evaluate(async () => (await import('/services/unsent.js')).unsent.value);
const open = async (page, title) => {
  await page.locator('#conversations a', { hasText: title }).click();
  await page.locator('#log > li').first().waitFor();
};

test('each conversation keeps what was written in it, also over a reload and while another view is shown', { skip }, async () => {
  const { page, complaints, close } = await chat();
  await send(page, 'The first');
  assert.deepEqual([await written(page), await unsent(page)], ['', false], 'what was sent is not kept');
  await page.locator('#prompt').fill('more of the first');
  await anew(page);
  assert.equal(await written(page), '');
  await page.locator('#prompt').fill('a beginning');
  await open(page, 'The first');
  assert.equal(await written(page), 'more of the first');
  await view(page, 'settings');
  await view(page, 'chat');
  assert.deepEqual([await written(page), await unsent(page)], ['a beginning', true]);
  await page.reload();
  await page.locator('#prompt').waitFor();
  assert.deepEqual([await written(page), await unsent(page)], ['a beginning', true]);
  await open(page, 'The first');
  assert.equal(await written(page), 'more of the first');
  // Another tab has its own.
  const other = await page.context().newPage();
  await other.goto(server.origin);
  await other.locator('#prompt').waitFor();
  assert.deepEqual([await written(other), await unsent(other)], ['', false]);
  // Deleted with its conversation, and back with it.
  await page.getByRole('button', { name: 'Options of The first' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('#conversations li').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('#conversations li').waitFor();
  await anew(page);
  await open(page, 'The first');
  assert.equal(await written(page), 'more of the first');
  assert.deepEqual(complaints, []);
  await close();
});

test('an open edit is there after a reload, and waits for a model', { skip }, async () => {
  const { page, close } = await chat();
  await send(page, 'The first');
  await page.getByRole('button', { name: 'Edit' }).click();
  const field = page.getByLabel('Edit your message');
  await field.fill('The first, put better');
  await page.reload();
  assert.equal(await field.inputValue(), 'The first, put better');
  await page.getByRole('button', { name: 'Ask again' }).click();
  assert.equal(await field.inputValue(), 'The first, put better', 'no model is there to be asked');
  await scripted(page);
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.locator('#log > li.assistant .text', { hasText: 'You said: The first, put better' }).waitFor();
  assert.equal(await unsent(page), false);
  await page.getByRole('button', { name: 'Edit' }).click();
  await field.fill('dropped');
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await unsent(page), false);
  await close();
});

test('what could not be asked is given back, before what was written meanwhile', { skip }, async () => {
  const { page, close } = await chat();
  await page.evaluate(() => {
    scripted.answer = () => new Promise((_, reject) => (globalThis.refuse = () => reject(Object.assign(new Error('too long'), { code: 'context_overflow', detail: { n_ctx: 1, prompt: 2 } }))));
  });
  await page.locator('#prompt').fill('much too long');
  await page.locator('#prompt').press('Enter');
  await page.waitForFunction(() => globalThis.refuse);
  await page.locator('#prompt').fill('and this');
  await page.evaluate(() => globalThis.refuse());
  await page.locator('#error').waitFor();
  await page.waitForFunction(() => document.querySelector('#prompt').value === 'much too long\n\nand this');
  await page.waitForFunction(() => document.querySelectorAll('#conversations li').length === 0);
  await page.reload();
  assert.equal(await written(page), 'much too long\n\nand this');
  await close();
});

test('without a storage it lasts as long as the page', { skip }, async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => Object.defineProperty(globalThis, 'sessionStorage', { get: () => { throw new DOMException('denied', 'SecurityError'); } }));
  const page = await context.newPage();
  await page.goto(server.origin);
  await scripted(page);
  await page.locator('#prompt').fill('a beginning');
  await view(page, 'settings');
  await view(page, 'chat');
  assert.deepEqual([await written(page), await unsent(page)], ['a beginning', true]);
  await context.close();
});

test('the signs on the buttons are drawn, not characters that a device may lack', { skip }, async () => {
  const { page, close } = await chat();
  await page.setViewportSize({ width: 360, height: 640 });
  for (const button of await page.locator('.talk .top button').all()) {
    assert.equal((await button.textContent()).trim(), '');
    const { width, height } = await button.locator('svg').boundingBox();
    assert.deepEqual([width, height], [16, 16]);
  }
  await close();
});

const kept = (page) => idle(page).then(() => page.evaluate(async () => JSON.parse(await (await import('/services/conversations.js')).exportConversations()).conversations.map(({ messages }) => messages.map(({ content }) => content))));

test('a conversation that is shown and deleted is left; what is said then begins another one, which is kept', { skip }, async () => {
  const { page, close } = await chat();
  await send(page, 'The first');
  await page.getByRole('button', { name: 'Options of The first' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('#log:empty').waitFor({ state: 'attached' });
  assert.match(page.url(), /#\/chat$/);
  await send(page, 'The second');
  assert.deepEqual(await kept(page), [['The second', 'You said: The second']]);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('#conversations a', { hasText: 'The first' }).waitFor();
  assert.equal(await page.locator('#log > li').count(), 2, 'what is shown stays');
  await close();
});

test('where a conversation is not there, or was deleted in another tab, what is written begins another one', { skip }, async () => {
  const { page, close } = await chat();
  await view(page, 'chat', 'aaaaaaaaaaaaaaaaaaaaaaaa');
  await page.locator('#absent').waitFor();
  await send(page, 'Keep this');
  assert.deepEqual(await kept(page), [['Keep this', 'You said: Keep this']]);
  assert.doesNotMatch(page.url(), /aaaa/);
  const other = await page.context().newPage();
  await other.goto(server.origin);
  const remove = () => other.evaluate(async () => {
    const { conversations, deleteConversation, opened } = await import('/services/conversations.js');
    await opened;
    while (conversations.value.list.length === 0) await new Promise((resolve) => conversations.subscribe(resolve)); // until this tab has heard of it
    await deleteConversation(conversations.value.list[0].id);
  });
  await remove();
  await page.locator('#absent').waitFor();
  await send(page, 'And this');
  assert.deepEqual(await kept(page), [['And this', 'You said: And this']]);
  // Also while an answer runs: it ends.
  await page.evaluate(() => { scripted.answer = () => Array.from({ length: 1000 }, () => 'more '); scripted.pause = () => new Promise((resolve) => setTimeout(resolve, 20)); });
  await page.locator('#prompt').fill('Long');
  await page.locator('#prompt').press('Enter');
  await page.locator('#log > li:last-child .text', { hasText: 'more more' }).waitFor();
  await remove();
  await page.locator('#absent').waitFor();
  await page.locator('#send').waitFor();
  assert.deepEqual(await kept(page), []);
  await close();
});

test('an answer without end is ended, and what came of it stays', { skip }, async () => {
  const { page, close } = await chat();
  await page.evaluate(async () => {
    const { LONGEST_TEXT } = await import('/services/conversations.js');
    scripted.answer = () => [{ choices: [{ index: 0, delta: { content: 'x '.repeat(LONGEST_TEXT / 2) }, finish_reason: null }] }, 'more'];
    (await import('/views/chat/turns.js')).send('x');
  });
  await page.locator('#log .failed', { hasText: 'more than 4,000,000 characters' }).waitFor({ timeout: 60_000 });
  assert.equal((await kept(page))[0][1].length, 4_000_000);
  await close();
});
