// What goes through all conversations: taking a file in, giving files out, looking for words. It runs in a worker (worker.js), or on the
// page where the records are only in its memory.

import { found, wordsOf } from './search.js';
import { fromJSON, MOST, toJSON } from './transfer.js';
import { parentsFirst, titleOf } from './tree.js';

/** An id that nobody else has. */
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The newest first. */
export const inOrder = (list) => list.sort((a, b) => b.updated - a.updated || (a.id < b.id ? -1 : 1));

/** `here`: ids of the messages that are being written; whoever wrote another one is gone. */
export const settled = (messages, here) => messages.map((message) => (message.status === 'running' && !here.includes(message.id) ? { ...message, status: 'interrupted' } : message));

/** Takes in what `giveOut` has written, all or none: `{added, there}`, counts. Throws `Refused`. */
export const takeIn = async (records, file) => records.takeIn(fromJSON(await text(file)), renamed);

const text = (file) => (typeof file === 'string' ? file : file.text());

/** The same under other ids: what is here keeps its own. */
function renamed(conversation, messages) {
  const id = newId();
  const ids = new Map(messages.map((message) => [message.id, newId()]));
  const other = (old) => ids.get(old) ?? null;
  return [
    { ...conversation, id, title: titleOf(`${conversation.title} (imported)`), leaf: other(conversation.leaf) },
    messages.map((message) => ({ ...message, id: other(message.id), conversation: id, parent: other(message.parent) })),
  ];
}

/** Files (blobs) of these conversations, or of all: as many as it takes for each to be taken in again. `most`: what one may hold. */
export async function giveOut(records, ids, here, most = MOST) {
  const files = [];
  let part = { list: [], bytes: 0, messages: 0 };
  const close = () => {
    const [head, tail] = toJSON(['|']).split('"|"');
    files.push(new Blob([head, ...part.list.flatMap((one, i) => (i === 0 ? [one] : [',\n', one])), tail], { type: 'application/json' }));
    part = { list: [], bytes: 0, messages: 0 };
  };
  for (const conversation of inOrder(await records.conversations())) {
    if (ids && !ids.includes(conversation.id)) continue;
    const messages = parentsFirst(settled(await records.messages(conversation.id), here));
    const one = new Blob([JSON.stringify({ ...conversation, messages }, null, 1)]);
    const full = part.bytes + one.size > most.bytes - 1000 || part.messages + messages.length > most.messages || part.list.length >= most.conversations;
    if (full && part.list.length > 0) close();
    part.list.push(one);
    part.bytes += one.size + 2;
    part.messages += messages.length;
  }
  if (part.list.length > 0 || files.length === 0) close();
  return files;
}

/** Those that have all words of the query, with an excerpt. `signal` ends a search that nobody waits for any more. */
export async function look(records, query, signal) {
  const words = wordsOf(query);
  const hits = [];
  for (const conversation of inOrder(await records.conversations())) {
    signal?.throwIfAborted();
    const excerpt = found(words, conversation, await records.messages(conversation.id));
    if (excerpt !== undefined) hits.push({ ...conversation, excerpt });
  }
  return hits;
}
