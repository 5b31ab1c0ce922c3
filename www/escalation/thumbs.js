// Thumbs: whether an answer of this device was right. Its signals and the verdict are kept, no text; enough of them make a calibration.

import { html, nothing } from '../vendor/lit-html.js';
import { toast } from '../lib/toast.js';
import { Observable } from '../lib/observable.js';
import { beforeReady, engine } from '../services/engine.js';

/** By answer: what was said of it. */
export const verdicts = new Observable(new Map());

/** How far the profile is: `{labelled, enough, wrong}` of chats, or undefined before it was looked up. */
export const progress = new Observable(undefined);

/** What answers of chats count as. */
export const TASK = 'chat';

beforeReady((kinglet) => lookUp(kinglet));

/** What was said before, also before a reload. */
export async function lookUp(kinglet = engine.value.kinglet) {
  if (!kinglet) return;
  try {
    const collected = await kinglet.collected();
    const rows = await collected.rows();
    verdicts.value = new Map(rows.map(({ id, local_ok }) => [id, local_ok]));
    progress.value = (await collected.progress()).find(({ task }) => task === TASK) ?? { labelled: 0, enough: 300, wrong: 0 };
  } catch {
    progress.value = undefined; // the model was let go of meanwhile
  }
}

/** Two buttons; of an answer of a bigger model there are none: it says nothing of this device. */
export function thumbs({ answer }) {
  if (answer.source === 'remote' || !answer.decision) return nothing;
  const said = verdicts.value.get(answer.id);
  const one = (ok, sign, label) =>
    html`<button type="button" class="plain thumb" aria-pressed=${said === ok ? 'true' : 'false'} aria-label=${label} title=${label} @click=${() => say(answer.id, ok)}>${sign}</button>`;
  return html`<span class="thumbs" role="group" aria-label="Was this answer right?">${one(true, '▲', 'Right')}${one(false, '▼', 'Wrong')}</span>`;
}

async function say(id, ok) {
  try {
    const now = await engine.value.kinglet.feedback(id, { ok });
    verdicts.value = new Map([...verdicts.value, [id, ok]]);
    if (now.task === TASK) progress.value = now;
    toast(`${now.labelled} of ${now.enough} ratings for a profile${now.task === TASK ? '' : ` of “${now.task}”`}.`);
  } catch {
    toast('This answer cannot be rated any more: the model was loaded again since.');
  }
}
