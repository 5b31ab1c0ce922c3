// How far something is, how fast it goes, and how long the rest takes.

import { html, nothing } from '../../vendor/lit-html.js';
import { bytes, duration } from '../../lib/format.js';

/** Seconds that a reader would round to. */
function roughly(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return duration(seconds < 60 ? seconds * 1000 : Math.round(seconds / 5) * 5000).replace('.0 s', ' s');
}

/** `words`: the phase. Numbers change too often to be read out; the phase is. */
export function bar({ label, words, loaded, total, speed, left }) {
  const known = total > 0;
  return html`<progress max="1" .value=${known ? loaded / total : 0} aria-label=${label}></progress>
    <p class="muted"><span role="status">${words}</span>${known ? html` · ${bytes(loaded)} of ${bytes(total)}` : loaded > 0 ? html` · ${bytes(loaded)}` : nothing}${speed > 0
      ? html` · <span class="speed">${bytes(speed)}/s</span>`
      : nothing}${left > 0 && known ? html` · <span class="left">${roughly(left)} left</span>` : nothing}</p>`;
}
