// Markdown of models and strangers as DOM: parsed without HTML, then sanitised, with links and nothing else that could load anything.

import { DOMPurify, MarkdownIt } from '../vendor/markdown.js';

const SAFE_LINK = /^(https?:\/\/|mailto:)/i;
/** Longer blocks are shown as they are written: one block must not hold up the page. */
export const LONGEST_BLOCK = 24_000;
const LONGEST_LANGUAGE = 30;

const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false, maxNesting: 40 });
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
markdown.validateLink = (address) => SAFE_LINK.test(address.trim());

const { rules, renderToken } = markdown.renderer;
const { escapeHtml } = markdown.utils;
/** The page has its own headings above a message's. */
const lower = (tag) => `h${Math.min(Number(tag[1]) + 2, 6)}`;
rules.heading_open = (tokens, i) => `<${lower(tokens[i].tag)}>`;
rules.heading_close = (tokens, i) => `</${lower(tokens[i].tag)}>\n`;
// No picture is fetched: whoever wrote the text would know that it is read, and could put words into the address.
rules.image = (tokens, i, options, env, self) => {
  const [address, words] = [tokens[i].attrGet('src') ?? '', self.renderInlineAsText(tokens[i].children ?? [], options, env)];
  const name = `Picture: ${words || address}`;
  return SAFE_LINK.test(address) ? `<a href="${escapeHtml(address)}">${escapeHtml(name)}</a>` : escapeHtml(name);
};
rules.fence = (tokens, i) => code(tokens[i].content, tokens[i].info.trim().split(/\s+/)[0]);
rules.code_block = (tokens, i) => code(tokens[i].content, '');
const code = (text, language) => `<pre data-language="${escapeHtml([...language].slice(0, LONGEST_LANGUAGE).join(''))}"><code>${escapeHtml(text)}</code></pre>`;
// Where a column stands is a class: the page's policy refuses style attributes.
for (const cell of ['th_open', 'td_open']) {
  rules[cell] = (tokens, i, options, env, self) => {
    const [, side] = /text-align:(\w+)/.exec(tokens[i].attrGet('style') ?? '') ?? [];
    tokens[i].attrs = side ? [['class', side]] : null;
    return renderToken.call(self, tokens, i, options);
  };
}

const ALLOWED = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'strong', 'em', 's', 'a', 'ul', 'ol', 'li', 'code', 'pre', 'blockquote', 'hr', 'h3', 'h4', 'h5', 'h6'],
    ...['table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'class', 'data-language'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  RETURN_DOM_FRAGMENT: true,
};

/** What the sanitiser leaves is made fit for the page: links, boxes that scroll, code with its language and a button. */
function furnish(fragment) {
  tighten(fragment);
  for (const element of fragment.querySelectorAll('[class]')) {
    if (!['left', 'right', 'center'].includes(element.className)) element.removeAttribute('class');
  }
  for (const link of fragment.querySelectorAll('a')) {
    link.rel = 'noopener noreferrer nofollow';
    link.target = '_blank';
  }
  for (const table of fragment.querySelectorAll('table')) {
    const box = scrolling(document.createElement('div'), 'Table');
    box.className = 'wide-table';
    table.replaceWith(box);
    box.append(table);
  }
  for (const pre of fragment.querySelectorAll('pre')) pre.replaceWith(codeBox(pre));
  for (const element of fragment.querySelectorAll('p, h3, h4, h5, h6, li, blockquote, td, th')) element.dir = 'auto';
  return fragment;
}

const BOXES = new Set(['UL', 'OL', 'LI', 'BLOCKQUOTE', 'TABLE', 'THEAD', 'TBODY', 'TR']);

/** The parser's line breaks between blocks are not the writer's. */
function tighten(fragment) {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const breaks = [];
  while (walker.nextNode()) {
    const { data, parentNode } = walker.currentNode;
    if (data === '\n' && (parentNode === fragment || BOXES.has(parentNode.nodeName))) breaks.push(walker.currentNode);
  }
  for (const node of breaks) node.remove();
}

/** What can be wider than the message is scrolled with the keyboard, too. */
function scrolling(element, name) {
  element.tabIndex = 0;
  element.setAttribute('role', 'group');
  element.setAttribute('aria-label', name);
  return element;
}

function codeBox(pre) {
  const language = pre.dataset.language;
  const box = document.createElement('div');
  box.className = 'code';
  box.dir = 'ltr';
  const bar = document.createElement('div');
  bar.className = 'bar';
  const name = document.createElement('span');
  name.textContent = language || 'code';
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy-code';
  button.textContent = 'Copy code';
  bar.append(name, button);
  pre.removeAttribute('data-language');
  box.append(bar, scrolling(pre, language ? `Code: ${language}` : 'Code'));
  return box;
}

/** One block as DOM. `references`: the definitions of links of the whole text. */
const renderBlock = (source, references) => furnish(DOMPurify.sanitize(markdown.render(source, { references }), ALLOWED));

/** Finds blocks only: what is in them is not parsed. */
const outline = new MarkdownIt({ html: false, maxNesting: 40 });
outline.core.ruler.enableOnly(['normalize', 'block']);

/** The blocks of a text, `{source, from}`, in order; definitions of links are added to `references`. */
function blocksOf(text, references) {
  const env = { references };
  const starts = [];
  const tokens = outline.parse(text, env);
  for (const { level, map, nesting, type } of tokens) {
    if (level === 0 && map && nesting >= 0 && type !== 'inline') starts.push(map[0]);
  }
  const lines = lineStarts(text);
  return starts.map((line, i) => {
    const from = i === 0 ? 0 : lines[line];
    return { from, source: text.slice(from, i + 1 < starts.length ? lines[starts[i + 1]] : text.length) };
  });
}

function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** An opening fence, to be told apart from what is in it. */
const FENCE = /^ {0,3}(`{3,}|~{3,})[^\n`]*\n/;

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
  #tail; // {box, source, plain}: the last block
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
    const blocks = this.#blocks(text.slice(this.#stable));
    for (const [i, { source }] of blocks.entries()) {
      this.#show(source);
      if (done || i < blocks.length - 1) this.#finish();
    }
    if (done) this.#resolve();
    else if (blocks.length > 1) this.#stable += blocks.at(-1).from;
  }

  #blocks(rest) {
    // Of one long paragraph it is known without parsing that it is one.
    if (this.#tail?.plain && rest.startsWith(this.#tail.source) && !rest.slice(this.#tail.source.length - 1).includes('\n')) return [{ from: 0, source: rest }];
    const blocks = blocksOf(rest, this.#references);
    return blocks.length === 0 && rest.trim() !== '' ? [{ from: 0, source: rest }] : blocks;
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
  #show(source) {
    if (this.#tail?.source === source) return;
    if (!this.#tail) {
      const box = document.createElement('div');
      box.className = 'block';
      this.#element.append(box);
      this.#tail = { box, source: '', plain: false };
    }
    const tail = this.#tail;
    if (!grown(tail, source)) {
      tail.plain = source.length > LONGEST_BLOCK;
      tail.box.replaceChildren(tail.plain ? plainly(source) : renderBlock(source, this.#references));
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
    for (const { box, source } of this.#bracketed) box.replaceChildren(renderBlock(source, this.#references));
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

/** Appends what is new, where that is all that has changed on the page; says whether it was. */
function grown({ box, source: before, plain }, source) {
  if (!source.startsWith(before)) return false;
  const more = source.slice(before.length);
  if (plain) {
    box.firstChild.append(more);
    return true;
  }
  const [opening, mark] = FENCE.exec(before) ?? [];
  const code = opening && box.querySelector('pre code');
  // The line that may close the fence is left to the parser.
  if (!code || source.length > LONGEST_BLOCK || `${before.slice(opening.length).split('\n').at(-1)}${more}`.includes(mark[0])) return false;
  const last = code.lastChild;
  // The parser ends code with a line break that is not there yet.
  if (last?.data?.endsWith('\n') && !before.endsWith('\n')) last.deleteData(last.length - 1, 1);
  code.append(more);
  return true;
}
