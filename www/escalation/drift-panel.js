// Alarms of drift: what was noticed, what is done about it, and that it was seen to.

import { html } from '../vendor/lit-html.js';
import { when } from '../lib/format.js';
import { engine } from '../services/engine.js';
import { calibrationSettings } from './config.js';
import { alarms } from './notices.js';

export const sources = [alarms, calibrationSettings];

const ACTIONS = {
  warn: 'Answers are kept as before.',
  tighten: 'Fewer answers are kept until you have seen to it.',
  suspend: 'The profile is not used until you have seen to it.',
};

export function driftPanel() {
  const { open } = alarms.value;
  if (!calibrationSettings.value.profile && open.length === 0) {
    return html`<p class="muted">Drift is watched for once a profile is in use: whether your questions are still like those it was made with.</p>`;
  }
  if (open.length === 0) return html`<p>No alarm: your questions are like those the profile was made with.</p>`;
  return html`<ul class="alarms">${open.map(
    ({ kind, action, message, at }) => html`<li>
      <p><strong>${kind.replaceAll('_', ' ')}</strong> <span class="muted">${when(at)}</span></p>
      <p>${message}. ${ACTIONS[action] ?? ''}</p>
      <button type="button" @click=${() => seen(kind)}>Seen to</button>
    </li>`,
  )}</ul>`;
}

function seen(kind) {
  try {
    engine.value.kinglet?.acknowledge(kind);
  } catch {
    // Without a model there is nothing to tell; a new session begins without the alarm.
  }
  alarms.patch({ open: alarms.value.open.filter((one) => one.kind !== kind) });
}
