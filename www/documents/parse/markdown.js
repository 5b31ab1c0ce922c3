// Markdown: its text as it is written, in sections by its headings. Nothing of it is rendered, so HTML in it is text.

import { pacer } from '../pace.js';

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const ATX = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const SETEXT = /^ {0,3}(=+|-{2,})[ \t]*$/;
/** Longer lines are no headings. */
const LONGEST = 1_000;

export async function parseMarkdown(text, signal) {
  const pace = pacer(signal);
  const sections = [];
  const path = []; // the open headings, by their level
  let [open, fence, title, before] = [{ start: 0 }, undefined, undefined, undefined];
  const begin = (at, level, words) => {
    path.length = level - 1;
    path[level - 1] = plain(words);
    title ??= path[level - 1];
    sections.push({ ...open, end: at });
    open = { start: at, heading: path.filter(Boolean).join(' › ') };
  };
  for (let at = frontMatter(text); at < text.length; ) {
    const end = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at) + 1;
    const line = text.slice(at, Math.min(end, at + LONGEST)).replace(/\n$/, '');
    const mark = FENCE.exec(line)?.[1];
    if (fence) {
      if (mark?.startsWith(fence)) fence = undefined;
      before = undefined;
    } else if (mark) {
      fence = mark;
      before = undefined;
    } else {
      const [, signs, words = ''] = ATX.exec(line) ?? [];
      const under = SETEXT.exec(line)?.[1];
      if (signs) begin(at, signs.length, words);
      else if (under && before) begin(before.at, under[0] === '=' ? 1 : 2, before.line);
      before = signs || under || line.trim() === '' || /^(?: {4}|\t| {0,3}(?:[-*+>|]|\d+[.)]))/.test(line) ? undefined : { at, line };
    }
    at = end;
    await pace();
  }
  sections.push({ ...open, end: text.length });
  return { text, title, sections: sections.filter(({ start, end }) => end > start) };
}

/** Where the text begins behind a block of YAML. */
function frontMatter(text) {
  return /^---\n[\s\S]{0,20000}?\n---\n/.exec(text)?.[0].length ?? 0;
}

/** A heading's words without its marks. */
function plain(words) {
  return words.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]*>|[*_`~]/g, '').trim();
}
