// A document opened at a passage: its text in a dialog, scrolled to the place and marked.

import { html, nothing } from '../vendor/lit-html.js';
import { openDialog } from '../lib/dialog.js';
import { library, ready, textOf } from './library.js';

/** Characters that are shown on each side of the passage, and more with each press. */
const AROUND = 8_000;

/** Opens it; `passage` as an answer has it, `{document, name, text, start, end}`. Resolves when it was closed. */
export async function openPassage({ document: id, name, text, start, end }) {
  await ready();
  const document = library.value.documents.find((one) => one.id === id);
  const whole = document && (await textOf(id).catch(() => undefined));
  const actions = [{ label: 'Close', value: true, primary: true }];
  if (whole === undefined) {
    const gone = html`<p class="hint">This document is no longer kept here. This is the passage as it was.</p>
      <blockquote dir="auto" tabindex="0">${text}</blockquote>`;
    await openDialog({ title: name, body: gone, actions, className: 'reading' });
    return;
  }
  let [from, to] = [Math.max(0, (start ?? 0) - AROUND), Math.min(whole.length, (end ?? 0) + AROUND)];
  const body = (redraw) => {
    const more = (label, change) => html`<button type="button" @click=${() => (change(), redraw())}>${label}</button>`;
    return html`<p class="muted">${where({ ...document, start })}</p>
      <div class="text" role="region" aria-label="Text of the document" tabindex="0" dir="auto">
        ${from > 0 ? more('Show what stands before', () => (from = Math.max(0, from - AROUND * 4))) : nothing}
        <div class="words">${pieces(whole, document.parts, from, to, start, end)}</div>
        ${to < whole.length ? more('Show what follows', () => (to = Math.min(whole.length, to + AROUND * 4))) : nothing}
      </div>`;
  };
  const closed = openDialog({ title: document.name, body, actions, className: 'reading' });
  const place = globalThis.document.querySelector('dialog.reading:last-of-type .passage') ?? globalThis.document.querySelector('dialog.reading:last-of-type .text');
  place.focus();
  place.scrollIntoView({ block: 'center' });
  await closed;
}

/** What kind of document, and where in it. */
function where({ type, parts, pages, start }) {
  const part = parts.find((one) => start !== undefined && one.start <= start && start < one.end);
  const kind = { pdf: `PDF, ${pages} ${pages === 1 ? 'page' : 'pages'}`, html: 'HTML', markdown: 'Markdown', text: 'Text' }[type];
  return [kind, part?.page ? `page ${part.page}` : '', part?.heading ?? ''].filter(Boolean).join(' · ');
}

/** The text between two places, with a line where a page begins, and the passage marked. */
function pieces(text, parts, from, to, start, end) {
  const shown = [];
  let page;
  for (const part of parts) {
    if (part.end <= from || part.start >= to) continue;
    if (part.page && part.page !== page) shown.push(html`<p class="page muted">Page ${part.page}</p>`);
    page = part.page;
    const [first, last] = [Math.max(from, part.start), Math.min(to, part.end)];
    if (start === undefined || end <= first || start >= last) {
      shown.push(text.slice(first, last));
      continue;
    }
    const [a, b] = [Math.max(first, start), Math.min(last, end)];
    shown.push(text.slice(first, a), html`<mark class="passage" tabindex="-1">${text.slice(a, b)}</mark>`, text.slice(b, last));
  }
  return shown;
}
