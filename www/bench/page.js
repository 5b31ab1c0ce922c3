// The benchmark's page: one file, two engines, this device.

import { draw } from '../lib/draw.js';
import { bytes } from '../lib/format.js';
import { Observable } from '../lib/observable.js';
import { html, nothing } from '../vendor/lit-html.js';
import { kinglet, peerVersion, wllama } from './engines.js';
import { described, fetched } from './file.js';
import { report } from './report.js';
import { run } from './run.js';
import { results } from './show.js';

const state = new Observable({ running: false, step: '', share: undefined, made: undefined, error: undefined, copied: false, peer: undefined });
let stop; // AbortController of what runs

const number = (form, name) => Number(form.elements[name].value);

/** What the form says. */
function settingsOf(form) {
  const long = number(form, 'long');
  const generate = number(form, 'generate');
  return {
    gpu: form.elements.place.value === 'gpu',
    threads: form.elements.threads.value === '' ? 'auto' : number(form, 'threads'),
    prompts: [number(form, 'short'), ...(long > 0 ? [long] : [])],
    generate,
    rounds: number(form, 'rounds'),
    seed: number(form, 'seed'),
    // Room for the prompt, which may be a few tokens longer, and the answer.
    context: Math.ceil((Math.max(long, number(form, 'short')) + generate + 64) / 64) * 64,
  };
}

async function start(event) {
  event.preventDefault();
  const form = event.target;
  const settings = settingsOf(form);
  const [chosen] = form.elements.file.files;
  const url = form.elements.url.value.trim();
  stop = new AbortController();
  const { signal } = stop;
  state.patch({ running: true, made: undefined, error: undefined, copied: false, step: 'Reading the file', share: undefined });
  const engines = [kinglet(), ...(state.value.peer?.version && form.elements.compare.checked ? [wllama()] : [])];
  const { peer } = state.value;
  const used = engines.length > 1 ? peer : { why: peer?.version ? 'not wanted' : peer?.why };
  try {
    const told = (loaded, total) => state.patch({ step: `Fetching the file: ${bytes(loaded)}`, share: total ? loaded / total : undefined });
    const file = chosen ?? (await fetched(url, { say: told, signal }));
    const what = await described(file);
    const made = await run(engines, file, settings, { say, signal });
    state.patch({ step: 'Writing the report', share: undefined });
    state.patch({ made: await report({ made, file: what, settings, peer: used }) });
  } catch (error) {
    if (error !== signal.reason && error.name !== 'AbortError') state.patch({ error });
  } finally {
    for (const engine of engines) await engine.dispose().catch(() => undefined);
    state.patch({ running: false });
  }
}

function say({ phase, done, of, engine, prompt_tokens }) {
  const steps = {
    load: () => `Loading ${engine}`,
    validate: () => 'Comparing what both compute',
    time: () => `Prompts of ${prompt_tokens} tokens: round ${done + 1} of ${of}, ${engine}`,
  };
  state.patch({ step: steps[phase](), share: done / of });
}

async function copy() {
  await navigator.clipboard.writeText(JSON.stringify(state.value.made, null, 2)).then(() => state.patch({ copied: true }), () => undefined);
}

const field = (name, label, value, { min = 1, max = 100_000, empty = false } = {}) => html`<label class="field">${label}
  <input type="number" name=${name} min=${min} max=${max} .defaultValue=${String(value)} ?required=${!empty} /></label>`;

const page = () => {
  const { running, step, share, made, error, copied, peer } = state.value;
  return html`
    <p><a href="./#/developer">kinglet</a></p>
    <h1>Benchmark on this device</h1>
    <p>One GGUF file, run here by kinglet${peer?.version ? html` and by wllama ${peer.version} (llama.cpp in Wasm)` : nothing}, turn by turn. What they compute is compared first. Nothing is sent anywhere.</p>
    ${peer?.why ? html`<p class="hint" id="alone">${peer.why}: kinglet runs alone.</p>` : nothing}
    ${globalThis.crossOriginIsolated ? nothing : html`<p class="hint">This page is not cross-origin isolated: engines have one thread, or slower ones.</p>`}
    <form @submit=${start}>
      <fieldset ?disabled=${running}>
        <legend>What</legend>
        <div class="grid">
          <label class="field wide">Address of a GGUF file <input name="url" .defaultValue=${'models/desk.gguf'} /></label>
          <label class="field wide">or a file of this device <input type="file" name="file" accept=".gguf" /></label>
          <label class="field">Runs on <select name="place"><option value="cpu">Processor</option><option value="gpu">GPU</option></select></label>
          ${field('threads', 'Threads of each (empty: its own choice)', '', { empty: true, max: 64 })}
          ${field('rounds', 'Rounds', 7, { max: 99 })}
          ${field('generate', 'Tokens of an answer', 32, { min: 4, max: 512 })}
          ${field('short', 'Tokens of the short prompt', 16, { min: 4 })}
          ${field('long', 'Tokens of the long prompt (0: none)', 256, { min: 0 })}
          ${field('seed', 'Seed', 1, { min: 0 })}
          ${peer?.version ? html`<label class="check"><input type="checkbox" name="compare" checked /> Compare with wllama</label>` : nothing}
        </div>
      </fieldset>
      <div class="actions">
        <button class="primary" ?disabled=${running || peer === undefined}>Start</button>
        <button type="button" ?disabled=${!running} @click=${() => stop?.abort()}>Stop</button>
        <button type="button" ?disabled=${!made} @click=${copy}>${copied ? 'Copied' : 'Copy results (JSON)'}</button>
      </div>
    </form>
    <div role="status" id="progress">${running ? html`<p>${step}</p><progress aria-label="Progress" max="1" .value=${share ?? 0}></progress>` : nothing}</div>
    ${error ? html`<p class="problem" role="alert">${error.message}</p>` : nothing}
    ${made ? html`<div id="results">${results(made)}<details><summary>All figures (JSON)</summary><pre id="json" tabindex="0">${JSON.stringify(made, null, 2)}</pre></details></div>` : nothing}
  `;
};

draw(document.querySelector('#bench'), page, [state]);
const version = await peerVersion();
state.patch({ peer: version ? { version } : { why: 'This site does not include the other engine' } });
document.body.dataset.ready = 'true';
