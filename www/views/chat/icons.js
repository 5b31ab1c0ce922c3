// The signs on buttons, drawn: not every device has a font with characters for them.

import { svg, html } from '../../vendor/lit-html.js';

const icon = (lines) => html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true">${lines}</svg>`;

export const listIcon = icon(svg`<path d="M2 4h12M2 8h12M2 12h12" />`);
export const plusIcon = icon(svg`<path d="M8 2.5v11M2.5 8h11" />`);
export const dotsIcon = icon(svg`<path d="M3 8h.01M8 8h.01M13 8h.01" />`);
