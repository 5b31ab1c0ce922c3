// The log of what left this device: when, to whom, how much, by whose leave; no text of it.

import { html, nothing } from '../vendor/lit-html.js';
import { confirmed } from '../lib/dialog.js';
import { bytes, when } from '../lib/format.js';
import { Observable } from '../lib/observable.js';
import { engine } from '../services/engine.js';

const entries = new Observable(undefined);

export const sources = [entries];

/** As many as a person would read; all of them are in the log. */
const MOST = 100;

const LEAVE = { free: 'the settings', once: 'you, for this once', session: 'you, until the page closes', task: 'you, for this task' };

export async function refreshLeft() {
  try {
    entries.value = await engine.value.kinglet?.egress.entries();
  } catch {
    entries.value = undefined; // the model was let go of
  }
}

export function leftPanel() {
  if (entries.value === undefined) return html`<p class="muted">Load a model to see the log.</p>`;
  if (entries.value.length === 0) return html`<p class="empty">Nothing has left this device.</p>`;
  const newest = entries.value.slice(-MOST).reverse();
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="The log of what left">
      <table>
        <thead><tr>${['When', 'To', 'Model', 'Size', 'Allowed by', 'Replaced'].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${newest.map(row)}</tbody>
      </table>
    </div>
    ${entries.value.length > MOST ? html`<p class="muted">The newest ${MOST} of ${entries.value.length}.</p>` : nothing}
    <div class="actions">
      <button type="button" @click=${revoke} ?disabled=${granted().length === 0}>Take back what I have allowed</button>
      <button type="button" class="danger" @click=${clear}>Clear the log…</button>
    </div>`;
}

const row = ({ id, at, host, model, bytes: size, consent, redacted, entities }) => html`<tr aria-current=${id === leftPanel.highlighted ? 'true' : 'false'}>
  <th scope="row">${when(at)}</th>
  <td>${host}</td>
  <td>${model}</td>
  <td>${bytes(size)}</td>
  <td>${LEAVE[consent] ?? consent}</td>
  <td>${redacted ? String(Object.values(entities).reduce((sum, count) => sum + count, 0)) : 'not searched'}</td>
</tr>`;

/** Which answer's entries stand out; set by who shows the panel. */
leftPanel.highlighted = undefined;

function granted() {
  try {
    return engine.value.kinglet?.consents.granted() ?? [];
  } catch {
    return [];
  }
}

function revoke() {
  engine.value.kinglet?.consents.revoke();
  entries.value = entries.value && [...entries.value];
}

async function clear() {
  if (!(await confirmed('Clear the log of what left?', html`<p>It cannot be brought back. The account of costs stays.</p>`, 'Clear'))) return;
  await engine.value.kinglet?.egress.clear();
  await refreshLeft();
}
