// Questions that wait for a connection: how they stand, and what the user can do about each.

import { html, nothing } from '../vendor/lit-html.js';
import { when } from '../lib/format.js';
import { Observable } from '../lib/observable.js';
import { toast } from '../lib/toast.js';
import { engine } from '../services/engine.js';
import { escalationSettings } from './config.js';
import { queueChanged } from './notices.js';

const waiting = new Observable(undefined);

export const sources = [waiting, escalationSettings];

const STATES = {
  waiting: 'waits for a connection',
  sending: 'is being sent',
  interrupted: 'a tab ended while it sent this: whether it arrived is not known',
};

queueChanged.subscribe(() => void refreshQueue());

export async function refreshQueue() {
  try {
    waiting.value = await engine.value.kinglet?.queue.list();
  } catch {
    waiting.value = undefined; // no queue with these settings, or the model was let go of
  }
}

export function queuePanel() {
  if (waiting.value === undefined) {
    return html`<p class="muted">${escalationSettings.value.offline ? 'Load a model to see what waits.' : 'Off: without a connection this device’s answer stands. You can let questions wait (Settings).'}</p>`;
  }
  if (waiting.value.length === 0) return html`<p>Nothing waits.</p>`;
  return html`<ul class="queue">${waiting.value.map(
    ({ id, remote, state, at, expires, attempts, placeholders }) => html`<li data-state=${state}>
      <p><strong>${remote}</strong> ${STATES[state]}. <span class="muted">Since ${when(at)}, given up ${when(expires)}; tried ${attempts} times.</span></p>
      ${placeholders ? html`<p class="muted">What its placeholders stand for was not kept: the answer will have them.</p>` : nothing}
      <div class="actions">
        ${state === 'interrupted' ? html`<button type="button" @click=${() => act((queue) => queue.requeue(id), 'It is sent again.')}>Send again (it may arrive twice)</button>` : nothing}
        <button type="button" class="danger" @click=${() => act((queue) => queue.cancel(id), 'It is not asked any more.')}>Cancel</button>
      </div>
    </li>`,
  )}</ul>`;
}

async function act(work, done) {
  try {
    toast((await work(engine.value.kinglet.queue)) ? done : 'It is not there any more.');
  } catch (error) {
    toast(error.message);
  }
  await refreshQueue();
}
