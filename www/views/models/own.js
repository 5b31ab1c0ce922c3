// A model of one's own: an address, or files of this device; and how the engine is started.

import { html, nothing } from '../../vendor/lit-html.js';
import { problem } from '../../lib/errors.js';
import { choiceOf, choiceOfFiles } from '../../lib/choice.js';
import { Observable } from '../../lib/observable.js';
import { engine, unloadModel } from '../../services/engine.js';
import { chooseModel } from '../../services/models.js';
import { engineSettings } from '../../services/settings.js';
import { go, route } from '../../services/route.js';
import { ask, verdicts } from '../../services/verdict.js';
import { verdict } from './verdict.js';

/** What was wrong with the form itself. */
export const mistake = new Observable(undefined);

const NOTHING = 'There is no model to load: give an address or choose a file.';
const NO_ADDRESS = 'This is no address of a file. Expected https://…, a path such as /models/model.gguf, or hf:owner/name/file.gguf.';
const NOT_GGUF = 'These are not the parts of one model: choose one GGUF file, or all parts of one (…-00001-of-00003.gguf and so on).';

export const refuse = (message) => (mistake.value = { code: 'invalid_request', message });

/** Loads a choice, and shows the conversation when it is ready, unless the user has gone elsewhere. */
export async function use(choice) {
  mistake.value = undefined;
  const { status, model } = await chooseModel(choice);
  if (status === 'ready' && model.id === choice.id && route.value.view === 'models') go('chat');
}

/** Loads files: one, or all parts of one. */
export function load(files) {
  const names = files.map(({ name }) => name);
  const one = files.length === 1 || names.every((name) => /-\d{5}-of-\d{5}\.gguf$/i.test(name));
  if (one) void use(choiceOfFiles(files));
  else refuse(NOT_GGUF);
}

/** What the form names; undefined where that was refused. */
function address(form) {
  const { url } = form.elements;
  if (url.value.trim() === '') refuse(NOTHING);
  else {
    try {
      return choiceOf(url.value);
    } catch {
      refuse(NO_ADDRESS);
    }
  }
  url.focus();
  return undefined;
}

function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  keep(form);
  mistake.value = undefined;
  const files = [...form.elements.files.files];
  if (files.length > 0) return load(files);
  const choice = address(form);
  if (choice) void use(choice);
}

let asked; // the choice that the form's answer is about

function check({ currentTarget: { form } }) {
  keep(form);
  mistake.value = undefined;
  const files = [...form.elements.files.files];
  asked = files.length > 0 ? choiceOfFiles(files) : address(form);
  if (asked) void ask(asked);
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
      <label for="files">or a file on this device <span class="muted">(all parts, if it is split; or drop it anywhere here)</span></label>
      <input id="files" name="files" type="file" accept=".gguf" multiple @change=${(event) => (event.target.form.elements.url.value = '')} />
    </div>
    <p class="muted">How models run, those of the catalogue, too:</p>
    <div class="grid">
      <div class="field">
        <label for="backend">Runs on</label>
        <select id="backend" name="backend">
          ${option('auto', backend, 'Best available')}${option('gpu', backend, 'GPU')}${option('cpu', backend, 'Processor')}
        </select>
      </div>
      <div class="field">
        <label for="context">Context, tokens</label>
        <input id="context" name="context" type="number" min="16" step="1" placeholder="at most 4096" .value=${String(context ?? '')} />
      </div>
      <div class="field">
        <label for="cache">Cache precision</label>
        <select id="cache" name="cache">
          ${option('f16', cacheType, 'f16')}${option('f32', cacheType, 'f32 (exact)')}${option('q8_0', cacheType, 'q8_0 (half)')}
        </select>
      </div>
    </div>
    <div class="actions">
      <button id="load-button" class="primary" ?disabled=${busy}>Load model</button>
      <button type="button" @click=${check}>Will it run here?</button>
      ${busy ? html`<button type="button" id="cancel" @click=${unloadModel}>Cancel</button>` : nothing}
    </div>
    ${asked && verdicts.value[asked.id] ? verdict(verdicts.value[asked.id]) : nothing} ${problem(mistake.value)}
  </form>`;
}
