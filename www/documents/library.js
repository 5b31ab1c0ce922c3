// The user's documents: what there is, what is being added, and what is done to them. One change at a time, over all tabs.

import { Observable } from '../lib/observable.js';
import { during } from '../services/busy.js';
import { engine } from '../services/engine.js';
import * as finder from './finder.js';
import { MOST_DOCUMENTS, MOST_KEPT_CHARACTERS } from './limits.js';
import { readFile } from './read.js';
import { Refused, stopped } from './refused.js';
import * as store from './store.js';

/**
 * `documents`: as kept, `{id, name, type, size, length, title?, pages?, lost?, parts, passages, added, consent, redact, indexed}`;
 * `jobs`: files on their way, `{key, name, phase, done, total, error}`, phase 'waiting', 'reading', 'indexing', 'failed';
 * `indexing`: `{done, total}` documents while the index is held to the list; `error`: why documents cannot be had.
 */
export const library = new Observable({ ready: false, documents: [], jobs: [], indexing: undefined, error: undefined });

const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('kinglet-documents') : undefined;
channel?.addEventListener('message', () => void reload(true));

let tail = Promise.resolve();
/** One change after the other, also of other tabs. */
function alone(work) {
  const run = () => (navigator.locks ? navigator.locks.request('kinglet-documents', work) : work());
  const done = tail.then(run, run);
  tail = done.catch(() => undefined);
  return done;
}

const changed = () => channel?.postMessage('changed');
const kinglet = () => engine.value.kinglet;

/** Reads the list again. `elsewhere`: another tab has changed it, and the index with it. */
async function reload(elsewhere = false) {
  try {
    await alone(async () => {
      if (elsewhere) await finder.close();
      library.patch({ documents: await store.all(), ready: true, error: undefined });
    });
    await settle();
  } catch (error) {
    library.patch({ ready: true, error });
  }
}

let first;
/** Resolves when the list has been read. */
export const ready = () => (first ??= reload());

/** Holds the index to the list: everything in it that should be, and nothing else. Resolves to the index, if it can be had now. */
export function settle({ signal } = {}) {
  return alone(() => settled(signal));
}

async function settled(signal) {
  const { documents } = library.value;
  if (documents.length === 0) return undefined;
  const key = finder.wantedIndex(kinglet());
  if (key === undefined) return undefined;
  for (const old of new Set(documents.map(({ indexed }) => indexed))) if (old && old !== key) await finder.forget(old);
  const { index } = await finder.open(kinglet());
  let present = documents.filter(({ indexed }) => indexed === key);
  if ((await index.status()).documents !== present.reduce((sum, { parts }) => sum + parts.length, 0)) {
    await index.clear(); // the browser has lost some of it, or the page ended in between
    present = [];
  }
  const absent = documents.filter((document) => !present.includes(document));
  try {
    for (const [i, document] of absent.entries()) {
      library.patch({ indexing: { done: i, total: absent.length } });
      await enter(index, key, document, await store.textOf(document.id), { signal });
    }
  } finally {
    library.patch({ indexing: undefined });
  }
  return index;
}

async function enter(index, key, document, text, options) {
  if (text === undefined) return update(document.id, { indexed: undefined, passages: 0 }); // its text is lost; it can only be removed
  const passages = await finder.enter(index, document, text, options);
  await update(document.id, { indexed: key, passages });
}

async function update(id, fields) {
  await store.patch(id, fields);
  library.patch({ documents: library.value.documents.map((document) => (document.id === id ? { ...document, ...fields } : document)) });
}

let count = 0;
const stops = new Map(); // by key: AbortController of a job

const job = (key, fields) => library.patch({ jobs: library.value.jobs.map((one) => (one.key === key ? { ...one, ...fields } : one)) });

/** Removes what is said of files that were not taken. */
export const dismiss = (key) => library.patch({ jobs: library.value.jobs.filter((one) => one.key !== key) });

/** Adds files, one after the other. Resolves when all were added or refused; never rejects. */
export const addFiles = (files, labels = { consent: 'ask', redact: 'no' }) => during(() => addAll(files, labels));

async function addAll(files, labels) {
  await ready();
  const jobs = [...files].map((file) => ({ key: ++count, file }));
  library.patch({ jobs: [...library.value.jobs, ...jobs.map(({ key, file }) => ({ key, name: file.name, phase: 'waiting', done: 0, total: 0 }))] });
  jobs.forEach(({ key }) => stops.set(key, new AbortController()));
  for (const { key, file } of jobs) {
    const { signal } = stops.get(key);
    try {
      if (signal.aborted) throw stopped();
      await add(file, labels, key, signal);
      dismiss(key);
    } catch (error) {
      if (error.code === 'aborted') dismiss(key);
      else job(key, { phase: 'failed', error });
    } finally {
      stops.delete(key);
    }
  }
}

/** Stops one file on its way, or all. */
export function stop(key) {
  for (const one of key === undefined ? [...stops.keys()] : [key]) stops.get(one)?.abort(stopped());
}

async function add(file, labels, key, signal) {
  job(key, { phase: 'reading' });
  const { text, parts, ...read } = await readFile(file, { signal, onProgress: (done, total) => job(key, { done, total }) });
  await alone(async () => {
    const { documents } = library.value;
    const same = documents.find(({ id }) => id === read.id);
    if (same) throw new Refused('duplicate', `it is already there${same.name === read.name ? '' : `, as “${same.name}”`}`);
    if (documents.length >= MOST_DOCUMENTS) throw new Refused('too_large', `there are ${MOST_DOCUMENTS} documents already; remove some first`);
    if (documents.reduce((sum, { length }) => sum + length, text.length) > MOST_KEPT_CHARACTERS) {
      throw new Refused('too_large', `all documents together may have ${MOST_KEPT_CHARACTERS.toLocaleString('en')} characters; remove some first`);
    }
    const document = { ...read, ...labels, parts, length: text.length, passages: 0, added: Date.now(), indexed: undefined };
    await store.put(document, text);
    library.patch({ documents: [...documents, document] });
    job(key, { phase: 'indexing', done: 0, total: parts.length });
    try {
      await settledWith(document, text, { signal, onProgress: (done, total) => job(key, { done, total }) });
    } catch (error) {
      await forgetNow([document]);
      throw error;
    }
  });
  changed();
}

/** Puts a new document in; the others first, where they are not. */
async function settledWith(document, text, options) {
  const opened = await finder.open(kinglet());
  if (opened === undefined) return; // it waits for a model
  if (library.value.documents.some(({ id, indexed }) => id !== document.id && indexed !== opened.key)) await settled(options.signal);
  else await enter(opened.index, opened.key, document, text, options);
}

/** Removes documents, from the index first: what is not in the list can never be found. */
export async function remove(ids) {
  await alone(() => forgetNow(library.value.documents.filter(({ id }) => ids.includes(id))));
  changed();
}

async function forgetNow(list) {
  const rest = library.value.documents.filter((document) => !list.includes(document) && !list.some(({ id }) => id === document.id));
  const keys = new Set(list.map(({ id, indexed }) => library.value.documents.find((one) => one.id === id)?.indexed ?? indexed).filter(Boolean));
  if (rest.length === 0) for (const key of keys) await finder.forget(key);
  else {
    for (const key of keys) {
      const opened = await finder.open(kinglet());
      if (opened?.key === key) for (const document of list) await finder.leave(opened.index, document);
      else await finder.forget(key);
    }
  }
  await store.drop(list.map(({ id }) => id));
  library.patch({ documents: rest });
}

/** Changes what may be done with a document: `{consent?, redact?}`. It holds from the next search on. */
export async function label(id, labels) {
  await alone(async () => {
    const document = library.value.documents.find((one) => one.id === id);
    if (!document) return;
    await update(id, labels);
    const opened = await finder.open(kinglet());
    if (opened && document.indexed === opened.key) {
      const text = await store.textOf(id);
      if (text !== undefined) await finder.enter(opened.index, { ...document, ...labels }, text);
    }
  });
  changed();
}

/** Passages of the documents that fit; undefined: the index needs a model, and there is none. */
export async function search(query, options = {}) {
  await ready();
  const index = await settle(options);
  return index ? finder.find(index, library.value.documents, query, options) : library.value.documents.length === 0 ? { hits: [], signals: {} } : undefined;
}

export const textOf = store.textOf;

// Another model, or another way of searching: the index follows.
let model;
engine.subscribe(({ info }) => {
  if (info === model) return;
  model = info;
  if (first) void settle().catch((error) => library.patch({ error }));
});
finder.documentSettings.subscribe(() => first && void settle().catch((error) => library.patch({ error })));
