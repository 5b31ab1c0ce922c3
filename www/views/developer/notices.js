// The log of what happened to the engine.

import { html } from '../../vendor/lit-html.js';

export const noticeLog = (notices) =>
  notices.length === 0
    ? html`<p class="muted">Nothing has happened since the page was opened.</p>`
    : html`<ol class="notices">
        ${notices.map(
          ({ time, code, message }) =>
            html`<li><time datetime=${new Date(time).toISOString()}>${new Date(time).toLocaleTimeString()}</time> <code>${code}</code> ${message}</li>`,
        )}
      </ol>`;
