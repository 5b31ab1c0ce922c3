// The models on this device, and the room that they take.

import { html, nothing, repeat } from '../../vendor/lit-html.js';
import { addressOf, choiceOf, choiceOfEntry } from '../../lib/choice.js';
import { confirmed } from '../../lib/dialog.js';
import { problem } from '../../lib/errors.js';
import { bytes, when } from '../../lib/format.js';
import { Observable } from '../../lib/observable.js';
import { catalogue } from '../../services/catalogue.js';
import { downloads, enqueue } from '../../services/downloads.js';
import { engine } from '../../services/engine.js';
import { evicted, keepAll, remove, repair, stored, verify } from '../../services/stored.js';
import { use } from './own.js';

/** By a model's id: what verifying, or removing, it has come to: `{words, progress?, damaged?, error?, ending?}`. */
export const checks = new Observable({});
const note = (id, check) => (checks.value = { ...checks.value, [id]: check });

/** What the browser answered to being asked to keep the models. */
const kept = { answer: undefined };

async function check(model) {
  const ending = new AbortController();
  const onProgress = ({ loaded, total }) => note(model.id, { words: 'Verifying…', progress: loaded / total, ending });
  onProgress({ loaded: 0, total: 1 });
  try {
    const { damaged, pieces } = await verify(model, { onProgress, signal: ending.signal });
    const of = `${pieces} ${pieces === 1 ? 'piece' : 'pieces'}`;
    note(model.id, damaged === 0 ? { words: `Verified: ${of}, all as they arrived.` } : { words: `${damaged} of ${of} damaged.`, damaged });
  } catch (error) {
    note(model.id, { error });
  }
}

async function mend(model) {
  note(model.id, { words: 'Fetching the damaged pieces again…' });
  try {
    await repair(model);
    await check(model);
  } catch (error) {
    note(model.id, { error, damaged: true });
  }
}

async function drop(model) {
  const body = html`<p><bdi>${model.name}</bdi> takes ${bytes(model.bytes)}. To use it again it has to be downloaded again.</p>`;
  if (!(await confirmed('Delete this model?', body, 'Delete'))) return;
  try {
    await remove(model);
    note(model.id, undefined);
  } catch (error) {
    note(model.id, { error });
  }
}

async function keep() {
  kept.answer = (await keepAll().catch(() => false)) ? 'yes' : 'no';
  stored.patch({});
}

/** The choice that a stored model was. */
function choice(model) {
  return entryOf(model) ?? { ...choiceOf(model.address), name: model.name };
}

/** What the catalogue calls it. */
const entryOf = ({ address }) => catalogue.value.entries?.map(choiceOfEntry).find(({ id }) => addressOf(id) === address);

const isActive = ({ address }) => engine.value.status === 'ready' && address !== undefined && addressOf(engine.value.model.id) === address;
const isComing = ({ address }) => downloads.value.some(({ id }) => addressOf(id) === address);

function row(model) {
  const { id, complete, length, used, store } = model;
  const { name } = entryOf(model) ?? model;
  const state = checks.value[id];
  const active = isActive(model);
  const size = complete ? bytes(model.bytes) : `${bytes(model.bytes)}${length ? ` of ${bytes(length)}` : ''}, incomplete`;
  const button = (label, run, classes = '') => html`<button type="button" class=${classes} aria-label=${`${label} ${name}`} @click=${run}>${label}</button>`;
  return html`<li class="card stored" data-complete=${complete}>
    <h3 dir="auto">${name}</h3>
    <p class="muted">${size} · used ${when(used)}${model.files.length > 1 ? ` · ${model.files.length} files` : ''}${store === 'indexeddb' ? ' · IndexedDB' : ''}${active ? html` · <strong>in use</strong>` : nothing}</p>
    ${state?.progress === undefined ? nothing : html`<progress max="1" .value=${state.progress} aria-label=${`Verifying ${name}`}></progress>`}
    ${state?.words ? html`<p class="check" role="status" data-damaged=${state.damaged ?? 0}>${state.words}</p>` : nothing} ${problem(state?.error)}
    <div class="actions">
      ${complete && !active && model.address ? button('Use', () => use(choice(model)), 'primary') : nothing}
      ${!complete && model.address && !isComing(model) ? button('Resume', () => enqueue(choice(model)), 'primary') : nothing}
      ${state?.damaged ? button('Repair', () => mend(model), 'primary') : nothing}
      ${state?.ending && state.progress < 1 ? button('Stop verifying', () => state.ending.abort()) : complete ? button('Verify', () => check(model)) : nothing}
      ${isComing(model) ? nothing : button('Delete', () => drop(model), 'danger')}
    </div>
  </li>`;
}

function room({ usage, available, persisted }) {
  const share = available === undefined ? undefined : usage / (usage + available);
  return html`<div class="room">
    ${share === undefined ? nothing : html`<meter min="0" max="1" high="0.9" .value=${share} aria-label="Storage in use"></meter>`}
    <p class="muted">${bytes(usage ?? 0)} used by this site${available === undefined ? '' : `, ${bytes(available)} free`}.
      ${persisted ? 'The browser keeps it until you delete it.' : 'The browser may remove it when this device is short of room.'}</p>
    ${persisted ? nothing : html`<div class="actions"><button type="button" @click=${keep}>Keep this</button></div>`}
    ${kept.answer === 'no' && !persisted
      ? html`<p role="status">The browser did not agree. It often does once the page is installed, bookmarked or used more; until then the models may have to be downloaded again.</p>`
      : nothing}
  </div>`;
}

export function storedSection() {
  const { models, room: space, error } = stored.value;
  if (models === undefined) return error ? problem(error) : nothing;
  return html`<section aria-labelledby="stored">
    <h2 id="stored">On this device</h2>
    ${evicted.value.length === 0
      ? nothing
      : html`<p class="hint" role="status">The browser has removed <bdi>${evicted.value.join(', ')}</bdi> to make room. It can be downloaded again.</p>`}
    ${models.length === 0
      ? html`<p class="muted">No model is kept here yet. Downloads stay on this device and work without a network.</p>`
      : html`<ul class="plain-list grid">${repeat(models, ({ id }) => id, row)}</ul>`}
    ${space ? room(space) : nothing} ${problem(error)}
  </section>`;
}
