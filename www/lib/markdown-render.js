// Markdown of models and strangers as DOM: parsed without HTML, then sanitised, with links and nothing else that could load anything.

import { DOMPurify, MarkdownIt } from '../vendor/markdown.js';

export const SAFE_LINK = /^(https?:\/\/|mailto:)/i;
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
  ADD_URI_SAFE_ATTR: ['start', 'data-language'],
  RETURN_DOM_FRAGMENT: true,
};

/** What the sanitiser leaves is made fit for the page: links, boxes that scroll, code with its language and a button. */
function furnish(fragment) {
  tighten(fragment);
  for (const element of fragment.querySelectorAll('[class]')) {
    if (!['left', 'right', 'center'].includes(element.className)) element.removeAttribute('class');
  }
  for (const link of fragment.querySelectorAll('a:not([href])')) link.replaceWith(...link.childNodes);
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
  for (const pre of fragment.querySelectorAll('pre')) codeBox(pre);
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
  pre.before(box);
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

/** One or several blocks as DOM. `references`: the definitions of links of the whole text. */
export const renderBlocks = (source, references) => furnish(DOMPurify.sanitize(markdown.render(source, { references }), ALLOWED));
