// Addresses of the Internet Protocol, versions 4 and 6.

import type { Found } from './types.js';

const V4 = /(?<!\d)(?<!\d\.)(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)/g;
/** Where a version 6 address may begin: at a group, or at two colons. */
const BEGINS = /(?<![\p{L}\p{N}_])(?:[0-9a-f]{1,4}(?=:)|(?<!:)::(?=[0-9a-f]))/giu;
const GROUP = /[0-9a-f]{1,4}/iy;
const TAIL = /(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)/y;
const GROUPS = 8;

export function* ips(text: string): Generator<Found> {
  for (const { 0: all, index } of text.matchAll(V4)) {
    if (isV4(all)) {
      yield { start: index, end: index + all.length };
    }
  }
  let behind = 0;
  for (const { index } of text.matchAll(BEGINS)) {
    const end = index < behind ? undefined : endOf(text, index);
    if (end !== undefined) {
      behind = end;
      yield { start: index, end };
    }
  }
}

function isV4(text: string): boolean {
  return text.split('.').every((part) => Number(part) <= 255);
}

/** Where the longest address ends that begins here: eight groups, or fewer around two colons; the last two may be of version 4. */
function endOf(text: string, start: number): number | undefined {
  let [at, groups, short] = [start, 0, false];
  let found: number | undefined;
  const take = (end: number, complete: boolean) => {
    if (complete && !/[\p{L}\p{N}_]/u.test(text[end] ?? '') && !/^:[0-9a-f]/i.test(text.slice(end, end + 2))) {
      found = end;
    }
  };
  for (;;) {
    if (text.startsWith('::', at)) {
      if (short) {
        return text.startsWith('::', start) ? undefined : found; // the first two colons belonged to something else
      }
      short = true;
      at += 2;
      take(at, groups > 0 && groups < GROUPS);
    } else if (groups > 0 && text[at] === ':') {
      at += 1;
    } else if (groups > 0) {
      return found;
    }
    TAIL.lastIndex = at;
    const tail = TAIL.exec(text)?.[0];
    if (tail !== undefined && isV4(tail)) {
      take(at + tail.length, short ? groups + 2 < GROUPS : groups + 2 === GROUPS);
      return found;
    }
    GROUP.lastIndex = at;
    const group = GROUP.exec(text)?.[0];
    if (group === undefined || groups === GROUPS) {
      return found;
    }
    at += group.length;
    groups += 1;
    take(at, short ? groups < GROUPS : groups === GROUPS);
  }
}
