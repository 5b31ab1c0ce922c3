// Addresses of the Internet Protocol, versions 4 and 6.

import type { Found } from './types.js';

const V4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)/g;
/** What a version 6 address may be; {@link isV6} says whether it is one. */
const V6 = /(?<![\p{L}\p{N}_:.])[0-9a-f:][0-9a-f:.]{1,44}(?![\p{L}\p{N}_:])/giu;

export function* ips(text: string): Generator<Found> {
  for (const { 0: all, index } of text.matchAll(V4)) {
    if (isV4(all)) {
      yield { start: index, end: index + all.length };
    }
  }
  for (const { 0: all, index } of text.matchAll(V6)) {
    const address = all.replace(/\.$|(?<!:):$/, ''); // of a sentence
    if (isV6(address)) {
      yield { start: index, end: index + address.length };
    }
  }
}

function isV4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function isV6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2 || text === '::') {
    return false;
  }
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const tail = last.includes('.') ? 2 : 1;
  if ((tail === 2 && !isV4(last)) || !(tail === 2 ? groups.slice(0, -1) : groups).every((group) => /^[0-9a-f]{1,4}$/i.test(group))) {
    return false;
  }
  const count = groups.length - 1 + tail;
  return halves.length === 2 ? count < 8 : count === 8;
}
