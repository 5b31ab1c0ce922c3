// What was found out about a model, as a line.

import { html } from '../../vendor/lit-html.js';
import { problem } from '../../lib/errors.js';
import { inWords } from '../../lib/verdicts.js';

/** The words beside the sign, so that neither colour nor sign is needed to understand it. */
const SIGNS = { good: '✓', tight: '!', bad: '✕', unknown: '?' };

/** `{level, text}` as a line. */
export function line({ level, text }, kind) {
  return html`<p class="verdict" data-level=${level} data-kind=${kind}><span aria-hidden="true">${SIGNS[level]}</span> <span>${text}</span></p>`;
}

/** An exact answer. */
export function verdict(found) {
  if (found.status === 'asking') return html`<p class="verdict muted" role="status">Reading the header…</p>`;
  if (found.status === 'failed') return problem(found.error);
  return html`<div role="status">${line(inWords(found), 'exact')}</div>`;
}
