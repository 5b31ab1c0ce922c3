// In the bar above: whether the page works without a network, how many requests there were, and a newer version of it.

import { html, nothing } from '../vendor/lit-html.js';
import { acceptUpdate, keeping } from '../keep.js';
import { toast } from '../lib/toast.js';
import { earlier, recount, requests } from '../services/requests.js';

const SHORT = { none: 'Online', unsupported: 'Online', refused: 'Online', keeping: 'Keeping…', kept: 'Offline-ready' };

/** Whether the page's files are kept, in a sentence. */
function sentence({ status, reason }) {
  switch (status) {
    case 'kept':
      return 'This page is kept on this device: it opens without a network.';
    case 'keeping':
      return 'This page is being kept on this device, to be opened without a network.';
    case 'unsupported':
      return 'This browser keeps no pages here (a private window, or no https): without a network this page cannot be opened again.';
    case 'refused':
      return `This page could not be kept (${reason}): without a network it cannot be opened again.`;
    default:
      return 'The host of this page does not say what to keep: without a network it cannot be opened again.';
  }
}

function counted(count) {
  if (count === undefined) return 'No model is loaded.';
  const said = `${count} ${count === 1 ? 'request' : 'requests'} since the model was loaded, besides this page’s own files.`;
  if (earlier > 0) return `${said} Before that, since the page was opened: ${earlier}.`;
  return count === 0 ? `Nothing has left this device: ${said}` : said;
}

const reload = () => location.reload();

let timer;

function toggled({ target }) {
  clearInterval(timer);
  if (!target.open) return;
  void recount();
  timer = setInterval(recount, 1000);
}

function closeOnEscape(event) {
  if (event.key !== 'Escape') return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector('summary').focus();
}

/** What is drawn from: `keeping` and `requests`. */
export const sources = [keeping, requests];

export function offline() {
  const { status, update } = keeping.value;
  return html`<details id="offline" data-status=${status} data-requests=${requests.value ?? ''} @toggle=${toggled} @keydown=${closeOnEscape}>
    <summary class="chip">${update ? 'New version' : SHORT[status]}</summary>
    <div class="panel">
      <p>${sentence(keeping.value)}</p>
      <p>${counted(requests.value)}</p>
      ${update === 'ready' ? html`<button type="button" class="primary" @click=${acceptUpdate}>Start the new version</button>` : nothing}
      ${update === 'here' ? html`<button type="button" class="primary" @click=${reload}>Load this tab again</button>` : nothing}
      ${update === 'waiting' ? html`<p>The new version starts when no answer is being made.</p>` : nothing}
    </div>
  </details>`;
}

let said; // the news that is shown

keeping.subscribe(({ update }) => {
  if (update === said?.update) return;
  said?.remove();
  said = undefined;
  if (update === 'ready') said = { update, remove: toast('A new version is ready.', { action: { label: 'Start it', run: acceptUpdate }, stays: true }) };
  if (update === 'here') {
    said = { update, remove: toast('The new version is here. This tab is loaded again when you have sent what you have written.', { action: { label: 'Load it again', run: reload } }) };
  }
  if (update === 'waiting') said = { update, remove: toast('The new version starts when no answer is being made.', { stays: true }) };
});
