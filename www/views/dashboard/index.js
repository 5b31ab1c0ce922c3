// The dashboard: what was answered where and why, what it cost, and what is to be seen to.

import { guard, html, nothing } from '../../vendor/lit-html.js';
import { openLedger } from '../../pkg/dist/index.js';
import { confirmed } from '../../lib/dialog.js';
import { draw } from '../../lib/draw.js';
import { problem } from '../../lib/errors.js';
import { Observable } from '../../lib/observable.js';
import { saveFile } from '../../lib/save.js';
import { escalationSettings } from '../../escalation/config.js';
import { driftPanel, sources as driftSources } from '../../escalation/drift-panel.js';
import { leftPanel, refreshLeft, sources as leftSources } from '../../escalation/left-panel.js';
import { profilePanel, sources as profileSources } from '../../escalation/profile-panel.js';
import { queuePanel, refreshQueue, sources as queueSources } from '../../escalation/queue-panel.js';
import { engine } from '../../services/engine.js';
import { answersOf, days, latency, RANGES, reasons, standsStill } from './data.js';
import { budgetLine, numbers } from './numbers.js';
import { answersPlot, latencyPlot, moneyPlot, reasonsPlot } from './plots.js';

export const title = 'Dashboard';

const range = new Observable('month');
/** `{rows, summary, standing}` of the range; undefined until they were read. */
const account = new Observable(undefined);
const failed = new Observable(undefined);

/** The account that the model keeps; where there is none, the same one opened for once. */
async function withLedger(work) {
  const { kinglet, status } = engine.value;
  if (status === 'ready') return work(kinglet.ledger);
  const ledger = await openLedger();
  try {
    return await work(ledger);
  } finally {
    ledger.close();
  }
}

let latest = 0;

async function refresh() {
  const mine = ++latest;
  try {
    const since = RANGES[range.value].since(Date.now());
    const read = await withLedger(async (ledger) => ({
      rows: await ledger.rows({ since }),
      summary: await ledger.summary({ since }),
      standing: await ledger.standing(),
    }));
    if (mine !== latest) return;
    account.value = read;
    failed.value = undefined;
  } catch (error) {
    if (mine === latest && error.code !== 'not_loaded') failed.value = error;
  }
  void refreshQueue();
  void refreshLeft();
}

const section = (id, name, body) => html`<section id=${id} class="card" aria-labelledby=${`${id}-title`} tabindex="-1">
  <h2 id=${`${id}-title`}>${name}</h2>
  ${body}
</section>`;

const plots = ({ rows }, currency) =>
  guard([rows, currency], () => {
    const [byDay, why, times] = [days(rows), reasons(rows), latency(rows)];
    const money = byDay.some(({ spent, elsewhere }) => spent > 0 || elsewhere > 0);
    return html`<div class="plots">
      ${answersPlot(byDay)}${reasonsPlot(why)}
      ${times.length > 0 ? latencyPlot(times) : nothing}
      ${money ? moneyPlot(byDay, currency) : html`<p class="muted">What was spent is shown here once a bigger model with a price is set up.</p>`}
    </div>`;
  });

function overview() {
  if (failed.value) return problem(failed.value);
  if (account.value === undefined) return html`<p class="muted">Reading the account…</p>`;
  const { rows, summary, standing } = account.value;
  const currency = summary.currency ?? escalationSettings.value.currency;
  if (rows.length === 0) {
    return html`<p class="empty">Nothing was answered ${range.value === 'all' ? 'yet' : 'in this time'}. Each answer of the chat is counted here, without its text.</p>`;
  }
  return html`${budgetLine(standing, currency, standsStill(rows, standing))}${numbers(summary, currency)}${plots(account.value, currency)}
    <p class="muted">${answersOf(rows).length} answers, ${rows.length} rows of the account. Intervals say how much other days of the same kind would differ.</p>`;
}

const view = () => html`
  <h1>${title}</h1>
  <div class="toolbar">
    <label for="range">Time</label>
    <select id="range" @change=${(event) => (range.value = event.target.value)}>
      ${Object.entries(RANGES).map(([id, { name }]) => html`<option value=${id} ?selected=${range.value === id}>${name}</option>`)}
    </select>
    <button type="button" @click=${() => void refresh()}>Look again</button>
    <button type="button" @click=${() => void exported('csv')}>Export CSV</button>
    <button type="button" @click=${() => void exported('jsonl')}>Export JSON</button>
    <button type="button" class="danger" @click=${() => void clear()}>Clear…</button>
  </div>
  ${section('overview', 'Overview', overview())}
  ${section('drift', 'Drift', driftPanel())}
  ${section('profile', 'Your ratings, and a profile of them', profilePanel())}
  ${section('queue', 'Waiting for a connection', queuePanel())}
  ${section('left', 'What left this device', leftPanel())}
`;

async function exported(format) {
  try {
    const since = RANGES[range.value].since(Date.now());
    const text = await withLedger((ledger) => ledger.export(format, { since }));
    saveFile(`kinglet-account.${format}`, text, format === 'csv' ? 'text/csv' : 'application/x-ndjson');
  } catch (error) {
    failed.value = error;
  }
}

async function clear() {
  const body = html`<p>All rows go, of every time, and what was used of the budget is forgotten: it is whole again. Conversations stay.</p>`;
  if (!(await confirmed('Clear the account?', body, 'Clear'))) return;
  await withLedger((ledger) => ledger.clear()).catch((error) => (failed.value = error));
  await refresh();
}

/** `#/dashboard/left/ID`: a section, and in the log of what left an answer. */
export function show(element, [part, id] = []) {
  void refresh();
  const looks = () => document.hidden || void refresh();
  document.addEventListener('visibilitychange', looks);
  const ends = [range.subscribe(() => void refresh()), engine.subscribe(() => void refresh())];
  leftPanel.highlighted = id;
  const end = draw(element, view, [range, account, failed, engine, ...driftSources, ...profileSources, ...queueSources, ...leftSources]);
  const target = ['overview', 'drift', 'profile', 'queue', 'left'].includes(part) ? element.querySelector(`#${part}`) : null;
  target?.scrollIntoView();
  target?.focus({ preventScroll: true });
  return () => {
    document.removeEventListener('visibilitychange', looks);
    ends.forEach((stop) => stop());
    end();
  };
}
