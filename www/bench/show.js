// Results for people.

import { bytes, duration } from '../lib/format.js';
import { html, nothing } from '../vendor/lit-html.js';

const figure = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits) : '–');
const middle = (of, digits) => (of ? `${figure(of.median, digits)} (${figure(of.min, digits)} to ${figure(of.max, digits)})` : '–');

const METRICS = [
  ['decode_tokens_per_s', 'Answer, tokens/s', 'more'],
  ['prefill_tokens_per_s', 'Prompt, tokens/s', 'more'],
  ['first_token_ms', 'First token, ms', 'less'],
];

/** In a sentence; says less where less is known. */
function verdict({ ratio, ratio_interval_95: interval }, better) {
  if (!ratio) return nothing;
  const times = `kinglet ÷ wllama: ${figure(ratio.median, 2)}`;
  if (!interval) return `${times} (too few rounds to say how sure that is: six are needed)`;
  const [low, high] = interval;
  const sure = low > 1 || high < 1;
  const ahead = low > 1 === (better === 'more') ? 'kinglet' : 'wllama';
  return `${times}, 95 %: ${figure(low, 2)} to ${figure(high, 2)}. ${sure ? `${ahead} is faster here.` : 'No difference that these rounds could show.'}`;
}

function caseTable({ prompt_tokens, rounds, same_text, ...all }, peer) {
  return html`<section class="card">
    <h3>After a prompt of ${prompt_tokens} tokens, ${rounds.length} rounds</h3>
    <div class="scroll">
      <table>
        <thead><tr><th scope="col">Median (least to most)</th><th scope="col">kinglet</th>${peer ? html`<th scope="col">wllama</th><th scope="col">Within a round</th>` : nothing}</tr></thead>
        <tbody>
          ${METRICS.map(
            ([key, name, better]) => html`<tr data-metric=${key}>
              <th scope="row">${name}<br /><span class="muted">${better} is better</span></th>
              <td>${middle(all[key].kinglet)}</td>
              ${peer ? html`<td>${middle(all[key].wllama)}</td><td>${verdict(all[key], better)}</td>` : nothing}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${same_text ? html`<p class="muted">Both wrote the same text in ${same_text.same} of ${same_text.rounds} rounds.</p>` : nothing}
  </section>`;
}

function compared({ prompts, tokens, compared, mean, max, differences, problem }) {
  return html`<section class="card">
    <h3>Do both compute the same?</h3>
    ${problem
      ? html`<p class="problem" role="alert">No: ${problem}. Nothing was timed, because the time of a wrong answer says nothing.</p>`
      : html`<p>Yes: ${compared} log-probabilities differ by ${figure(mean, 3)} on average and ${figure(max, 3)} at most.</p>`}
    <p class="muted">Greedy answers to ${prompts} prompts, the same for ${tokens} tokens${differences.length === 0 ? '.' : ', until:'}</p>
    ${differences.length === 0
      ? nothing
      : html`<ul>
          ${differences.map(({ prompt, place, ours, theirs, gap }) => html`<li>prompt ${prompt + 1}, token ${place + 1}: kinglet ${JSON.stringify(ours)}, wllama ${JSON.stringify(theirs)}${gap === null ? '' : `, ${figure(gap, 3)} apart`}</li>`)}
        </ul>`}
  </section>`;
}

export function results({ cases, load_ms, memory, validation, info, file, stopped, peer }) {
  const other = peer === 'wllama';
  return html`
    <h2>Results</h2>
    ${stopped ? html`<p class="hint">Stopped: this is what was measured until then.</p>` : nothing}
    ${validation ? compared(validation) : nothing}
    ${cases.filter(({ rounds }) => rounds.length > 0).map((measured) => caseTable(measured, other))}
    <section class="card">
      <h3>Loading and memory</h3>
      <p>${file.name}, ${bytes(file.bytes)}. Loaded once, from this browser's memory or disk:
        ${Object.entries(load_ms).map(([name, ms], i) => html`${i > 0 ? ', ' : ''}${name} in ${duration(ms)}`)}.
        ${memory.kinglet ? html`kinglet holds ${bytes(memory.kinglet.wasm_memory)} of Wasm memory and ${bytes(memory.kinglet.gpu_bytes)} on the GPU; wllama does not say.` : nothing}</p>
      <p class="muted">kinglet: ${info.kinglet?.backend} (${info.kinglet?.adapter}), ${info.kinglet?.threads} thread(s)${other && info.wllama ? html`; wllama: ${info.wllama.threads} thread(s)` : nothing}</p>
    </section>
  `;
}
