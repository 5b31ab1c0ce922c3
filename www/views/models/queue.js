// Downloads: what runs, what waits, what was stopped.

import { html, nothing, repeat } from '../../vendor/lit-html.js';
import { confirmed } from '../../lib/dialog.js';
import { problem } from '../../lib/errors.js';
import { cancel, downloads, pause, resume } from '../../services/downloads.js';
import { bar } from './bar.js';

const WORDS = {
  waiting: 'Waits for its turn',
  paused: 'Paused; what has come is kept',
  failed: 'Stopped',
  elsewhere: 'Another tab is downloading this',
};

function words({ status, phase, loaded }) {
  if (status === 'running') return phase === 'wait' ? WORDS.elsewhere : 'Downloading';
  return status === 'failed' && loaded > 0 ? 'Stopped; what has come is kept' : WORDS[status];
}

async function drop({ id, name, loaded }) {
  const sure = loaded === 0 || (await confirmed('Cancel this download?', html`<p>What has come of <bdi>${name}</bdi> is removed.</p>`, 'Cancel download'));
  if (sure) void cancel(id);
}

const row = (each) => html`<li class="card download" data-status=${each.status}>
  <h3 dir="auto">${each.name}</h3>
  ${bar({ label: `Download of ${each.name}`, words: words(each), ...each })} ${each.error ? problem(each.error) : nothing}
  <div class="actions">
    ${each.status === 'running' || each.status === 'waiting'
      ? html`<button type="button" aria-label=${`Pause ${each.name}`} @click=${() => pause(each.id)}>Pause</button>`
      : each.status === 'elsewhere'
        ? nothing
        : html`<button type="button" class="primary" aria-label=${`Resume ${each.name}`} @click=${() => resume(each.id)}>Resume</button>`}
    <button type="button" aria-label=${`Cancel ${each.name}`} @click=${() => drop(each)}>Cancel</button>
  </div>
</li>`;

export function downloadsSection() {
  if (downloads.value.length === 0) return nothing;
  return html`<section aria-labelledby="downloads">
    <h2 id="downloads">Downloads</h2>
    <ol class="plain-list">${repeat(downloads.value, ({ id }) => id, row)}</ol>
  </section>`;
}
