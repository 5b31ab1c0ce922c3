// Below an answer: where it came from and why, in one sentence; the rest on demand. Beside it: ask a bigger model, say whether it was right.

import { html, nothing } from '../vendor/lit-html.js';
import { duration, money } from '../lib/format.js';
import { engine } from '../services/engine.js';
import { href } from '../services/route.js';
import { bigger } from './bigger.js';
import { escalationSettings, keysKept, lacksKey } from './config.js';
import { ASKS, KEPT, NOTES, sentence, STATES, told, WARNINGS } from './reasons.js';
import { thumbs, verdicts } from './thumbs.js';

/** What is shown of answers changes with these. */
export const sources = [escalationSettings, keysKept, verdicts];

/** What is shown of one, beside what the conversation keeps of it. */
export const shown = ({ answer }) => `${verdicts.value.get(answer?.id)} ${escalationSettings.value.remotes.map(lacksKey)} ${escalationSettings.value.currency} ${escalationSettings.value.mode}`;

/** In the currency that it was paid in; of an answer that does not say which in that of the settings. */
const costOf = ({ currency }) => {
  const known = /^[A-Z]{3}$/.test(currency ?? '') ? currency : escalationSettings.value.currency;
  return (micros) => money(micros, known);
};

/** One line below an answer: `message` as the conversation keeps it. */
export function provenance({ role, answer }) {
  if (role !== 'assistant' || !answer || (!answer.decision && !answer.source)) return nothing;
  const { decision, warnings = [] } = answer;
  return html`<div class="provenance" data-source=${answer.source ?? 'local'} data-reason=${decision?.reason ?? ''}>
    <details>
      <summary><span class="mark" aria-hidden="true">${answer.source === 'remote' ? '↗' : '●'}</span> ${sentence(answer, costOf(answer))}</summary>
      ${facts(answer)}
    </details>
    ${warnings.filter(({ code }, i) => warnings.findIndex((other) => other.code === code) === i).map(({ code, message }) => html`<p class="warning" title=${message}>${told(WARNINGS, code)}</p>`)}
    ${hint(answer)}
  </div>`;
}

/** What can be done where a bigger model could not be asked. */
function hint({ decision, source }) {
  const { remotes, mode } = escalationSettings.value;
  // Who wants bigger models alone gets this device's answers after a reload: he is told, whatever was decided by.
  const instead = mode.endsWith('-remote') && source !== 'remote' && remotes.length > 0 && remotes.every(lacksKey);
  if (instead) return html`<p class="warning">This device has answered, though you have chosen bigger models: a key is not kept over a reload. <a href=${href('settings')}>Enter it again</a>.</p>`;
  if (decision?.reason === 'budget_exhausted') return html`<p class="warning">Nothing more is spent until it is renewed or <a href=${href('settings')}>raised</a>. Answers come from this device.</p>`;
  if (decision?.reason !== 'no_remote') return nothing;
  return remotes.some(lacksKey)
    ? html`<p class="muted">The key is not kept over a reload: <a href=${href('settings')}>enter it again</a>.</p>`
    : remotes.length === 0
      ? html`<p class="muted">You can <a href=${href('settings')}>set one up</a>.</p>`
      : nothing;
}

/** Everything else that is known of it. */
function facts(answer) {
  const { id, source, decision = {}, provenance: whose, escalation, timings, usage } = answer;
  const { reason, asked, score, calibrated, p_error, notes = [] } = decision;
  const trace = traceOf(id);
  const rows = [
    ['Decision', html`${reason ? html`<code>${reason}</code>` : 'none'}${asked && asked !== reason ? html`; asked for by <code>${asked}</code>` : nothing}`],
    ['Decided by', calibrated ? 'a calibration made of rated answers' : 'the rule for the first days, without a calibration'],
    score && ['Doubt', `${score.name} ${digits(score.value)}${score.threshold === null ? '' : `, asked from ${digits(score.threshold)} on`}`],
    p_error !== null && p_error !== undefined && ['Likely wrong', `${Math.round(p_error * 100)} %`],
    notes.length > 0 && ['Notes', notes.map((note) => html`<p>${told(NOTES, note)}</p>`)],
    trace?.gates.length > 0 && ['Forbidden by', list(trace.gates)],
    trace?.asks.length > 0 && ['Asked for by', list(trace.asks)],
    ['Signals here', signalsOf(answer.signals ?? trace?.inputs.answer?.signals)],
    escalation && ['Bigger model', told(STATES, escalation)],
    whose && ['Says it is', `${whose.model} (${whose.provider})`],
    typeof answer.cost === 'number' && ['Cost', answer.cost === 0 ? 'nothing' : costOf(answer)(answer.cost)],
    timings && ['Time', `${duration(timings.prefill_ms)} to the first words, ${duration(timings.prefill_ms + timings.decode_ms)} in all`],
    usage?.completion_tokens > 0 && ['Tokens', `${usage.prompt_tokens} read, ${usage.completion_tokens} written`],
    (source === 'remote' || escalation === 'failed') && ['What left', html`<a href=${href('dashboard', 'left', id ?? '')}>See the log</a>`],
  ].filter((row) => row && row[1] !== nothing);
  return html`<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** The whole record, where the engine still has it. */
function traceOf(id) {
  try {
    return engine.value.kinglet?.trace(id);
  } catch {
    return undefined; // of an older load, or too long ago
  }
}

const list = (gates) => html`<ul>${gates.map(({ reason, value, bound }) => html`<li><code>${reason}</code> ${meaning(reason)}${typeof value === 'number' && typeof bound === 'number' ? ` (${digits(value)}, bound ${digits(bound)})` : ''}</li>`)}</ul>`;

const meaning = (reason) => (ASKS[reason] ?? KEPT[reason]?.replace(/^.*?: /, '') ?? '');

const digits = (value) => String(Number(value.toPrecision(3)));

function signalsOf(signals) {
  const measured = Object.entries(signals ?? {}).filter(([, value]) => value !== null && value !== undefined && typeof value !== 'object');
  if (measured.length === 0) return nothing;
  return html`<ul class="signals">${measured.map(([name, value]) => html`<li><code>${name}</code> ${typeof value === 'number' ? digits(value) : String(value)}</li>`)}</ul>`;
}

/** Buttons beside copy and regenerate; `replaceWith(run)` lets another answer take the message's place. */
export function answerActions(message, { replaceWith }) {
  const { role, answer, status } = message;
  if (role !== 'assistant' || !answer?.id || status === 'running') return nothing;
  return html`${thumbs(message)}${bigger(message, replaceWith)}`;
}
