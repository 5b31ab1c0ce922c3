// The model that runs, or is being loaded.

import { html, nothing } from '../../vendor/lit-html.js';
import { problem } from '../../lib/errors.js';
import { Rate } from '../../lib/rate.js';
import { engine, reloadModel, unloadModel } from '../../services/engine.js';
import { href } from '../../services/route.js';
import { bar } from './bar.js';

const PHASES = { wait: 'Waiting for another tab', download: 'Downloading', upload: 'Loading the weights', compile: 'Preparing the GPU', ready: 'Ready' };

let rate = { of: undefined, phase: undefined, meter: new Rate() };

function loading({ model, progress }) {
  const { phase, loaded = 0, total = 0, text } = progress ?? {};
  if (rate.of !== model || rate.phase !== phase) rate = { of: model, phase, meter: new Rate() };
  rate.meter.at(loaded);
  const words = phase === 'wait' ? `${text[0].toUpperCase()}${text.slice(1)}` : (PHASES[phase] ?? 'Starting…');
  return html`<section id="loading" class="card" aria-labelledby="present">
    <h2 id="present" dir="auto">${model.name}</h2>
    ${bar({ label: 'Loading the model', words, loaded, total, speed: rate.meter.speed, left: rate.meter.left(total - loaded) })}
    <div class="actions"><button type="button" @click=${unloadModel}>Stop</button></div>
  </section>`;
}

/** What the engine does now. */
export function present() {
  const { status, model, info, error } = engine.value;
  if (status === 'failed') {
    return html`<section id="failed" aria-label="The model was not loaded">
      ${problem(error)}
      <div class="actions"><button type="button" @click=${reloadModel}>Try again</button></div>
    </section>`;
  }
  if (status === 'loading') return loading(engine.value);
  if (status !== 'ready') return nothing;
  const where = info.backend === 'gpu' ? 'GPU' : 'processor';
  return html`<section id="ready" class="card" aria-labelledby="present">
    <h2 id="present" dir="auto">${info.model || model.name}</h2>
    <p>${info.backend === 'none' ? 'It is not loaded: bigger models answer.' : `Runs on the ${where} with ${info.context} tokens of context.`}</p>
    ${info.fallback ? html`<p class="muted">Not on the GPU: ${info.fallback}</p>` : nothing}
    <div class="actions">
      <a class="button primary" href=${href('chat')}>Chat</a>
      <button type="button" @click=${unloadModel}>Unload</button>
    </div>
  </section>`;
}
