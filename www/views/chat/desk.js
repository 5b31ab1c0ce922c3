// The project's own model: what it is, a button for each of its tasks, and plain fields for the parts of its prompt.

import { Observable } from '../../lib/observable.js';
import { engine } from '../../services/engine.js';
import { href } from '../../services/route.js';
import { html, nothing } from '../../vendor/lit-html.js';
import { isDesk } from './ask.js';
import { EXAMPLES, TASKS } from './tasks.js';

/** The example that was chosen last; none: free text. */
export const chosen = new Observable(undefined);

export const deskOn = () => isDesk(engine.value.info);

/** The task whose fields are shown. */
export const task = () => (deskOn() && chosen.value ? TASKS[chosen.value.task] : TASKS.chat);

// Another model's fields are not this one's.
let of;
engine.subscribe(({ kinglet }) => {
  if (kinglet !== of) chosen.value = undefined;
  of = kinglet;
});

/** What this model is, said above a conversation. */
export function label() {
  const { model } = engine.value.info;
  const size = /nano/i.test(model) ? 4 : 6;
  const what = `: a small task model of ${size} million parameters that runs on this device, not a general assistant. `;
  return html`<p id="label">This is <strong>${model}</strong>${what} Larger models such as Phi-3-mini load the same way: <a href=${href('models')}>choose another model</a>.</p>`;
}

/** A button for each example: `run(example)` fills it in and sends it. */
export const starters = (run, busy) => html`<div id="tasks" role="group" aria-label="Try a task">
  ${EXAMPLES.map(
    (example) => html`<button type="button" class="chip" ?disabled=${busy} aria-pressed=${chosen.value === example ? 'true' : 'false'} @click=${() => run(example)}>${example.name}</button>`,
  )}
</div>`;

/** The field beside the text, where the task has one. */
export const partField = () =>
  task().part
    ? html`<div id="part-field" class="field">
        <label for="part" id="part-label">${task().part}</label>
        <input id="part" name="part" type="text" dir="auto" spellcheck="false" autocomplete="off" />
      </div>`
    : nothing;
