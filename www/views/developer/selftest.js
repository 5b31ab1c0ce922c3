// Does the engine compute what it should? Compared with plain twins of its operations, when it is asked for.

import { html, nothing } from '../../vendor/lit-html.js';
import { duration } from '../../lib/format.js';
import { problem } from '../../lib/errors.js';
import { Observable } from '../../lib/observable.js';
import { engine } from '../../services/engine.js';

/** `{busy}`, `{result}` or `{error}` of the latest run. */
export const tested = new Observable({});

async function run() {
  tested.value = { busy: true };
  try {
    tested.value = { result: await engine.value.kinglet.selfTest() };
  } catch (error) {
    tested.value = { error };
  }
}

export function selfTest() {
  const { busy, result, error } = tested.value;
  return html`
    <p class="muted">A GPU was compared with plain twins of its operations when the model was loaded. This does it again, and tries the SIMD of the Wasm build everywhere.</p>
    <div class="actions"><button type="button" @click=${run} ?disabled=${busy || engine.value.status !== 'ready'}>Run the self-test</button></div>
    <div role="status" id="self-test">
      ${busy ? html`<p>Comparing…</p>` : nothing}
      ${result?.ok ? html`<p><strong>As it should be:</strong> ${result.tried.length} ${result.tried.length === 1 ? 'comparison agrees' : 'comparisons agree'}, in ${duration(result.ms)}.</p><details><summary>Which</summary><ul>${result.tried.map((name) => html`<li>${name}</li>`)}</ul></details>` : nothing}
      ${result && !result.ok ? html`<p class="problem"><strong>Wrong:</strong> ${result.wrong.op} gives ${result.wrong.got}, expected ${result.wrong.expected}. Answers cannot be trusted here; load the model on the other backend.</p>` : nothing}
    </div>
    ${problem(error)}
  `;
}
