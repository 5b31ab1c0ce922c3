// What each operation of a step costs here, measured when it is asked for.

import { html, nothing } from '../../vendor/lit-html.js';
import { bytes, percent } from '../../lib/format.js';
import { problem } from '../../lib/errors.js';
import { Observable } from '../../lib/observable.js';
import { engine } from '../../services/engine.js';

/** `{busy, stop}`, `{result}` or `{error}` of the latest run. */
export const measured = new Observable({});

const METHODS = {
  clock: 'a clock around every operation, in the thread that leads',
  timestamps: 'the GPU’s own clock, around all operations of one kind',
  settled: 'all operations of one kind submitted and waited for, less an empty wait',
};
const DEFAULT = { tokens: 64, position: 0, rounds: 3 };

async function run(event) {
  event.preventDefault();
  const { tokens, position, rounds } = event.target.elements;
  const stop = new AbortController();
  measured.value = { busy: true, stop };
  try {
    const options = { tokens: Number(tokens.value), position: Number(position.value), rounds: Number(rounds.value), signal: stop.signal };
    measured.value = { result: await engine.value.kinglet.profile(options) };
  } catch (error) {
    measured.value = { error };
  }
}

export function timings() {
  const { busy, stop, result, error } = measured.value;
  const { status, info } = engine.value;
  const field = (name, label, min, max) => html`<label class="field">${label} <input type="number" name=${name} min=${min} max=${max} required .defaultValue=${String(Math.min(DEFAULT[name], max))} /></label>`;
  return html`
    <p class="muted">Takes one token of an answer and a piece of a prompt apart. The conversation is read anew afterwards.</p>
    <form @submit=${run}>
      <div class="grid">
        ${field('tokens', 'Tokens of the prompt', 2, info?.context ?? 2)} ${field('position', 'Context before them', 0, (info?.context ?? 4) - 2)} ${field('rounds', 'Rounds', 1, 100)}
      </div>
      <div class="actions">
        <button ?disabled=${busy || status !== 'ready'}>Measure operations</button>
        <button type="button" ?disabled=${!busy} @click=${() => stop?.abort()}>Stop</button>
      </div>
    </form>
    <div role="status">${busy ? html`<p>Measuring…</p>` : nothing}</div>
    ${problem(error)}
    ${result ? html`${step('decode', 'One token of an answer', result.decode)}${step('prefill', `A piece of a prompt, ${result.prefill.tokens} tokens`, result.prefill)}` : nothing}
  `;
}

const ms = (value) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3));

function step(id, name, { position, method, step_ms, rows }) {
  const sum = rows.reduce((all, row) => all + row.ms, 0);
  return html`<h3 id=${`${id}-name`}>${name}</h3>
    <p class="muted">After ${position} tokens: ${ms(step_ms)} ms as a whole, ${ms(sum)} ms as the sum of its operations (${METHODS[method]}).</p>
    <div class="scroll" tabindex="0" role="region" aria-labelledby=${`${id}-name`}>
      <table class="rows" data-step=${id}>
        <thead><tr><th scope="col">Part</th><th scope="col">Operation</th><th scope="col">Calls</th><th scope="col">ms</th><th scope="col">Share</th><th scope="col">Weights read</th><th scope="col">Kernel</th></tr></thead>
        <tbody>
          ${rows.map(
            (row) => html`<tr>
              <td>${row.stage}</td><th scope="row">${row.op}</th><td>${row.calls}</td><td>${ms(row.ms)}</td><td>${percent(row.share)}</td>
              <td>${row.bytes === undefined ? '' : `${bytes(row.bytes)}, ${row.format}`}</td><td class="kernel">${row.kernel}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
