// A file as a document: what it is, its text, and its parts.

import { bytes as inBytes } from '../lib/format.js';
import { MOST_BYTES, MOST_CHARACTERS } from './limits.js';
import { shownName } from './names.js';
import { partsOf } from './parts.js';
import { Refused } from './refused.js';
import { decoded, kindOf, kindOfText } from './sniff.js';

/**
 * `{id, name, type, size, text, title?, pages?, lost?, parts}`; `id` is of the bytes, so the same file is the same document whatever it is
 * called. @throws Refused
 */
export async function readFile(file, { signal, onProgress } = {}) {
  const most = Math.max(...Object.values(MOST_BYTES));
  if (file.size > most) throw tooLarge(file.size, most);
  const bytes = await file.arrayBuffer().then(
    (buffer) => new Uint8Array(buffer),
    (error) => Promise.reject(new Refused('unreadable', 'it cannot be read (a folder, or removed meanwhile)', { cause: error })),
  );
  const { type: kind, encoding } = kindOf(bytes);
  const id = await hashOf(bytes);
  const name = shownName(file.name ?? '');
  const { type, ...document } = kind === 'pdf' ? await pdf(bytes, { signal, onPage: onProgress }) : await text(bytes, encoding, name, signal);
  const said = document.text;
  if (said.trim() === '') throw new Refused('empty', 'there is nothing but white space in it');
  if (said.length > MOST_CHARACTERS) throw new Refused('too_large', `its text is longer than ${MOST_CHARACTERS.toLocaleString('en')} characters`);
  const { sections, ...rest } = document;
  return { id, name, type, size: file.size, ...rest, parts: await partsOf(said, sections, signal) };
}

async function pdf(bytes, options) {
  limit(bytes, 'pdf');
  const { parsePdf } = await import('./parse/pdf.js');
  return { type: 'pdf', ...(await parsePdf(bytes, options)) };
}

async function text(bytes, encoding, name, signal) {
  limit(bytes, 'text');
  const said = await decoded(bytes, encoding, signal);
  const type = kindOfText(said, name);
  if (type === 'html') return { type, ...(await (await import('./parse/html.js')).parseHtml(said, signal)) };
  if (type === 'markdown') return { type, ...(await (await import('./parse/markdown.js')).parseMarkdown(said, signal)) };
  return { type, ...(await import('./parse/text.js')).parseText(said) };
}

function limit({ length }, type) {
  if (length > MOST_BYTES[type]) throw tooLarge(length, MOST_BYTES[type]);
}

const tooLarge = (size, most) => new Refused('too_large', `it has ${inBytes(size)}; at most ${inBytes(most)} of this kind are read`);

async function hashOf(bytes) {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(digest, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
