// The kept conversations. A store that cannot be opened is said (`conversations.value.reason`), and they last as long as the page.

import { Observable } from '../lib/observable.js';
import { ask } from './conversations/away.js';
import { openDatabase, Unavailable } from './conversations/database.js';
import { alive, hold } from './conversations/locks.js';
import { InMemory, Kept } from './conversations/records.js';
import { MOST, toMarkdown } from './conversations/transfer.js';
import { lastLeaf, pathTo, titleOf } from './conversations/tree.js';
import * as functions from './conversations/whole.js';
import { inOrder, newId, settled } from './conversations/whole.js';

export { Refused } from './conversations/transfer.js';
export { newId, titleOf };
export const LARGEST_FILE = MOST.bytes;
export const LONGEST_TEXT = MOST.text;

/** `status`: 'opening', 'kept', 'memory' (then `reason` says why). `list`: `{id, title, created, updated, leaf}`, the newest first. */
export const conversations = new Observable({ status: 'opening', reason: undefined, list: [] });

/** The id of the conversation that has changed, in this tab or another one. */
export const changed = new Observable({ id: undefined });

const channel = globalThis.BroadcastChannel ? new BroadcastChannel('kinglet.conversations') : undefined;
let records;
/** The latest time that was given out or is kept; what a file says of the far future does not count. */
let latest = 0;
/** Milliseconds between two looks for an answer that is on its way. */
const LOOK = 1000;
const YEAR = 366 * 86_400_000;
const memory = new InMemory();

/** Resolves when it is known where they are kept. */
export const opened = openDatabase((reason) => void lost(reason)).then(
  (db) => {
    records = new Kept(db);
    return refresh('kept');
  },
  (error) => {
    records = memory;
    return refresh('memory', error instanceof Unavailable ? error.message : String(error));
  },
);

/** From now on in memory; what is there can be read no more, and is safe. */
async function lost(reason) {
  records = memory;
  await refresh('memory', reason);
}

async function refresh(status = conversations.value.status, reason = conversations.value.reason) {
  const list = await records.conversations();
  const soon = Date.now() + YEAR;
  for (const { updated } of list) if (updated > latest && updated < soon) latest = updated;
  conversations.value = { status, reason, list: inOrder(list) };
}

async function tell(id) {
  channel?.postMessage({ id });
  await refresh();
  changed.value = { id };
}

let pending;
channel?.addEventListener('message', ({ data }) => {
  // An answer that runs elsewhere tells of itself each second, and several may do so.
  pending ??= setTimeout(async () => {
    pending = undefined;
    await opened;
    await refresh();
  }, 50);
  void opened.then(() => (changed.value = { id: String(data?.id), elsewhere: true }));
});

/** Now; later than all that is kept (the clock may have been set back) and than the call before, so that messages have an order. */
export const now = () => (latest = Math.max(Date.now(), latest + 1));

/** Begins one; its id. */
export async function createConversation(title, id = newId()) {
  await opened;
  const created = now();
  await records.add({ id, title: titleOf(title), created, updated: created, leaf: null }, []);
  await tell(id);
  return id;
}

/** `{conversation, messages}`, an answer that was running when its tab ended as `interrupted`; undefined where there is none. */
export async function readConversation(id) {
  await opened;
  const conversation = await records.conversation(id);
  if (!conversation) return undefined;
  return { conversation, messages: settled(await records.messages(id), [...(await alive())]) };
}

/** Takes up a whole conversation that is not there any more: what a page still shows when its database was taken away. */
export async function adoptConversation(conversation, messages) {
  await records.add(conversation, messages);
  await tell(conversation.id);
}

/** Keeps messages (new ones, and new states of old ones), and which of them is shown; false where the conversation was deleted. */
export async function keepMessages(id, messages, fields = {}) {
  await opened;
  const there = await records.write(id, { updated: now(), ...fields }, messages);
  if (there) await tell(id);
  return there;
}

/** Takes messages out that came to nothing, and the conversation with them where nothing else is in it. */
export async function forgetMessages(id, ids) {
  await opened;
  const left = (await records.messages(id)).filter((message) => !ids.includes(message.id));
  if (left.length === 0) await records.remove(id);
  else await records.write(id, { leaf: lastLeaf(new Map(left.map((message) => [message.id, message]))) }, [], ids);
  await tell(id);
}

/** While an answer runs: other tabs, and this one after a reload, know by it that it does. Returns what ends that. */
export const holdRunning = hold;

export async function renameConversation(id, title) {
  await opened;
  await records.write(id, { title: titleOf(title) });
  await tell(id);
}

/** Deletes it; resolves to what brings it back. */
export async function deleteConversation(id) {
  await opened;
  const conversation = await records.conversation(id);
  if (!conversation) return async () => undefined;
  const messages = await records.remove(id);
  await tell(id);
  return async () => {
    await records.add(conversation, messages);
    await tell(id);
  };
}

/** One of the functions of whole.js: in a worker, which has the same database; or here, where there is none. */
const whole = (name, args, signal) => (conversations.value.status === 'kept' ? ask(name, args, signal) : functions[name](records, ...args, signal));

/** Those that have all words of the query, with an excerpt; `signal` ends a search that nobody waits for any more. */
export async function searchConversations(query, signal) {
  await opened;
  signal?.throwIfAborted();
  return whole('look', [query], signal);
}

/** The files (blobs of JSON) of these conversations, or of all: one, unless it would be too large to be taken in again. */
export async function exportFiles(ids) {
  await opened;
  return whole('giveOut', [ids, [...(await alive())]]);
}

/** The text of such a file. */
export async function exportConversations(ids) {
  const [file] = await exportFiles(ids);
  return file.text();
}

/** One to read, along the way that is shown. */
export async function exportMarkdown(id) {
  const { conversation, messages } = await readConversation(id);
  const byId = new Map(messages.map((message) => [message.id, message]));
  return toMarkdown(conversation, pathTo(byId, conversation.leaf ?? lastLeaf(byId)));
}

/** Takes in such a file (or its text): `{added, there}`, counts. Throws, `Refused` where the file is wrong, and then nothing is kept. */
export async function importConversations(file) {
  await opened;
  const result = await whole('takeIn', [file]);
  await tell(undefined);
  return result;
}

/** A queued answer has come: it takes the first one's place in the conversation, and the first one stays beside it. */
export async function upgradeAnswer(answerId, { content, answer }) {
  await opened;
  const message = await written(answerId);
  if (!message) return false;
  const before = { ...message, id: newId(), created: message.created - 0.5 };
  const after = { ...message, content, answer: { ...answer }, status: 'done', sure: undefined, finish: undefined };
  const kept = await keepMessages(message.conversation, [before, after]);
  if (kept) changed.value = { id: message.conversation, elsewhere: true }; // who shows it has not written it
  return kept;
}

/** The message with that answer. It may still be on its way: whoever writes one holds a lock until it is kept. */
async function written(answerId) {
  for (;;) {
    const writing = (await alive()).size > 0;
    const [message] = await records.byAnswer(answerId);
    if (message || !writing) return message;
    await new Promise((resolve) => {
      const end = changed.subscribe(resolve);
      setTimeout(() => (end(), resolve()), LOOK);
    });
  }
}
