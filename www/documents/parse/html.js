// HTML: its words, without running, fetching or showing anything of it.

import { pacer } from '../pace.js';
import { Refused } from '../refused.js';
import { MOST_CHARACTERS } from '../limits.js';

/** Characters that the parser gets at once. */
const SLICE = 32_768;
/** What holds no words for a reader. */
const SKIPPED = new Set(
  'SCRIPT STYLE TEMPLATE NOSCRIPT HEAD TITLE IFRAME FRAME NOFRAMES OBJECT EMBED APPLET SVG MATH CANVAS AUDIO VIDEO INPUT TEXTAREA SELECT BUTTON DATALIST METER PROGRESS'.split(' '),
);
const BLOCKS = new Set(
  'ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY DD DETAILS DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN NAV OL P PRE SECTION SUMMARY TABLE TBODY THEAD TR UL'.split(' '),
);
const HIDDEN_STYLE = /display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?:px|em|rem|%)?\s*(?:;|$)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$)/i;

export async function parseHtml(source, signal) {
  const pace = pacer(signal);
  const inert = await inertDocument(source, pace);
  const title = inert.title.replace(/\s+/g, ' ').trim().slice(0, 200) || undefined;
  const words = [];
  const sections = [];
  const path = [];
  let length = 0;
  let heading; // the element that is being read
  let open = { start: 0 };
  const add = (text) => {
    words.push(text);
    length += text.length;
    if (length > MOST_CHARACTERS) throw new Refused('too_large', `its text is longer than ${MOST_CHARACTERS.toLocaleString('en')} characters`);
  };
  const fresh = () => length === 0 || words.at(-1).endsWith('\n');
  const enter = (element) => {
    const level = /^H([1-6])$/.exec(element.tagName)?.[1];
    if (BLOCKS.has(element.tagName) && !fresh()) add('\n\n');
    else if (element.tagName === 'BR') add('\n');
    else if (/^T[DH]$/.test(element.tagName) && !fresh()) add(' | ');
    if (element.tagName === 'LI') add('- ');
    if (level) {
      sections.push({ ...open, end: length });
      path.length = Number(level) - 1;
      open = { start: length };
      heading = { element, from: words.length };
    }
  };
  const leave = (element) => {
    if (heading?.element === element) {
      path[Number(element.tagName[1]) - 1] = words.slice(heading.from).join('').replace(/\s+/g, ' ').trim();
      open.heading = path.filter(Boolean).join(' › ');
      heading = undefined;
    }
    if (BLOCKS.has(element.tagName) && !fresh()) add('\n\n');
  };
  // By hand instead of recursively: hostile pages nest a hundred thousand elements.
  let node = inert.body ?? inert.documentElement;
  const root = node;
  for (let down = true; node; await pace()) {
    if (down && node.nodeType === Node.TEXT_NODE) {
      const said = node.parentElement?.tagName === 'PRE' ? node.data : node.data.replace(/\s+/g, ' ');
      if (said.trim() !== '') add(fresh() ? said.trimStart() : said);
      else if (!fresh() && !words.at(-1).endsWith(' ')) add(' ');
    } else if (down && node.nodeType === Node.ELEMENT_NODE) {
      if (!hidden(node)) {
        enter(node);
        if (node.firstChild) {
          node = node.firstChild;
          continue;
        }
        leave(node);
      }
    }
    if (node === root) break;
    if (node.nextSibling) {
      node = node.nextSibling;
      down = true;
    } else {
      node = node.parentNode;
      down = false;
      if (node) leave(node);
    }
  }
  sections.push({ ...open, end: length });
  const text = words.join('');
  if (text.trim() === '') throw new Refused('no_text', 'this page holds no text that would be shown (it may be written by a script)');
  return { text, title, sections: sections.filter(({ start, end }) => end > start) };
}

/** A document that belongs to no window: it runs no script, fetches nothing and goes nowhere. It is parsed in slices. */
async function inertDocument(source, pace) {
  const inert = document.implementation.createHTMLDocument('');
  inert.open();
  for (let at = 0; at < source.length; at += SLICE) {
    inert.write(source.slice(at, at + SLICE));
    await pace();
  }
  inert.close();
  return inert;
}

function hidden(element) {
  return (
    SKIPPED.has(element.tagName.toUpperCase()) ||
    element.hasAttribute('hidden') ||
    element.getAttribute('aria-hidden') === 'true' ||
    (element.tagName === 'DIALOG' && !element.hasAttribute('open')) ||
    HIDDEN_STYLE.test(element.getAttribute('style') ?? '')
  );
}
