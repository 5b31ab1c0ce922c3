// E-mail addresses: from each @, as far as an address goes to both sides.

import type { Found } from './types.js';

const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~\-\ud800-\udfff]/u;
const DOMAIN = /[\p{L}\p{N}.\-\ud800-\udfff]/u;
/** A quoted name goes back so far. */
const QUOTED = 64;

export function* emails(text: string): Generator<Found> {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const end = domainEnd(text, at + 1);
    const start = end === undefined ? at : localStart(text, at);
    if (end !== undefined && start < at) {
      yield { start, end };
    }
  }
}

function localStart(text: string, at: number): number {
  if (text[at - 1] === '"') {
    const before = text.slice(Math.max(0, at - QUOTED), at - 1);
    const open = before.lastIndexOf('"');
    return open >= 0 && !before.includes('\n', open) ? at - 1 - before.length + open : at;
  }
  let start = at;
  while (start > 0 && LOCAL.test(text[start - 1] ?? '')) {
    start -= 1;
  }
  while (start < at && /[.'`{|}?/]/.test(text[start] ?? '')) {
    start += 1; // punctuation around it
  }
  return start;
}

function domainEnd(text: string, from: number): number | undefined {
  if (text[from] === '[') {
    const close = text.slice(from, from + 50).search(/\]/);
    return close > 0 && /^\[(?:IPv6:)?[\da-f.:]+$/i.test(text.slice(from, from + close)) ? from + close + 1 : undefined;
  }
  let end = from;
  while (end < text.length && DOMAIN.test(text[end] ?? '')) {
    end += 1;
  }
  while (end > from && /[.-]/.test(text[end - 1] ?? '')) {
    end -= 1;
  }
  const domain = text.slice(from, end);
  const last = domain.lastIndexOf('.');
  const top = domain.slice(last + 1);
  const named = [...top].length >= 2 && !/^\d+$/.test(top);
  return last > 0 && (named || /^(?:\d{1,3}\.){3}\d{1,3}$/.test(domain)) ? end : undefined;
}
