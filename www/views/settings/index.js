// Settings: one panel below another.

import { html, nothing } from '../../vendor/lit-html.js';
import * as escalation from '../../escalation/settings-panel.js';
import { draw } from '../../lib/draw.js';
import * as general from './general.js';

export const title = 'Settings';

/** Each module exports `title`, `panel()` (a template, or nothing) and, where it needs to be drawn again, `sources` (observables). */
const PANELS = { general, escalation };

const part = ([id, { title: heading, panel }]) => {
  const body = panel();
  return body === nothing
    ? nothing
    : html`<section id=${`settings-${id}`} class="panel" aria-labelledby=${`settings-${id}-title`}>
        <h2 id=${`settings-${id}-title`}>${heading}</h2>
        ${body}
      </section>`;
};

export function show(element) {
  const sources = Object.values(PANELS).flatMap((module) => module.sources ?? []);
  return draw(element, () => html`<h1>${title}</h1>${Object.entries(PANELS).map(part)}`, sources);
}
