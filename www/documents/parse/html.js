// HTML: its words, without running, fetching or showing anything of it.

import { pacer } from '../pace.js';
import { Refused } from '../refused.js';
import { HTML_STEP_MS, HTML_STEPS, MOST_CHARACTERS } from '../limits.js';

/** Characters that the parser gets at once: fewer where it is slow. */
const SLICE = { most: 32_768, least: 1_024 };
/** What such a slice should take, ms. */
const GOAL_MS = 8;
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
  const title = inert.title.replaceAll(SIGN, '').replace(/\s+/g, ' ').trim().slice(0, 200) || undefined;
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
      const data = node.data.replaceAll(SIGN, '');
      const said = node.parentElement?.tagName === 'PRE' ? data : data.replace(/\s+/g, ' ');
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
  let slice = SLICE.least * 4;
  let slow = 0; // steps in a row
  for (let at = 0; at < source.length; ) {
    const most = Math.min(source.length, at + slice);
    const tag = most < source.length ? source.lastIndexOf('<', most - 1) : most;
    const end = tag > at ? tag : most; // tags stay whole, for what is renamed in them
    const begun = performance.now();
    inert.write(renamed(source.slice(at, end)));
    at = end;
    const took = performance.now() - begun;
    slow = took > HTML_STEP_MS && slice === SLICE.least ? slow + 1 : 0;
    if (slow === HTML_STEPS) throw new Refused('too_slow', 'it takes too long to read: its elements are nested too deeply');
    slice = Math.min(SLICE.most, Math.max(SLICE.least, took > GOAL_MS ? slice / 2 : slice * 2));
    await pace();
  }
  inert.close();
  return inert;
}

/** Marks what was renamed; a private sign, which is taken out of texts. */
const SIGN = '\ue000';

/**
 * Styles, handlers and bases under names that mean nothing: none of them could do anything in there, but the page's policy would report
 * each.
 */
function renamed(html) {
  return html
    .replaceAll(SIGN, '')
    .replace(/<(\/?)style\b/gi, '<$1script')
    .replace(/<base\b/gi, '<x-base')
    .replace(/(?<![\w-])(style|on\w+)(?=\s*=)/gi, `${SIGN}$1`);
}

function hidden(element) {
  return (
    SKIPPED.has(element.tagName.toUpperCase()) ||
    element.hasAttribute('hidden') ||
    element.getAttribute('aria-hidden') === 'true' ||
    (element.tagName === 'DIALOG' && !element.hasAttribute('open')) ||
    HIDDEN_STYLE.test(element.getAttribute(`${SIGN}style`) ?? '')
  );
}
