// Addresses: with a scheme, beginning with www., and bare names under the better known top-level domains.

import type { Found } from './types.js';

const STOP = /[\s<>"`{}|\\^]/;
const SCHEME = /[a-z0-9+.-]/i;
const LONGEST_SCHEME = 30;
/** Behind a bare name there may be a port and a path. */
const BARE = /(?<![\p{L}\p{N}_@\-/])(?<![\p{L}\p{N}]\.)(?:[\p{L}\p{N}][\p{L}\p{N}-]{0,62}\.){1,8}(\p{L}{2,24})(?![\p{L}\p{N}_@-]|\.[\p{L}\p{N}])/giu;
const WWW = /(?<![\p{L}\p{N}_@-])(?<![\p{L}\p{N}]\.)www\.[\p{L}\p{N}]/giu;
/** Those that are also endings of files, names of fields in code, or words at the end of a sentence, are not here. */
const TOP = new Set(
  (
    'com org net edu gov mil int biz io dev ai co tv xyz blog eu uk us de fr es pt nl ' +
    'lu ch li dk se fi ee lv lt cz sk hu ro bg gr cy mt ie ua kz tr il ae sa qa eg ma za ng ke jp cn hk tw kr sg my th vn ph nz au ca mx br ar cl pe ve uy'
  ).split(' '),
);

export function* urls(text: string): Generator<Found> {
  for (let at = text.indexOf('://'), next = 0; at >= 0; at = text.indexOf('://', next)) {
    const start = schemeStart(text, at);
    const end = addressEnd(text, at + 3);
    next = Math.max(end, at + 3);
    if (start < at && end > at + 3) {
      yield { start, end };
    }
  }
  let behind = 0;
  for (const { index } of text.matchAll(WWW)) {
    if (index >= behind) {
      behind = addressEnd(text, index);
      yield { start: index, end: behind };
    }
  }
  for (const match of text.matchAll(BARE)) {
    const [name, top = ''] = match;
    if (TOP.has(top.toLowerCase()) && (top === top.toLowerCase() || name === name.toUpperCase())) {
      const after = match.index + name.length;
      const more = /[:/?#]/.test(text[after] ?? '') && /[\p{L}\p{N}/]/u.test(text[after + 1] ?? '');
      behind = more && after >= behind ? addressEnd(text, after) : Math.max(after, behind);
      yield { start: match.index, end: Math.max(after, more ? behind : after) };
    }
  }
}

function schemeStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < LONGEST_SCHEME && SCHEME.test(text[start - 1] ?? '')) {
    start -= 1;
  }
  while (start < at && !/[a-z]/i.test(text[start] ?? '')) {
    start += 1;
  }
  return start;
}

/** Up to white space or a quote, without the punctuation of the sentence that it stands in. */
function addressEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && !STOP.test(text[end] ?? '')) {
    end += 1;
  }
  let open = 0;
  for (let i = from; i < end; i += 1) {
    open += text[i] === '(' ? 1 : text[i] === ')' ? -1 : 0;
  }
  for (; end > from; end -= 1) {
    const last = text[end - 1] ?? '';
    if (last === ')' && open < 0) {
      open += 1;
    } else if (!/[.,;:!?'\]*>…]/.test(last)) {
      break;
    }
  }
  return end;
}
