// From ratings to a profile: how many there are, what they prove, and whether it is used.

import { html, nothing } from '../vendor/lit-html.js';
import { confirmed } from '../lib/dialog.js';
import { Observable } from '../lib/observable.js';
import { toast } from '../lib/toast.js';
import { engine } from '../services/engine.js';
import { applied } from './apply.js';
import { calibrationSettings } from './config.js';
import { saveFile } from '../lib/save.js';
import { lookUp, progress, TASK } from './thumbs.js';

/** The promise that is tried for: of the kept answers at most this share is wrong. */
const RISKS = [0.05, 0.1, 0.2];

/** `{busy}`, `{profile, findings, target}`, or `{error}` of the latest attempt. */
const made = new Observable({});
const plots = new Observable(undefined);

export const sources = [progress, made, plots, calibrationSettings];

export function profilePanel() {
  const now = progress.value;
  const { profile, target } = calibrationSettings.value;
  return html`
    ${now === undefined
      ? html`<p class="muted">Load a model, and say of its answers whether they were right: the buttons below each.</p>`
      : html`<p id="ratings"><strong>${now.labelled} of ${now.enough}</strong> ratings; ${now.wrong} of them say that the answer was wrong.</p>
          <progress aria-labelledby="ratings" max=${now.enough} value=${Math.min(now.labelled, now.enough)}></progress>
          <p class="muted">Kept is what the model showed of its own doubt, and your word: no text. With some ${now.enough} of them it can be computed, on this device, from which doubt on a bigger model should be asked.</p>
          ${actions(now)}`}
    ${result()}
    ${profile
      ? html`<p class="in-use">In use: a profile of ${profile.n} ratings, made ${profile.created}: of the answers that are kept at most ${share(target.risk)} are wrong, for questions like those that were rated.</p>
          <div class="actions">
            <button type="button" @click=${() => save(profile)}>Export the profile</button>
            <button type="button" class="danger" @click=${() => use(null, null, 'The profile is not used any more.')}>Stop using it</button>
          </div>`
      : nothing}`;
}

const share = (value) => `${Math.round(value * 1000) / 10} %`;

const actions = (now) => html`<form class="actions" @submit=${(event) => (event.preventDefault(), void calibrate(Number(event.target.elements.risk.value), false))}>
  <label for="risk">Wrong at most</label>
  <select id="risk" name="risk">${RISKS.map((risk) => html`<option value=${risk}>${share(risk)}</option>`)}</select>
  <button class=${now.labelled >= now.enough ? 'primary' : ''} ?disabled=${now.labelled < now.enough || made.value.busy}>Compute a profile</button>
  <button type="button" ?disabled=${now.labelled === 0} @click=${exported}>Export the ratings</button>
  <button type="button" class="danger" ?disabled=${now.labelled === 0} @click=${clear}>Throw the ratings away…</button>
</form>`;

function result() {
  const { busy, profile, findings = [], target, error, despiteLint } = made.value;
  if (busy) return html`<p role="status">Computing…</p>`;
  if (error?.code === 'cannot_certify') {
    const { needed } = error.detail;
    return html`<div class="hint" role="status">
      <p><strong>These ratings cannot bear that promise.</strong> ${needed ? `It would take about ${needed} ratings like these.` : 'More ratings like these would not help: too many answers are wrong, or doubt does not tell them apart.'}</p>
      <p class="muted">${error.message}</p>
    </div>`;
  }
  if (error?.code === 'invalid_request' && despiteLint) {
    return html`<p class="hint" role="status"><strong>These ratings do not suffice yet.</strong> ${error.message}. Rate more answers, right and wrong ones.</p>`;
  }
  if (error?.code === 'invalid_request') {
    return html`<div class="hint" role="status">
      <p><strong>Something about these ratings makes the promise doubtful.</strong> ${error.message}</p>
      <p>Ratings that are given only now and then are one-sided: people rate what strikes them. If you have rated every answer, or a fair sample, it holds all the same.</p>
      <div class="actions"><button type="button" @click=${() => calibrate(target.risk, true)}>Compute it all the same</button></div>
    </div>`;
  }
  if (error) return html`<p class="problem" role="alert">${error.message}</p>`;
  if (!profile) return nothing;
  return html`<div class="result" role="status">
    <p><strong>Certified.</strong> With ${share(0.9)} confidence at most ${share(target.risk)} of the kept answers are wrong, for questions like those that were rated (${profile.n}, of them ${profile.positives} wrong).</p>
    ${findings.map(({ severity, message }) => html`<p class="muted">${severity === 'stop' ? 'Against it: ' : 'Note: '}${message}</p>`)}
    ${profile.threshold.below === 0 ? html`<p class="hint">By it every question asks a bigger model.</p>` : nothing}
    ${plots.value?.curvePlot({ knots: profile.scorer.isotonic, threshold: profile.threshold.below, scale: profile.scorer.scale }) ?? nothing}
    <div class="actions">
      <button type="button" class="primary" @click=${() => use(profile, target, 'The profile decides from now on.')}>Use it</button>
      <button type="button" @click=${() => save(profile)}>Export it</button>
      <button type="button" @click=${() => (made.value = {})}>Throw it away</button>
    </div>
  </div>`;
}

async function calibrate(risk, despiteLint) {
  const target = { risk };
  made.value = { busy: true };
  try {
    plots.value ??= await import('../views/dashboard/plots.js');
    const collected = await engine.value.kinglet.collected();
    made.value = { ...(await collected.calibrate({ task: TASK, target, despiteLint })), target };
  } catch (error) {
    made.value = { error, target, despiteLint };
  }
}

function use(profile, target, said) {
  calibrationSettings.value = { profile, target };
  made.value = {};
  toast(said);
  void applied();
}

const save = (profile) => saveFile('kinglet-profile.json', `${JSON.stringify(profile, null, 2)}\n`, 'application/json');

async function exported() {
  const collected = await engine.value.kinglet.collected();
  saveFile('kinglet-ratings.jsonl', await collected.export(), 'application/x-ndjson');
}

async function clear() {
  if (!(await confirmed('Throw all ratings away?', html`<p>They cannot be brought back. A profile that is in use stays.</p>`, 'Throw away'))) return;
  const collected = await engine.value.kinglet.collected();
  await collected.clear();
  made.value = {};
  await lookUp();
}
