// A long document, read here piece by piece, so that only what a question needs is sent.

import type { Lasting } from '../lasting.js';
import { chunksOf } from '../retrieval/chunks.js';
import { fuse } from '../retrieval/fuse.js';
import { Words } from '../retrieval/words.js';
import { choose } from '../tasks/ask.js';
import { messagesFor, modelOf, UNKNOWN } from '../tasks/prompts.js';
import type { ChatMessage, LongDocuments } from '../types.js';

/** How a document is read: see {@link LongDocuments}. */
export type Reading = NonNullable<LongDocuments['by']>;

/** What is kept of a document. */
export interface Digest {
  text: string;
  /** Pieces kept, of so many. */
  kept: number;
  pieces: number;
}

/** Words of a piece: with a question it fits every context that there is. */
const PIECE = 120;
/** Stands for what was left out. */
const GAP = '\n[…]\n';

/** Reads a document for a question, and keeps at most so many words of it. */
export async function digest(link: Lasting, question: string, text: string, words: number, by: Reading, signal: AbortSignal | undefined): Promise<Digest> {
  const pieces = piecesOf(text);
  return kept(pieces, await ranked(link, question, pieces, by, signal), words);
}

/** Several documents, each with its share of the words. Without a question they stay whole: nobody knows what it needs of them. */
export async function digests(link: Lasting, question: string, texts: readonly string[], { words, by }: Required<LongDocuments>, signal: AbortSignal | undefined): Promise<string[]> {
  if (question.trim() === '') {
    return [...texts];
  }
  const all = texts.reduce((sum, text) => sum + text.length, 0) || 1;
  const short: string[] = [];
  for (const text of texts) {
    short.push((await digest(link, question, text, Math.ceil((words * text.length) / all), by, signal)).text);
  }
  return short;
}

/** Messages, of which those at `documents` are shortened for what the user asks beside them. */
export async function shortened(link: Lasting, messages: readonly ChatMessage[], documents: readonly number[], options: Required<LongDocuments>, signal: AbortSignal | undefined): Promise<ChatMessage[]> {
  const textOf = ({ content }: ChatMessage): string => (typeof content === 'string' ? content : (content ?? []).map((part) => ('text' in part ? part.text : '')).join(''));
  // What was asked before the last answer is answered: what is asked now stands behind it, or in a document itself.
  const answered = messages.findLastIndex(({ role }) => role === 'assistant');
  const question = messages.filter(({ role }, i) => role === 'user' && i > answered && !documents.includes(i)).slice(-1).map(textOf).join('');
  if (question.trim() === '') {
    return [...messages];
  }
  const short = await digests(link, question, documents.flatMap((i) => messages.slice(i, i + 1).map(textOf)), options, signal);
  return messages.map((message, i) => (documents.includes(i) ? { ...message, content: short[documents.indexOf(i)] ?? '' } : message));
}

/** A document in pieces. */
export const piecesOf = (text: string): string[] => chunksOf(text, PIECE).map((piece) => piece.text);

/** Indices of pieces, those first that speak of the question. */
export async function ranked(link: Lasting, question: string, pieces: readonly string[], by: Reading, signal: AbortSignal | undefined): Promise<number[]> {
  const orders: { id: string }[][] = [];
  if (by !== 'model') {
    orders.push(byWords(question, pieces));
  }
  if (by !== 'words') {
    orders.push(await byModel(link, question, pieces, signal));
  }
  return fuse(orders).map(({ id }) => Number(id));
}

/** The first of an order, until there are so many words, as they stand in the document; one at least. */
export function kept(pieces: readonly string[], order: readonly number[], words: number): Digest {
  const chosen: number[] = [];
  let left = words;
  for (const i of order.length > 0 ? order : [0]) {
    const count = pieces[i]?.split(/\s+/).length ?? 0;
    if (count > left && chosen.length > 0) {
      break;
    }
    chosen.push(i);
    left -= count;
  }
  chosen.sort((a, b) => a - b);
  return { text: chosen.map((i) => pieces[i] ?? '').join(GAP), kept: chosen.length, pieces: pieces.length };
}

/** Pieces, best first; those without a word of the question are left out. */
function byWords(question: string, pieces: readonly string[]): { id: string }[] {
  const index = Words.empty();
  pieces.forEach((text, i) => index.add({ id: String(i), text, title: '' }));
  return index.search(question);
}

/** Pieces, best first: those of which the model finds it least likely that it would say that it does not know. */
async function byModel(link: Lasting, question: string, pieces: readonly string[], signal: AbortSignal | undefined): Promise<{ id: string }[]> {
  const read: { id: string; unknown: number }[] = [];
  for (const [i, text] of pieces.entries()) {
    const messages = messagesFor('answer', { question, passages: [{ text }] }, modelOf({ link }), {});
    const { mass } = await choose(link, { messages, labels: [UNKNOWN] }, signal);
    read.push({ id: String(i), unknown: mass });
  }
  return read.toSorted((a, b) => a.unknown - b.unknown);
}
