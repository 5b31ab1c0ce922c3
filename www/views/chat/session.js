// The conversation that is shown, and the answers that run: also those of conversations that are not shown.

import { Observable } from '../../lib/observable.js';
import { toast } from '../../lib/toast.js';
import { begin } from '../../services/busy.js';
import * as store from '../../services/conversations.js';
import { lastLeaf, newestLeaf, pathTo } from '../../services/conversations/tree.js';

/**
 * `id`: of the conversation, undefined before its first message. `messages`: id → message. `leaf`: where the way ends that is shown.
 * `problem`: an error to be said. `absent`: there is no such conversation.
 */
export const session = new Observable(empty());

/** Conversation → `{message, control, live}`: `live` is an observable of the text so far. */
export const running = new Observable(new Map());

function empty() {
  return { id: undefined, title: undefined, messages: new Map(), leaf: null, problem: undefined, absent: false };
}

/** The messages that are shown. */
export const path = () => pathTo(session.value.messages, session.value.leaf);

/** The answer that runs in the conversation that is shown. */
export const answering = () => running.value.get(session.value.id);

export const fail = (problem) => session.patch({ problem });

/** Shows a conversation; without an id, one that begins with the next message. */
export async function openConversation(id) {
  if (id === session.value.id && !session.value.absent) return;
  session.value = { ...empty(), id };
  if (id !== undefined) await readAgain(id);
}

/** Reads what is kept: what this tab knows better, because it is writing it, stays. */
async function readAgain(id) {
  const begun = writes;
  const kept = await store.readConversation(id);
  if (session.value.id !== id) return undefined;
  if (writes !== begun) return readAgain(id); // this tab has gone on meanwhile
  if (!kept) {
    // A first message may not be written yet; and a database that was taken away says nothing.
    if (unwritten.size === 0 && !(store.conversations.value.status === 'memory' && session.value.messages.size > 0)) deleted(id);
    return undefined;
  }
  known.add(id);
  const { messages: before, leaf } = session.value;
  const mine = running.value.get(id)?.message;
  const messages = new Map(kept.messages.map((message) => [message.id, same(before.get(message.id), message)]));
  for (const known of [mine, ...unwritten]) {
    if (before.has(known)) messages.set(known, before.get(known));
  }
  const at = messages.has(leaf) ? (mine ? leaf : newestLeaf(messages, leaf)) : newestLeaf(messages, kept.conversation.leaf);
  session.patch({ title: kept.conversation.title, messages, leaf: messages.has(at) ? at : lastLeaf(messages), absent: false });
  watch();
  return undefined;
}

/** Conversations that the store has had: one that is gone was deleted by the user, here or in another tab. */
const known = new Set();

/** What is said at its address from now on begins another one. */
function deleted(id) {
  running.value.get(id)?.control.abort();
  if (session.value.id === id) session.value = { ...empty(), id, absent: true };
}

/** Messages that are on their way to the store, and how many states of messages there were. */
const unwritten = new Set();
let writes = 0;

/** The last message shown is being written in another tab. */
export const elsewhere = () => session.value.messages.get(session.value.leaf)?.status === 'running' && !answering();

/** Milliseconds between two looks whether that tab still lives: a dead one tells nobody. */
const LOOK = 2000;
let looking;

function watch() {
  clearTimeout(looking);
  const { id } = session.value;
  if (elsewhere()) looking = setTimeout(() => session.value.id === id && readAgain(id), LOOK);
}

/** The record that is shown already, where nothing has changed in it: so it is not drawn again. */
const same = (before, message) => (before && JSON.stringify(before) === JSON.stringify(message) ? before : message);

store.changed.subscribe(({ id, elsewhere: other }) => {
  if (other && id === session.value.id) void readAgain(id);
});

/** Shows another version of a message, with what followed on it. */
export function showVersion(id) {
  const leaf = newestLeaf(session.value.messages, id);
  session.patch({ leaf });
  void keep(session.value.id, [], { leaf });
}

/**
 * Adds the user's message below `parent`, and has it answered; begins a conversation where there is none. `source(signal, way)`
 * answers the last message of `way`. Resolves to `{message, error?}` when the answer has ended.
 */
export async function say({ content, parent = session.value.leaf, source, model, raw, title }) {
  if (session.value.absent) session.value = empty();
  let { id } = session.value;
  let begun;
  if (id === undefined) {
    id = store.newId();
    begun = store.createConversation(title ?? content, id);
    session.patch({ id, title: store.titleOf(title ?? content) });
  }
  const question = { id: store.newId(), conversation: id, parent, role: 'user', content, created: store.now(), status: 'done', ...(raw ? { raw } : {}) };
  const way = [...pathTo(session.value.messages, parent), question];
  put(id, question);
  return reply({ conversation: id, way, source, model, raw, first: [question], begun });
}

/** Another answer to the message `parent`, beside those that are there. */
export const again = ({ parent, source, model, raw }) =>
  reply({ conversation: session.value.id, way: pathTo(session.value.messages, parent), source, model, raw, first: [] });

/** Characters of an answer: what a file of conversations may hold, too. */
const MOST = store.LONGEST_TEXT;
/** Milliseconds between two writings of an answer that runs. */
const EVERY = 1000;

async function reply({ conversation, way, source, model, raw, first, begun }) {
  if (running.value.has(conversation)) return undefined;
  const parent = way.at(-1).id;
  const message = { id: store.newId(), conversation, parent, role: 'assistant', content: '', created: store.now(), status: 'running' };
  Object.assign(message, raw ? { raw } : {}, model ? { model } : {});
  const run = { message: message.id, control: new AbortController(), live: new Observable('') };
  running.value = new Map(running.value).set(conversation, run);
  const release = store.holdRunning(message.id);
  const idle = begin();
  put(conversation, message);
  const kept = Promise.resolve(begun)
    .catch(said)
    .then(() => keep(conversation, [...first, message], { leaf: message.id, ...(model ? { model } : {}) }));
  for (const { id } of first) unwritten.add(id);
  const write = () => void keep(conversation, [{ ...message, content: run.live.value }], {});
  const timer = setInterval(write, EVERY);
  addEventListener('pagehide', write);
  let ended = { status: 'done' };
  try {
    for await (const piece of stoppable(source(run.control.signal, way), run.control.signal)) {
      run.live.value = piece.content.slice(0, MOST);
      if (piece.content.length > MOST) throw Object.assign(new Error(`the answer has more than ${MOST.toLocaleString('en')} characters`), { code: 'too_large' });
      ended = { ...ended, ...piece };
    }
  } catch (error) {
    ended = { status: 'failed', content: run.live.value, error: { code: error.code ?? 'internal', message: error.message } };
    if (run.control.signal.aborted) ended = { status: 'stopped', content: run.live.value };
    else ended.thrown = error;
  } finally {
    clearInterval(timer);
    removeEventListener('pagehide', write);
  }
  const { thrown, ...fields } = ended;
  const done = { ...message, ...fields };
  const runs = new Map(running.value);
  runs.delete(conversation);
  put(conversation, done);
  running.value = runs;
  await kept;
  await keep(conversation, [done], {});
  release();
  idle();
  return { message: done, error: thrown };
}

/** Ends at once when the signal says so, also where what it waits for does not know of the signal. */
async function* stoppable(pieces, signal) {
  const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  try {
    for (;;) {
      const { done, value } = await Promise.race([pieces.next(), aborted]);
      if (done) return;
      yield value;
    }
  } finally {
    void pieces.return();
  }
}

/** Takes a question back that could not be asked, and the answer that did not come; a conversation of nothing else goes with them. */
export async function takeBack({ conversation, parent, id }) {
  if (session.value.id === conversation) {
    const messages = new Map(session.value.messages);
    const leaf = messages.get(parent)?.parent ?? null;
    messages.delete(id);
    messages.delete(parent);
    writes += 1;
    if (messages.size === 0) session.value = { ...empty(), problem: session.value.problem };
    else session.patch({ messages, leaf });
  }
  await store.forgetMessages(conversation, [id, parent]).catch(said);
}

/** On the page. */
function put(conversation, message) {
  writes += 1;
  if (session.value.id !== conversation || session.value.absent) return;
  const messages = new Map(session.value.messages).set(message.id, message);
  // Who looks at another version meanwhile goes on doing so.
  const leads = !session.value.messages.has(message.id);
  session.patch({ messages, ...(leads ? { leaf: message.id } : {}) });
}

/** In the store; a failure is said once, and the page goes on. */
async function keep(conversation, messages, fields) {
  for (const { id } of messages) unwritten.add(id);
  try {
    if (await store.keepMessages(conversation, messages, fields)) {
      known.add(conversation);
      return;
    }
    // The database was taken away meanwhile: what the page shows goes on in memory.
    if (store.conversations.value.status === 'memory' && session.value.id === conversation) {
      const { title, messages: shown, leaf } = session.value;
      await store.adoptConversation({ id: conversation, title: title ?? '', created: store.now(), updated: store.now(), leaf }, [...shown.values()]);
    } else if (known.has(conversation)) {
      deleted(conversation);
    }
  } catch (error) {
    said(error);
  } finally {
    for (const { id } of messages) unwritten.delete(id);
  }
}

let told = false;
function said(error) {
  if (told) return;
  told = true;
  toast(`This conversation could not be kept: ${error.name === 'QuotaExceededError' ? 'the device has no space left' : error.message}. Export it, so that it is not lost.`, { stays: true });
}
