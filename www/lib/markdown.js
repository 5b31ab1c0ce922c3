// A Markdown text that grows, in an element of the page.

import { blocksOf, FENCE, isLong, together } from './markdown-blocks.js';
import { renderBlocks } from './markdown-render.js';

/**
 * A text that grows, in an element: finished blocks are neither parsed nor touched again; of the last one, code and what is shown
 * plainly for its length only get what is new.
 */
export class MarkdownView {
  #element;
  #text = '';
  #done = false;
  #stable = 0; // characters whose blocks are finished
  #references = {};
  #known = 0; // definitions of links when all was last drawn
  #tail; // {box, source, plain, open}: the last block; `open`: a fence that is not closed
  #bracketed = []; // finished blocks with brackets: a definition may come after them

  constructor(element) {
    this.#element = element;
  }

  /** Shows `written`; `done`: it grows no more. */
  update(written, done = true) {
    const text = written.replace(/\r\n?/g, '\n');
    if (text === this.#text && done === this.#done) return;
    if (this.#done || !text.startsWith(this.#text.slice(0, this.#stable))) this.#clear();
    this.#text = text;
    this.#done = done;
    const rest = text.slice(this.#stable);
    // Of what still grows a definition may be half written: it holds for this drawing.
    const references = done ? this.#references : { ...this.#references };
    const blocks = this.#blocks(rest, references, done);
    for (const [i, { source }] of blocks.entries()) {
      this.#show(source, references);
      if (done || i < blocks.length - 1) this.#finish();
    }
    if (done) this.#resolve();
    else if (blocks.length > 1) this.#settle(rest.slice(0, blocks.at(-1).from));
  }

  /** So much of the rest is finished. */
  #settle(finished) {
    if (finished.includes(']:')) blocksOf(finished, this.#references);
    this.#stable += finished.length;
  }

  #blocks(rest, references, done) {
    // Of one long paragraph it is known without parsing that it is one.
    if (this.#tail?.plain && rest.startsWith(this.#tail.source) && !rest.slice(this.#tail.source.length - 1).includes('\n')) return [{ from: 0, source: rest }];
    const blocks = blocksOf(rest, references);
    if (blocks.length === 0 && rest.trim() !== '' && this.#stable === 0) return [{ from: 0, source: rest }];
    return done && !this.#tail ? together(blocks) : blocks;
  }

  #clear() {
    this.#element.replaceChildren();
    this.#stable = 0;
    this.#references = {};
    this.#known = 0;
    this.#tail = undefined;
    this.#bracketed = [];
  }

  /** The last block, anew or longer. */
  #show(source, references) {
    if (this.#tail?.source === source) return;
    if (!this.#tail) {
      const box = document.createElement('div');
      box.className = 'block';
      this.#element.append(box);
      this.#tail = { box, source: '', plain: false, open: false };
    }
    const tail = this.#tail;
    if (!grown(tail, source)) {
      tail.plain = isLong(source);
      tail.open = isOpen(source);
      tail.box.replaceChildren(tail.plain ? plainly(source) : renderBlocks(source, references));
    }
    tail.source = source;
  }

  #finish() {
    if (this.#tail.source.includes('[') && !this.#tail.plain) this.#bracketed.push(this.#tail);
    this.#tail = undefined;
  }

  /** Links whose definitions came after them. */
  #resolve() {
    const known = Object.keys(this.#references).length;
    if (known === this.#known) return;
    this.#known = known;
    for (const { box, source } of this.#bracketed) box.replaceChildren(renderBlocks(source, this.#references));
  }
}

/** What is too long to be parsed at once, as it is written. */
function plainly(source) {
  const text = document.createElement('p');
  text.className = 'plain';
  text.dir = 'auto';
  text.textContent = source;
  return text;
}

/** Whether a block is a fence of code that goes on. */
function isOpen(source) {
  const [opening, mark] = FENCE.exec(source) ?? [];
  if (!opening) return false;
  const closing = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}[ \\t]*$`, 'm');
  return !closing.test(source.slice(opening.length));
}

/** Appends what is new, where that is all that has changed on the page; says whether it was. */
function grown({ box, source: before, plain, open }, source) {
  if (!source.startsWith(before)) return false;
  const more = source.slice(before.length);
  if (plain) {
    box.firstChild.append(more);
    return true;
  }
  const [opening, mark] = FENCE.exec(before) ?? [];
  const code = open && box.querySelector('pre code');
  // The line that may close the fence is left to the parser.
  if (!code || isLong(source) || `${before.slice(opening.length).split('\n').at(-1)}${more}`.includes(mark[0])) return false;
  const last = code.lastChild;
  // The parser ends code with a line break that is not there yet.
  if (last?.data?.endsWith('\n') && !before.endsWith('\n')) last.deleteData(last.length - 1, 1);
  if (last) last.appendData(more);
  else code.append(more);
  return true;
}
