// Numbers of payment cards: 13 to 19 digits, in groups or not, that Luhn's checksum holds for; 12 where a card is spoken of.

import type { Found } from './types.js';

const DIGITS = /\d+/g;
/** What stands between two groups. */
const BETWEEN = /^[\s.\-_/]{1,3}$/;
const SPOKEN = /\b(?:card|karte|carte|tarjeta|carta|maestro|debit|credit|visa|cc|pan)\b[^\n]{0,40}$/i;
const MOST = 19;

interface Group {
  digits: string;
  start: number;
  end: number;
}

export function* cards(text: string): Generator<Found> {
  let row: Group[] = [];
  for (const { 0: digits, index } of text.matchAll(DIGITS)) {
    const last = row.at(-1);
    if (last !== undefined && !(index - last.end <= 3 && BETWEEN.test(text.slice(last.end, index)))) {
      yield* within(text, row);
      row = [];
    }
    row.push({ digits, start: index, end: index + digits.length });
  }
  yield* within(text, row);
}

/** The longest card that begins at each group. */
function* within(text: string, row: readonly Group[]): Generator<Found> {
  for (let i = 0; i < row.length; i += 1) {
    let digits = '';
    let found: Found | undefined;
    let next = i;
    for (let j = i; j < row.length; j += 1) {
      const group = row[j];
      if (group === undefined || digits.length + group.digits.length > MOST) {
        break;
      }
      digits += group.digits;
      const first = row[i];
      if (first !== undefined && digits.length >= 12 && isCard(digits) && (digits.length > 12 || SPOKEN.test(text.slice(Math.max(0, first.start - 60), first.start)))) {
        found = { start: first.start, end: group.end };
        next = j;
      }
    }
    if (found !== undefined) {
      yield found;
      i = next;
    }
  }
}

/** How networks number: shorter and longer numbers begin with certain digits; a time in milliseconds does not. */
function isCard(digits: string): boolean {
  const begins: Readonly<Record<number, RegExp>> = { 12: /^(?:5[06-8]|6)/, 13: /^[456]/, 14: /^3/, 15: /^(?:3[47]|5[06-8]|6|1800|2131)/ };
  return (begins[digits.length] ?? /^[2-9]/).test(digits) && luhn(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits);
}
