// A document as parts: what stands under one heading, or on one page, in pieces that are indexed one at a time.

import { pacer } from './pace.js';

/** Characters of a part: some thousand words, whose indexing takes a few milliseconds. */
const MOST = 6_000;
/** Of scripts that write without blanks a character is nearly a word, and a passage must fit into a small context. */
const MOST_DENSE = 400;
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;
const HEADING_MOST = 160;
/** Of a document with more sections than this, short ones are taken together. */
const MANY = 300;
const TOGETHER = 1_500;

/**
 * `sections`: `[{start, end, heading?, page?}]`, places in `text`, in order. Gives parts of the same form, none of them empty.
 */
export async function partsOf(text, sections, signal) {
  const pace = pacer(signal);
  const parts = [];
  for (const { start, end, heading, page } of sections.length > MANY ? together(sections) : sections) {
    let at = start;
    while (at < end) {
      const dense = (text.slice(at, Math.min(end, at + MOST_DENSE)).match(DENSE)?.length ?? 0) > MOST_DENSE / 4;
      const to = cut(text, at, end, dense ? MOST_DENSE : MOST);
      const shown = heading && heading.length > HEADING_MOST ? `${heading.slice(0, HEADING_MOST)}…` : heading;
      if (text.slice(at, to).trim() !== '') parts.push({ start: at, end: to, ...(shown ? { heading: shown } : {}), ...(page ? { page } : {}) });
      at = to;
      await pace();
    }
  }
  return parts;
}

/** Sections of some length; pages stay apart. */
function together(sections) {
  const list = [];
  for (const section of sections) {
    const last = list.at(-1);
    if (last && !section.page && section.end - last.start <= TOGETHER) last.end = section.end;
    else list.push({ ...section });
  }
  return list;
}

/** Where a part that begins at `at` ends: between paragraphs, else sentences, else words. */
function cut(text, at, end, most) {
  if (end - at <= most) return end;
  const least = at + Math.floor(most / 2);
  const window = text.slice(least, at + most);
  for (const sign of [/\n\s*\n/g, /[.!?。！？…]["'”’)\]]*\s|[。！？]/g, /\n/g, /\s/g]) {
    const last = [...window.matchAll(sign)].at(-1);
    if (last) return least + last.index + last[0].length;
  }
  const split = at + most;
  return /[\ud800-\udbff]/.test(text[split - 1]) ? split - 1 : split; // no character is cut into halves
}
