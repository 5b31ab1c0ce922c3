// The index of the user's documents: opened once, held to what the library has, and searched.

import { section } from '../services/settings.js';
import { holds, telling } from './marks.js';
import { stopped } from './refused.js';
import { openWordIndex } from './word-index.js';

/** `on`: questions of the chat are asked of the documents. `meaning`: they are also searched by the model's embeddings. */
export const documentSettings = section('documents', { on: false, meaning: false }, ({ on, meaning }) => ({ on: on === true, meaning: meaning === true }));

const BY_WORDS = 'documents by words';
/** Characters that are added in one go: to the index in a worker; and to one by meaning, which is on the page's own thread. */
const AT_ONCE = { words: 24_000, meaning: 6_000 };

/** So many times the hits are looked at, for those that only share words like "the". */
const MORE = 4;

let current; // {key, kinglet, index}

/** Which index is wanted; undefined: it needs a model, and there is none. */
export function wantedIndex(kinglet) {
  if (!documentSettings.value.meaning) return BY_WORDS;
  if (!kinglet?.ready) return undefined;
  const { model, architecture, embedding_length: length } = kinglet.info;
  return `documents by meaning ${model} ${architecture} ${length}`;
}

/** Opens the wanted index, once. */
export async function open(kinglet) {
  const key = wantedIndex(kinglet);
  if (key === undefined) return undefined;
  if (current?.key === key && (key === BY_WORDS || current.kinglet === kinglet)) return current;
  await close();
  const index = key === BY_WORDS ? await openWordIndex(key) : await kinglet.createIndex({ name: key, vectors: true });
  current = { key, kinglet, index };
  return current;
}

export async function close() {
  const { index } = current ?? {};
  current = undefined;
  await index?.close();
}

/** Empties the index of that name, which is no longer wanted. */
export async function forget(key) {
  if (current?.key === key) await close();
  const index = await openWordIndex(key);
  await index.clear();
  await index.close();
}

/** The name of a part in the index. */
const partId = (id, part) => `${id}/${part}`;
const partIds = ({ id, parts }) => parts.map((_, i) => partId(id, i));

/** Puts a document in, part by part; what is stopped half-way is taken out again. `onProgress(done, total)`. Resolves to its passages. */
export async function enter(index, document, text, { signal, onProgress = () => {} } = {}) {
  const { name, title, parts, consent, redact } = document;
  const before = (await index.status()).chunks;
  const most = documentSettings.value.meaning ? AT_ONCE.meaning : AT_ONCE.words;
  try {
    for (let at = 0; at < parts.length; ) {
      const batch = [];
      for (let sum = 0; at < parts.length && (batch.length === 0 || sum + parts[at].end - parts[at].start <= most); at++) {
        const { start, end, heading } = parts[at];
        sum += end - start;
        batch.push({ id: partId(document.id, at), text: text.slice(start, end), title: [title ?? name, heading].filter(Boolean).join(' › '), consent, redact });
      }
      if (signal?.aborted) throw stopped();
      await index.add(batch, signal ? { signal } : undefined);
      onProgress(at, parts.length);
    }
  } catch (error) {
    await leave(index, document);
    throw error;
  }
  return (await index.status()).chunks - before;
}

/** Takes a document out. */
export async function leave(index, document) {
  if (document.parts.length > 0) await index.remove(partIds(document));
}

/**
 * Passages that fit a query, best first; by words, those that share one with it that says something. `{document, name, text, start, end, score, heading?, page?, consent, redact}`, places in the
 * document's text. The labels are the strictest of what the index and the list say.
 */
export async function find(index, documents, query, { k, signal } = {}) {
  const { meaning } = documentSettings.value;
  if (query.trim() === '') return { hits: [], signals: {} };
  const { hits, signals } = await index.search(query, { k: k * MORE, ...(signal ? { signal } : {}) });
  const words = telling(query);
  const known = new Map(documents.map((document) => [document.id, document]));
  const passages = hits.flatMap(({ id, text, start, end, score, consent, redact }) => {
    const [name, number] = id.split('/');
    const document = known.get(name);
    const part = document?.parts[Number(number)];
    if (!part) return []; // removed meanwhile, by another tab
    const { heading, page } = part;
    if (!meaning && !holds([text, heading, document.title, document.name].join(' '), words)) return [];
    return [
      {
        document: document.id,
        name: document.name,
        text,
        start: part.start + start,
        end: part.start + end,
        score,
        ...(heading ? { heading } : {}),
        ...(page ? { page } : {}),
        consent: strictest(['free', 'ask', 'never'], consent, document.consent),
        redact: strictest(['no', 'yes'], redact, document.redact),
      },
    ];
  });
  return { hits: passages.slice(0, k), signals };
}

/** Of labels the strictest; what is not known counts as that. */
export function strictest(order, ...labels) {
  const ranks = labels.filter((label) => label !== undefined).map((label) => (order.includes(label) ? order.indexOf(label) : order.length - 1));
  return order[Math.max(...ranks)];
}
