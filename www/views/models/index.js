import { html } from '../../vendor/lit-html.js';
import { draw } from '../../lib/draw.js';

export const title = 'Models';

export function show(element) {
  return draw(element, () => html`<h1>${title}</h1>`, []);
}
