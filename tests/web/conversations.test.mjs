// The kept conversations: found, exported and taken in again without loss; what is hostile is refused, what cannot be kept is said.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { InMemory } from '../../www/services/conversations/records.js';
import { found, wordsOf } from '../../www/services/conversations/search.js';
import { fromJSON, Refused, toJSON, toMarkdown } from '../../www/services/conversations/transfer.js';
import { newestLeaf, parentsFirst, pathTo, titleOf, versions } from '../../www/services/conversations/tree.js';
import { giveOut, takeIn } from '../../www/services/conversations/whole.js';
import { anew, log, scripted, send, view } from './support/assistant.mjs';
import { launch, missing, openPage } from './support/browser.mjs';
import { startServer } from './support/server.mjs';
import { tasksOf } from './support/tasks.mjs';
import { drawn } from './support/wait.mjs';

const message = (id, parent, role, content, more = {}) => ({ id, conversation: 'c1', parent, role, content, created: Number(id.slice(1)), status: 'done', ...more });
const MESSAGES = [
  message('m1', null, 'user', 'Where is the café?'),
  message('m2', 'm1', 'assistant', 'In the Straße.', { model: 'desk', answer: { id: 'a1', source: 'local', usage: { completion_tokens: 3 } }, firstMs: 12 }),
  message('m3', 'm1', 'assistant', 'Around the corner.'),
  message('m4', 'm2', 'user', 'Thanks'),
];
const CONVERSATION = { id: 'c1', title: 'A question', created: 1, updated: 4, leaf: 'm4', messages: MESSAGES };
const byId = new Map(MESSAGES.map((one) => [one.id, one]));

test('a conversation is a tree: the way to a leaf, the versions of a message, the newest leaf below one', () => {
  assert.deepEqual(pathTo(byId, 'm4').map(({ id }) => id), ['m1', 'm2', 'm4']);
  assert.deepEqual(pathTo(byId, 'gone'), []);
  assert.deepEqual(versions(byId, MESSAGES[2]).map(({ id }) => id), ['m2', 'm3']);
  assert.equal(newestLeaf(byId, 'm1'), 'm3');
  assert.equal(newestLeaf(byId, 'm2'), 'm4');
  const circle = new Map([['a', { id: 'a', parent: 'b' }], ['b', { id: 'b', parent: 'a' }]]);
  assert.equal(pathTo(circle, 'a').length, 2, 'a damaged store does not hang the page');
  assert.equal(typeof newestLeaf(circle, 'a'), 'string');
  assert.deepEqual(parentsFirst([MESSAGES[3], { ...MESSAGES[1], created: 9 }, MESSAGES[0]]).map(({ id }) => id), ['m1', 'm2', 'm4']);
  assert.match(titleOf(`  ${'long '.repeat(40)}`), /^(long ){11}long…$/);
  assert.equal(titleOf(' \n'), 'Conversation');
});

test('a search finds all words, wherever they are, without accents and case', () => {
  const look = (query) => found(wordsOf(query), CONVERSATION, MESSAGES);
  assert.equal(look('QUESTION'), '');
  assert.equal(look('cafe'), 'Where is the café?');
  assert.match(look('question corner'), /Around the corner/);
  assert.equal(look('corner nowhere'), undefined);
  const long = found(wordsOf('needle'), CONVERSATION, [message('m9', null, 'user', `${'ﬁ '.repeat(200)}needle${' x'.repeat(200)}`)]);
  assert.match(long, /^…[ﬁ ]+needle[x ]+…$/);
});

test('what is exported is taken in as it was', () => {
  const [back] = fromJSON(toJSON([CONVERSATION]));
  assert.deepEqual(back, CONVERSATION);
  assert.match(toMarkdown(CONVERSATION, pathTo(byId, 'm4')), /^# A question\n\n## You\n\nWhere is the café\?\n\n## desk\n\nIn the Straße\.\n/);
});

test('more than one file may hold is given out as several, and each is taken in', async () => {
  const many = Array.from({ length: 5 }, (_, i) => ({ ...CONVERSATION, id: `c${i}`, updated: i, messages: MESSAGES.map((one) => ({ ...one, id: `${one.id}-${i}`, conversation: `c${i}`, parent: one.parent && `${one.parent}-${i}` })), leaf: `m4-${i}` }));
  const [from, to] = [new InMemory(), new InMemory()];
  await takeIn(from, toJSON(many));
  for (const most of [{ bytes: 3000, messages: 99, conversations: 99 }, { bytes: 1e6, messages: 8, conversations: 99 }, { bytes: 1e6, messages: 99, conversations: 2 }]) {
    const files = await giveOut(from, undefined, [], most);
    assert.equal(files.length, 3, JSON.stringify(most));
    assert.ok(files.every(({ size }) => size <= most.bytes));
  }
  const files = await giveOut(from, undefined, [], { bytes: 3000, messages: 99, conversations: 99 });
  for (const file of files) await takeIn(to, file);
  assert.deepEqual(await to.conversations().then((list) => list.length), 5);
  assert.deepEqual(await to.messages('c3'), await from.messages('c3'));
  assert.deepEqual(await takeIn(to, await (await giveOut(from, ['c1'], []))[0].text()), { added: 0, there: 1 });
  assert.deepEqual(fromJSON(await (await giveOut(new InMemory(), undefined, []))[0].text()), []);
});

test('a model’s name of any length is taken in, cut', () => {
  const text = toJSON([{ ...CONVERSATION, messages: [{ ...MESSAGES[0], model: 'm'.repeat(1000) }], leaf: 'm1' }]);
  assert.equal(fromJSON(text)[0].messages[0].model.length, 300);
});

test('the file of docs/assistant.md is one that is taken in', () => {
  const [, text] = /```json\n([\s\S]*?)```/.exec(readFileSync(new URL('../../docs/assistant.md', import.meta.url), 'utf8'));
  const [{ messages }] = fromJSON(text);
  assert.deepEqual(messages, JSON.parse(text).conversations[0].messages);
});

const file = (change) => {
  const whole = JSON.parse(toJSON([CONVERSATION]));
  change(whole, whole.conversations[0], whole.conversations[0].messages);
  return JSON.stringify(whole);
};
const HOSTILE = {
  'no JSON': ['{', /^the file: expected JSON/],
  'nothing': ['null', /^format/],
  'another kind of file': [file((whole) => (whole.format = 'x')), /^format: .*another kind/],
  'a newer version': [file((whole) => (whole.version = 2)), /^version: .*newer version/],
  'a version that is no number': [file((whole) => (whole.version = '1')), /^version/],
  'no list': [file((whole) => (whole.conversations = {})), /^conversations: expected a list/],
  'a conversation that is none': [file((whole) => (whole.conversations[0] = [1])), /^conversations\[0\]: expected an object/],
  'an id that is markup': [file((whole, one) => (one.id = '"><img src=x>')), /^conversations\[0\]\.id/],
  'a title that is an object': [file((whole, one) => (one.title = {})), /title: expected a text/],
  'a time that is none': [file((whole, one) => (one.updated = '1')), /updated: expected a time/],
  'another role': [file((whole, one, [first]) => (first.role = 'system')), /messages\[0\]\.role/],
  'another status': [file((whole, one, [first]) => (first.status = '<b>')), /messages\[0\]\.status/],
  'text that is a list': [file((whole, one, [first]) => (first.content = ['x'])), /messages\[0\]\.content/],
  'text without end': [file((whole, one, [first]) => (first.content = 'x'.repeat(4e6 + 1))), /messages\[0\]\.content/],
  'the same id twice': [file((whole, one, messages) => (messages[1].id = 'm1')), /messages\[1\]\.id: expected an id of its own/],
  'a circle': [file((whole, one, messages) => (messages[0].parent = 'm4')), /messages\[0\]\.parent/],
  'a parent that is not there': [file((whole, one, messages) => (messages[3].parent = 'm9')), /messages\[3\]\.parent/],
  'an answer that is a text': [file((whole, one, messages) => (messages[1].answer = 'x')), /answer: expected an object/],
  'an answer without a floor': [file((whole, one, messages) => (messages[1].answer = JSON.parse(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`))), /at most 12 levels/],
  'a probability of two': [file((whole, one, messages) => (messages[1].sure = { mean: 2, lowest: 0, word: 'sure' })), /sure: expected probabilities/],
};
for (const [name, [text, message]] of Object.entries(HOSTILE)) {
  test(`a file is refused, with the place: ${name}`, () => {
    assert.throws(() => fromJSON(text), (error) => error instanceof Refused && message.test(error.message));
  });
}

test('what an imported file says beyond its fields is left out, and names that mean something are no fields', () => {
  const text = file((whole, one, messages) => {
    Object.assign(messages[1], { evil: 1, status: 'running' });
    messages[1].answer.decision = 'PROTO';
  }).replace('"PROTO"', '{"__proto__": {"polluted": true}, "constructor": 1, "reason": "x"}');
  const [{ messages }] = fromJSON(text);
  assert.equal(messages[1].evil, undefined);
  assert.equal(messages[1].status, 'interrupted', 'nobody writes it any more');
  assert.deepEqual(messages[1].answer.decision, { reason: 'x' });
  assert.equal({}.polluted, undefined);
});

// On the page.

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

/** Calls the service of conversations on the page. */
const call = (page, name, ...args) => page.evaluate(async ({ name, args }) => (await import('/services/conversations.js'))[name](...args), { name, args });
const listed = (page) => drawn(page).then(() => page.locator('#conversations .title').allTextContents());
/** Puts a database on the origin before the page opens its own. */
const database = (version, upgrade) => `await new Promise((resolve, reject) => {
  const request = indexedDB.open('kinglet-conversations', ${version});
  request.onupgradeneeded = () => (${upgrade})(request.result);
  request.onsuccess = () => { request.result.close(); resolve(); };
  request.onerror = () => reject(request.error);
});`;

/** A page whose browser has that database already. */
async function withDatabase(version, upgrade) {
  const context = await browser.newContext();
  const first = await context.newPage();
  await first.goto(`${server.origin}/model.json`);
  await first.evaluate(`(async () => { ${database(version, upgrade)} })()`);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(server.origin);
  await page.locator('body[data-ready]').waitFor();
  return { page, close: () => context.close() };
}

test('kept, renamed, found, deleted and brought back; exported and taken in again', { skip }, async () => {
  const { page, complaints, close } = await openPage(browser, server.origin);
  await scripted(page);
  await send(page, 'Where is the café?');
  await anew(page);
  await send(page, 'The second one');
  assert.deepEqual(await listed(page), ['The second one', 'Where is the café?']);
  // Found by a word of an answer.
  await page.getByLabel('Search conversations').fill('SAID cafe');
  await page.waitForFunction(() => document.querySelectorAll('#conversations li').length === 1);
  assert.match(await page.locator('#conversations .muted').textContent(), /You said: Where is the café/);
  await page.getByLabel('Search conversations').fill('');
  await page.waitForFunction(() => document.querySelectorAll('#conversations li').length === 2);
  // Renamed.
  await page.getByRole('button', { name: 'Options of The second one' }).click();
  await page.getByLabel('Name').fill('Another name');
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.locator('#conversations .title', { hasText: 'Another name' }).waitFor();
  // Exported: the file is what the format says.
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export all' }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), 'kinglet-conversations.json');
  const text = readFileSync(await download.path(), 'utf8');
  assert.equal(fromJSON(text).length, 2);
  // Deleted, and back again.
  await page.getByRole('button', { name: 'Options of Another name' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#conversations li').length === 1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#conversations li').length === 2);
  // Taken in where all of it is: nothing twice. Where one was deleted: as it was. Where one has changed: beside it.
  assert.deepEqual(await call(page, 'importConversations', text), { added: 0, there: 2 });
  const changed = JSON.parse(text);
  changed.conversations[0].messages[0].content = 'Changed elsewhere';
  assert.deepEqual(await call(page, 'importConversations', JSON.stringify(changed)), { added: 1, there: 1 });
  await page.locator('#conversations .title', { hasText: 'Another name (imported)' }).waitFor();
  const kept = JSON.parse(await call(page, 'exportConversations'));
  assert.equal(kept.conversations.length, 3);
  assert.ok(kept.conversations.some(({ messages }) => messages[0].content === 'The second one'), 'nothing is overwritten');
  // By hand, a hostile one.
  await page.locator('#import').setInputFiles({ name: 'evil.json', mimeType: 'application/json', buffer: Buffer.from(HOSTILE['a circle'][0]) });
  assert.match(await page.locator('#refused').textContent(), /messages\[0\]\.parent: expected null/);
  await page.getByRole('button', { name: 'Close' }).click();
  assert.equal(JSON.parse(await call(page, 'exportConversations')).conversations.length, 3);
  assert.deepEqual(complaints, []);
  await close();
});

test('a conversation is there after a reload, by its address', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  await scripted(page);
  await send(page, 'Hello');
  await send(page, 'Again');
  const before = await log(page);
  assert.match(page.url(), /#\/chat\/[\da-f]{24}$/);
  await page.reload();
  await page.locator('#log > li').nth(3).waitFor();
  assert.deepEqual(await log(page), before);
  await view(page, 'chat', 'gone');
  await page.locator('#absent').waitFor();
  await close();
});

test('an answer that came later takes the first one’s place, which stays beside it', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  await scripted(page);
  await send(page, 'Hello');
  await send(page, 'And then');
  assert.equal(await call(page, 'upgradeAnswer', 'scripted-1', { content: 'A better answer', answer: { id: 'scripted-1', source: 'remote' } }), true);
  assert.equal(await call(page, 'upgradeAnswer', 'unknown', { content: 'x', answer: {} }), false);
  await page.reload();
  await page.locator('#log > li').nth(3).waitFor();
  assert.equal((await log(page))[1], 'A better answer');
  assert.equal((await log(page)).length, 4, 'what followed is still there');
  assert.equal(await page.locator('#log .versions').textContent().then((text) => text.replace(/\s+/g, ' ').trim()), '‹2 of 2›');
  await page.getByRole('button', { name: 'Previous version' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#log > li').length === 2);
  assert.equal((await log(page))[1], 'You said: Hello');
  await close();
});

test('a database of the first version is taken along', { skip }, async () => {
  const { page, close } = await withDatabase(1, `(db) => {
    db.createObjectStore('conversations', { keyPath: 'id' }).put({ id: 'old', title: 'An old one', created: 1, updated: 2, leaf: 'b' });
    const messages = db.createObjectStore('messages', { keyPath: 'id' });
    messages.createIndex('conversation', 'conversation');
    messages.put({ id: 'a', conversation: 'old', parent: null, role: 'user', content: 'from before', created: 1, status: 'done' });
    messages.put({ id: 'b', conversation: 'old', parent: 'a', role: 'assistant', content: 'an answer', created: 2, status: 'done', answer: { id: 'first' } });
  }`);
  await page.locator('#conversations a', { hasText: 'An old one' }).click();
  await page.locator('#log > li').nth(1).waitFor();
  assert.deepEqual(await log(page), ['from before', 'an answer']);
  assert.equal(await call(page, 'upgradeAnswer', 'first', { content: 'later', answer: { id: 'first' } }), true, 'the new index has the old answers');
  await close();
});

test('a database of a newer version is left alone, said, and the chat works in memory', { skip }, async () => {
  const { page, close } = await withDatabase(99, '(db) => db.createObjectStore("future")');
  await page.locator('#not-kept', { hasText: 'newer version of this page' }).waitFor();
  await scripted(page);
  await send(page, 'Hello');
  assert.deepEqual(await listed(page), ['Hello']);
  await close();
});

test('without a database the chat works in memory, and says so', { skip }, async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => (indexedDB.open = () => { throw new DOMException('denied', 'SecurityError'); }));
  const page = await context.newPage();
  await page.goto(server.origin);
  await page.locator('#not-kept', { hasText: 'does not let the page keep anything' }).waitFor();
  await scripted(page);
  await send(page, 'Hello');
  await send(page, 'Again');
  assert.equal((await log(page)).length, 4);
  await context.close();
});

test('an import that fails half-way has taken in nothing', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const failed = await page.evaluate(async () => {
    const { openDatabase } = await import('/services/conversations/database.js');
    const { Kept } = await import('/services/conversations/records.js');
    const kept = new Kept(await openDatabase(() => undefined));
    const list = [0, 1, 2, 3].map((i) => ({ id: `c${i}`, title: 'x', created: i, updated: i, leaf: null, messages: [{ id: `m${i}`, conversation: `c${i}`, parent: null, role: 'user', content: 'x', created: i, status: 'done' }] }));
    const { add } = IDBObjectStore.prototype;
    let count = 0;
    IDBObjectStore.prototype.add = function (value) {
      if ((count += 1) > 5) throw new DOMException('full', 'QuotaExceededError');
      return add.call(this, value);
    };
    const error = await kept.takeIn(list).catch(({ name }) => name);
    IDBObjectStore.prototype.add = add;
    const after = (await kept.conversations()).length;
    return { error, after, then: await kept.takeIn(list) };
  });
  assert.deepEqual(failed, { error: 'QuotaExceededError', after: 0, then: { added: 4, there: 0 } });
  await close();
});

test('while 20 MB are taken in, looked through and given out, the page is never blocked for 50 ms', { skip }, async (t) => {
  const { page, close } = await openPage(browser, server.origin);
  await page.evaluate(async () => {
    const messages = (i) => Array.from({ length: 100 }, (_, k) => ({ id: `c${i}m${k}`, parent: k ? `c${i}m${k - 1}` : null, role: 'user', status: 'done', created: k, content: 'some words here '.repeat(1000) }));
    const list = Array.from({ length: 13 }, (_, i) => ({ id: `c${i}`, title: `Number ${i}`, created: i, updated: i, leaf: null, messages: messages(i) }));
    globalThis.file = new Blob([JSON.stringify({ format: 'kinglet-conversations', version: 1, conversations: list })]);
    await (await import('/services/conversations.js')).searchConversations('x'); // the worker is there
  });
  const work = async () => {
    const store = await import('/services/conversations.js');
    const { added } = await store.importConversations(globalThis.file);
    const hits = await store.searchConversations('some words');
    const [{ size }] = await store.exportFiles();
    return { added, hits: hits.length, size };
  };
  let done;
  assert.deepEqual(await tasksOf(browser, page, async () => (done = await page.evaluate(work)), t), []);
  assert.deepEqual([done.added, done.hits], [13, 13]);
  assert.ok(done.size > 20e6, String(done.size));
  await close();
});

test('an answer that comes later waits for the record that is being written', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const [kept, shown] = await page.evaluate(async () => {
    const store = await import('/services/conversations.js');
    const id = await store.createConversation('x');
    const message = { id: 'm1', conversation: id, parent: null, role: 'assistant', content: 'first', created: 1, status: 'running' };
    const release = store.holdRunning('m1');
    const upgraded = store.upgradeAnswer('a1', { content: 'later', answer: { id: 'a1' } });
    await store.keepMessages(id, [message]);
    await store.keepMessages(id, [{ ...message, status: 'done', answer: { id: 'a1' } }]);
    release();
    return [await upgraded, (await store.readConversation(id)).messages.map(({ content }) => content).sort()];
  });
  assert.deepEqual([kept, shown], [true, ['first', 'later']]);
  await close();
});

test('what is said after the clock was set back is the newest', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const at = (updated) => toJSON([{ ...CONVERSATION, id: `at${updated}`, title: `At ${updated}`, updated, messages: [], leaf: null }]);
  const hour = Date.now() + 3_600_000;
  await call(page, 'importConversations', at(hour));
  await call(page, 'importConversations', at(8e15));
  await call(page, 'createConversation', 'Now');
  assert.deepEqual(await listed(page).then((titles) => titles.slice(1)), ['Now', `At ${hour}`], 'the far future counts for itself alone');
  await close();
});
