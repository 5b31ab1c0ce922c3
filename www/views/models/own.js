// A model of one's own: an address, or files of this device; and how the engine is started.

import { html, nothing } from '../../vendor/lit-html.js';
import { problem } from '../../lib/errors.js';
import { bytes } from '../../lib/format.js';
import { Observable } from '../../lib/observable.js';
import { engine, loadModel, unloadModel } from '../../services/engine.js';
import { choiceOf, choiceOfFiles } from '../../services/models.js';
import { engineSettings } from '../../services/settings.js';
import { go, route } from '../../services/route.js';
import { KingletError } from '../../pkg/dist/index.js';

/** What was wrong with the form itself. */
export const mistake = new Observable(undefined);

const NOTHING = 'There is no model to load: give an address or choose a file.';
const NO_ADDRESS = 'This is no address. Expected https://…, a path such as /models/model.gguf, or hf:owner/name/file.gguf.';

/** Loads a choice, and shows the conversation when it is ready, unless the user has gone elsewhere. */
export async function use(choice) {
  mistake.value = undefined;
  const { status, model } = await loadModel(choice);
  if (status === 'ready' && model.id === choice.id && route.value.view === 'models') go('chat');
}

function chosen(form) {
  const { url, files } = form.elements;
  if (files.files.length > 0) return choiceOfFiles(files.files);
  if (url.value.trim() === '') throw new KingletError('invalid_request', NOTHING);
  try {
    return choiceOf(url.value);
  } catch {
    throw new KingletError('invalid_request', NO_ADDRESS);
  }
}

function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  keep(form);
  try {
    void use(chosen(form));
  } catch (error) {
    mistake.value = error;
    form.elements.url.focus();
  }
}

/** The engine's options as the form says them. */
function keep(form) {
  const { backend, context, cache } = form.elements;
  const tokens = Number.parseInt(context.value, 10);
  engineSettings.patch({ backend: backend.value, cacheType: cache.value, context: Number.isNaN(tokens) ? undefined : tokens });
}

const option = (value, now, text) => html`<option value=${value} ?selected=${value === now}>${text}</option>`;

export function ownModel() {
  const { backend, context, cacheType } = engineSettings.value;
  const busy = engine.value.status === 'loading';
  return html`<form id="load" class="card" @submit=${submit} aria-labelledby="own">
    <h2 id="own">A model of your own</h2>
    <div class="field">
      <label for="url">Address of a GGUF file</label>
      <input id="url" name="url" type="text" inputmode="url" autocomplete="url" spellcheck="false" dir="ltr"
        placeholder="https://… or hf:owner/name/file.gguf" @input=${(event) => (event.target.form.elements.files.value = '')} />
    </div>
    <div class="field">
      <label for="files">or a file on this device <span class="muted">(all parts, if it is split)</span></label>
      <input id="files" name="files" type="file" accept=".gguf" multiple @change=${(event) => (event.target.form.elements.url.value = '')} />
    </div>
    <div class="grid">
      <div class="field">
        <label for="backend">Runs on</label>
        <select id="backend" name="backend">
          ${option('auto', backend, 'Best available')}${option('gpu', backend, 'GPU')}${option('cpu', backend, 'Processor')}
        </select>
      </div>
      <div class="field">
        <label for="context">Context, tokens</label>
        <input id="context" name="context" type="number" min="16" step="1" placeholder="model’s own, at most 4096" .value=${context ?? ''} />
      </div>
      <div class="field">
        <label for="cache">Cache precision</label>
        <select id="cache" name="cache">
          ${option('f16', cacheType, 'f16')}${option('f32', cacheType, 'f32 (exact)')}${option('q8_0', cacheType, 'q8_0 (small; processor)')}
        </select>
      </div>
    </div>
    <div class="actions">
      <button id="load-button" class="primary" ?disabled=${busy}>Load model</button>
      ${busy ? html`<button type="button" id="cancel" @click=${unloadModel}>Cancel</button>` : nothing}
    </div>
    ${problem(mistake.value)}
  </form>`;
}

const PHASES = { wait: 'Waiting for another tab', download: 'Downloading', upload: 'Loading the weights', compile: 'Preparing the GPU', ready: 'Ready' };

/** What the engine does now. */
export function present() {
  const { status, model, info, progress, error } = engine.value;
  if (status === 'failed') return problem(error);
  if (status !== 'loading') return nothing;
  const { phase, loaded = 0, total = 0 } = progress ?? {};
  const amount = total > 0 ? ` ${bytes(loaded)} of ${bytes(total)}` : '';
  return html`<div id="loading" class="card">
    <p>${model.name}</p>
    <progress max="1" .value=${total > 0 ? loaded / total : 0} aria-label="Loading the model"></progress>
    <p class="muted" role="status">${PHASES[phase] ?? 'Starting…'}${amount}</p>
  </div>`;
}
