// Words of a query where they stand in a text.

import { html } from '../vendor/lit-html.js';

const WORD = /[\p{Letter}\p{Mark}\p{Number}]+/gu;
/** Scripts that write without blanks, whose texts are found by each two neighbouring signs. */
const DENSE = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{Mark}*`;
const RUN = new RegExp(`(?:${DENSE})+|(?:(?!${DENSE})[^])+`, 'gu');
const SIGN = new RegExp(DENSE, 'gu');
const IS_DENSE = new RegExp(`^${DENSE}`, 'u');
/** Words that stand everywhere and say nothing. */
const COMMON = new Set('a an and are as at be but by can do does for from had has have how i if in is it its my no not of on or our so than that the their them then there they this to was we were what when where which who why will with you your'.split(' '));

/** Without case, accents and the plural's s: as the index compares, near enough to show where. */
function folded(word) {
  const plain = word.normalize('NFKD').replace(/\p{Mark}+/gu, '').toLowerCase();
  return plain.length > 3 ? plain.replace(/ies$/, 'y').replace(/(?<![us])s$/, '') : plain;
}

/** A text's terms, folded, in order: `{term, start, end}`. */
function* terms(text) {
  for (const { 0: word, index: at } of text.matchAll(WORD)) {
    for (const { 0: run, index } of word.matchAll(RUN)) {
      const start = at + index;
      const signs = IS_DENSE.test(run) ? [...run.matchAll(SIGN)] : [];
      if (signs.length < 3) yield { term: folded(run), start, end: start + run.length };
      for (let i = 1; signs.length > 2 && i < signs.length; i++) {
        const [from, to] = [start + signs[i - 1].index, start + signs[i].index + signs[i][0].length];
        yield { term: folded(text.slice(from, to)), start: from, end: to };
      }
    }
  }
}

/** The terms of a query that say something; of one that has no others, all. */
export function telling(query) {
  const all = new Set([...terms(query)].map(({ term }) => term));
  const some = new Set([...all].filter((term) => !COMMON.has(term)));
  return some.size > 0 ? some : all;
}

/** Whether one of these stands in a text. */
export function holds(text, wanted) {
  for (const { term } of terms(text)) if (wanted.has(term)) return true;
  return false;
}

/** A template of the text with the query's terms marked. */
export function marked(text, query) {
  const wanted = telling(query);
  const places = [];
  for (const { term, start, end } of terms(text)) {
    if (!wanted.has(term)) continue;
    const last = places.at(-1);
    if (last && start < last.end) last.end = end; // pairs of signs overlap
    else places.push({ start, end });
  }
  const pieces = places.flatMap(({ start, end }, i) => [text.slice(places[i - 1]?.end ?? 0, start), html`<mark>${text.slice(start, end)}</mark>`]);
  return [...pieces, text.slice(places.at(-1)?.end ?? 0)];
}
