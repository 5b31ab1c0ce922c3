// Plots by Observable Plot, each also a table: what every view that draws one has in common. Loaded with the first of them.

import { html, nothing } from '../vendor/lit-html.js';
import * as Plot from '../vendor/plot.js';

const SVG = 'http://www.w3.org/2000/svg';

/** A plot with its caption, and the same as a table. */
export const figure = (id, caption, note, plot, head, rows) => html`<figure class="plot-figure" aria-labelledby=${`${id}-caption`}>
  <figcaption id=${`${id}-caption`}>${caption}</figcaption>
  ${note ? html`<p class="muted">${note}</p>` : nothing}
  <div class="plot-frame" tabindex="0" role="group" aria-label=${`${caption}: a plot; the table below says the same`}>${plot}</div>
  <details>
    <summary>As a table</summary>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Table: ${caption}`}>
      <table>
        <caption class="visually-hidden">${caption}</caption>
        <thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${rows.map(([first, ...others]) => html`<tr><th scope="row">${first}</th>${others.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
      </table>
    </div>
  </details>
</figure>`;

/** An SVG of Plot's without its <style>, which the page's policy refuses: escalation.css has the same rules. */
export function drawn(options) {
  const width = Math.min(560, Math.max(300, innerWidth - 72)); // as wide as a phone is, so that the letters keep their size
  const plot = Plot.plot({ className: 'plot', width, ...options });
  const svg = plot.matches('svg') ? plot : plot.querySelector('svg');
  plot.querySelectorAll('style').forEach((style) => style.remove());
  svg.setAttribute('aria-hidden', 'true'); // the table is what is read out
  svg.prepend(patterns());
  return plot;
}

/** Stripes for what a bigger model did; plain for this device. */
function patterns() {
  const defs = document.createElementNS(SVG, 'defs');
  const pattern = document.createElementNS(SVG, 'pattern');
  for (const [name, value] of Object.entries({ id: 'stripes', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' })) pattern.setAttribute(name, value);
  const line = document.createElementNS(SVG, 'line');
  for (const [name, value] of Object.entries({ x1: 0, y1: 0, x2: 0, y2: 6, class: 'stripe' })) line.setAttribute(name, value);
  pattern.append(line);
  defs.append(pattern);
  return defs;
}
