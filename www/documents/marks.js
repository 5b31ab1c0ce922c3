// Words of a query where they stand in a text.

import { html } from '../vendor/lit-html.js';

const WORD = /[\p{Letter}\p{Mark}\p{Number}]+/gu;
/** Words that stand everywhere and say nothing. */
const COMMON = new Set('a an and are as at be but by can do does for from had has have how i if in is it its my no not of on or our so than that the their them then there they this to was we were what when where which who why will with you your'.split(' '));

/** Without case, accents and the plural's s: as the index compares, near enough to show where. */
function folded(word) {
  const plain = word.normalize('NFKD').replace(/\p{Mark}+/gu, '').toLowerCase();
  return plain.length > 3 ? plain.replace(/ies$/, 'y').replace(/(?<![us])s$/, '') : plain;
}

/** The words of a query that say something, folded; of one that has no others, all. */
export function telling(query) {
  const all = new Set((query.match(WORD) ?? []).map(folded));
  const some = new Set([...all].filter((word) => !COMMON.has(word)));
  return some.size > 0 ? some : all;
}

/** Whether one of these words stands in a text. */
export const holds = (text, words) => (text.match(WORD) ?? []).some((word) => words.has(folded(word)));

/** A template of the text with the query's words marked. */
export function marked(text, query) {
  const wanted = telling(query);
  const pieces = [];
  let at = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!wanted.has(folded(word))) continue;
    pieces.push(text.slice(at, index), html`<mark>${word}</mark>`);
    at = index + word.length;
  }
  return [...pieces, text.slice(at)];
}
