// Settings of answers, and of the engine.

import { engine, presets, reloadModel } from '../../services/engine.js';
import { engineSettings, samplingSettings } from '../../services/settings.js';
import { html, nothing } from '../../vendor/lit-html.js';
import { isDesk } from '../chat/ask.js';

export const title = 'General';

export const sources = [engine, engineSettings, samplingSettings];

/** A number of a field: undefined where it is empty, NaN where it is none. */
const number = (text) => (text.trim() === '' ? undefined : Number(text));

/** Keeps a field of a section as soon as it is sound; until then the browser says what is wrong with it. */
const keeps = (section, name, read) => ({ target }) => {
  if (target.checkValidity()) section.patch({ [name]: read(target.value) });
  else target.reportValidity();
};

const BACKENDS = { auto: 'Best available', gpu: 'GPU', cpu: 'Processor' };
const CACHES = { f16: 'f16', f32: 'f32 (exact)', q8_0: 'q8_0 (small)' };

const select = (id, label, options, now, change) => html`<div class="field">
  <label for=${id}>${label}</label>
  <select id=${id} @change=${change}>
    ${Object.entries(options).map(([value, text]) => html`<option value=${value} ?selected=${value === now}>${text}</option>`)}
  </select>
</div>`;

const PRESET = { backend: 'backend', context: 'context', cacheType: 'cache' };

export function panel() {
  const { temperature, maxTokens, system } = samplingSettings.value;
  const { backend, context, cacheType } = engineSettings.value;
  const { status, info } = engine.value;
  const told = Object.keys(presets).map((name) => `${PRESET[name]}=${presets[name]}`);
  return html`
    <h3>Answers</h3>
    ${isDesk(info) ? html`<p class="muted">desk answers with temperature 0 and without a system message: each of its tasks has one right answer.</p>` : nothing}
    <div class="grid">
      <div class="field">
        <label for="temperature">Temperature <span class="muted">(0: always the likeliest)</span></label>
        <input id="temperature" type="number" min="0" max="2" step="any" required .value=${String(temperature)} @change=${keeps(samplingSettings, 'temperature', Number)} />
      </div>
      <div class="field">
        <label for="max-tokens">Tokens per answer, at most</label>
        <input id="max-tokens" type="number" min="1" step="1" placeholder="what the context holds" .value=${String(maxTokens ?? '')} @change=${keeps(samplingSettings, 'maxTokens', number)} />
      </div>
      <div class="field wide">
        <label for="system">System message</label>
        <textarea id="system" rows="3" dir="auto" placeholder="How the model should answer" .value=${system} @change=${keeps(samplingSettings, 'system', String)}></textarea>
      </div>
    </div>
    <h3>Engine</h3>
    ${told.length > 0 ? html`<p class="hint">The address of this page says ${told.join(', ')}: that goes before these settings.</p>` : nothing}
    <div class="grid">
      ${select('engine-backend', 'Runs on', BACKENDS, backend, keeps(engineSettings, 'backend', String))}
      <div class="field">
        <label for="engine-context">Context, tokens</label>
        <input id="engine-context" type="number" min="16" step="1" placeholder="model’s own, at most 4096" .value=${String(context ?? '')} @change=${keeps(engineSettings, 'context', number)} />
      </div>
      ${select('engine-cache', 'Cache precision', CACHES, cacheType, keeps(engineSettings, 'cacheType', String))}
    </div>
    <div class="actions">
      <button type="button" id="reload-model" ?disabled=${status !== 'ready' && status !== 'failed'} @click=${reloadModel}>Load the model again with these</button>
    </div>
  `;
}
