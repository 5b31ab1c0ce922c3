// International bank account numbers: the country's length, and the remainder of 1 modulo 97 (ISO 13616).

import type { Found } from './types.js';

/** Characters of each country's, from SWIFT's registry. */
const LENGTHS: Readonly<Record<string, number>> = {
  AD: 24, AE: 23, AL: 28, AT: 20, AZ: 28, BA: 20, BE: 16, BG: 22, BH: 22, BI: 27, BR: 29, BY: 28, CH: 21, CR: 22, CY: 28, CZ: 24, DE: 22,
  DJ: 27, DK: 18, DO: 28, EE: 20, EG: 29, ES: 24, FI: 18, FK: 18, FO: 18, FR: 27, GB: 22, GE: 22, GI: 23, GL: 18, GR: 27, GT: 28, HN: 28,
  HR: 21, HU: 28, IE: 22, IL: 23, IQ: 23, IS: 26, IT: 27, JO: 30, KW: 30, KZ: 20, LB: 28, LC: 32, LI: 21, LT: 20, LU: 20, LV: 21, LY: 25,
  MC: 27, MD: 24, ME: 22, MK: 19, MN: 20, MR: 27, MT: 31, MU: 30, NI: 28, NL: 18, NO: 15, OM: 23, PK: 24, PL: 28, PS: 29, PT: 25, QA: 29,
  RO: 24, RS: 22, RU: 33, SA: 24, SC: 31, SD: 18, SE: 24, SI: 19, SK: 24, SM: 27, SO: 23, ST: 25, SV: 28, TL: 23, TN: 24, TR: 26, UA: 29,
  VA: 22, VG: 24, XK: 20, YE: 30,
};
const BEGINS = /(?<![\p{L}\p{N}])(?:iban)?([a-z]{2})[ .-]?\d{1,2}/giu;
const BETWEEN = /[\s.-]/;
/** Most characters between two of a number. */
const GAP = 2;

export function* ibans(text: string): Generator<Found> {
  for (const match of text.matchAll(BEGINS)) {
    const [all, country = ''] = match;
    const length = LENGTHS[country.toUpperCase()];
    const start = match.index + all.toLowerCase().lastIndexOf(country.toLowerCase(), all.search(/[ .-]?\d/));
    const end = length === undefined ? undefined : endOf(text, start, length);
    if (end !== undefined) {
      yield { start, end };
    }
  }
}

function endOf(text: string, start: number, length: number): number | undefined {
  let number = '';
  let gap = 0;
  for (let i = start; i < text.length && gap <= GAP; i += 1) {
    const char = text[i] ?? '';
    if (/[a-z0-9]/i.test(char)) {
      number += char.toUpperCase();
      gap = 0;
      if (number.length === length) {
        return !/[\p{L}\p{N}]/u.test(text[i + 1] ?? '') && isIban(number) ? i + 1 : undefined;
      }
    } else if (BETWEEN.test(char)) {
      gap += 1;
    } else {
      return undefined;
    }
  }
  return undefined;
}

function isIban(number: string): boolean {
  let rest = 0;
  for (const char of number.slice(4) + number.slice(0, 4)) {
    const value = parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
