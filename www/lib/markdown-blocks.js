// Where the blocks of a Markdown text begin and end, so that each is parsed alone.

import { MarkdownIt } from '../vendor/markdown.js';
import { SAFE_LINK } from './markdown-render.js';

/** Longer blocks are shown as they are written: one block must not hold up the page. */
const LONGEST_BLOCK = 8000;
/** Code is not parsed any further. */
const LONGEST_CODE = 24_000;
/** Longer lists are drawn in parts of so many characters, each a list that goes on counting. */
const LONGEST_LIST = 1500;
/** Tables of more cells are shown as they are written. */
const MOST_CELLS = 500;

/** An opening fence, to be told apart from what is in it. */
export const FENCE = /^ {0,3}(`{3,}|~{3,})[^\n`]*\n/;

/** Whether a block is too long to be drawn as Markdown. */
export function isLong(source) {
  if (FENCE.test(source)) return source.length > LONGEST_CODE;
  return source.length > LONGEST_BLOCK || source.split('|', MOST_CELLS + 2).length > MOST_CELLS + 1;
}

/** Finds blocks only: what is in them is not parsed. */
const outline = new MarkdownIt({ html: false, maxNesting: 40 });
outline.core.ruler.enableOnly(['normalize', 'block']);
outline.validateLink = (address) => SAFE_LINK.test(address.trim());

/** Small blocks that are finished anyway are drawn together. */
const TOGETHER = 4000;

export function together(blocks) {
  const merged = [];
  for (const { from, source } of blocks) {
    const last = merged.at(-1);
    if (last && last.source.length + source.length <= TOGETHER) last.source += source;
    else merged.push({ from, source });
  }
  return merged;
}

/** The blocks of a text, `{source, from}`, in order; definitions of links are added to `references`. */
export function blocksOf(text, references) {
  const blocks = [];
  let from = 0;
  // What is too long without an empty line is taken out before the parser, whose time may grow with the square of it.
  for (const { at, end } of tooLong(text)) {
    blocks.push(...parsed(text.slice(from, at), from, references), { from: at, source: text.slice(at, end) });
    from = end;
  }
  return [...blocks, ...parsed(text.slice(from), from, references)];
}

function tooLong(text) {
  if (text.length <= LONGEST_CODE) return [];
  const found = [];
  let at = 0;
  for (const { index, 0: gap } of [...text.matchAll(/\n[ \t]*\n/g), { index: text.length, 0: '' }]) {
    const end = index + gap.length;
    if (index - at > LONGEST_CODE) found.push({ at, end });
    at = end;
  }
  return found;
}

function parsed(text, offset, references) {
  const lines = lineStarts(text);
  const starts = [];
  let long; // where the last part of a list begins that is too long to be drawn at once
  for (const { level, map, nesting, type } of outline.parse(text, { references })) {
    if (!map || nesting < 0) continue;
    const [first, end] = map;
    if (level === 0) {
      starts.push(first);
      long = /_list_open$/.test(type) && (lines[end] ?? text.length) - lines[first] > LONGEST_LIST ? first : undefined;
    } else if (level === 1 && type === 'list_item_open' && long !== undefined && lines[first] - lines[long] > LONGEST_LIST) {
      starts.push(first);
      long = first;
    }
  }
  return starts.map((line, i) => {
    const from = i === 0 ? 0 : lines[line];
    return { from: offset + from, source: text.slice(from, i + 1 < starts.length ? lines[starts[i + 1]] : text.length) };
  });
}

function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
