// What runs here, and how: for those who build with it, or look for what is wrong.

import { guard, html } from '../../vendor/lit-html.js';
import { calibrationSettings } from '../../escalation/config.js';
import { draw } from '../../lib/draw.js';
import { Observable } from '../../lib/observable.js';
import { toast } from '../../lib/toast.js';
import { conversations } from '../../services/conversations.js';
import { engine } from '../../services/engine.js';
import { notices } from '../../services/notices.js';
import { engineSettings } from '../../services/settings.js';
import { engineRows, figureRows, table } from './facts.js';
import { adapter, askAdapter, adapterRows } from './gpu.js';
import { figures, readFigures } from './figures.js';
import { noticeLog } from './notices.js';
import { report } from './report.js';
import { selfTest, tested } from './selftest.js';
import { measured, timings } from './timings.js';

export const title = 'Developer';

/** The module that draws the curve, where there is one to draw; undefined while it loads. */
const curve = new Observable(undefined);

function calibration() {
  const { profile } = calibrationSettings.value;
  if (!profile) return html`<p class="muted">No calibration is in use: the conservative rule decides. <a href="#/dashboard">Ratings become one.</a></p>`;
  if (!curve.value) {
    void import('./curve.js').then((module) => (curve.value = module));
    return html`<p class="muted">Drawing…</p>`;
  }
  return guard([profile], () => curve.value.deferralCurve(profile));
}

async function copy() {
  const text = JSON.stringify(await report(), null, 2);
  await navigator.clipboard.writeText(text).then(
    () => toast('The report is on the clipboard. It has no text of conversations.'),
    () => toast('The browser allowed no copying.'),
  );
}

const section = (id, name, body) => html`<section class="card" aria-labelledby=${`dev-${id}`}><h2 id=${`dev-${id}`}>${name}</h2>${body}</section>`;

const page = () => html`
  <h1>Developer</h1>
  <p class="muted">What runs on this device, measured here. <a href="bench.html">Compare with another engine</a>.</p>
  <div class="actions">
    <button type="button" @click=${readFigures}>Measure memory again</button>
    <button type="button" @click=${copy}>Copy report (JSON)</button>
  </div>
  ${section('engine', 'Engine', table(engineRows(engine.value, engineSettings.value)))}
  ${section('figures', 'Speed and memory', table(figureRows(figures.value)))}
  ${section('self-test', 'Self-test', selfTest())}
  ${section('timings', 'Operations', timings())}
  ${section('curve', 'Calibration', calibration())}
  ${section('gpu', 'GPU adapter', table(adapterRows(adapter.value)))}
  ${section('notices', 'Notices', noticeLog(notices.value))}
`;

const SOURCES = [engine, adapter, figures, notices, tested, measured, curve, calibrationSettings, conversations];

/** What was measured of another model says nothing of this one. */
let of;
function forget({ kinglet }) {
  if (kinglet === of) return;
  of = kinglet;
  measured.value.stop?.abort();
  [tested.value, measured.value] = [{}, {}];
}

export function show(element) {
  forget(engine.value);
  void askAdapter();
  void readFigures();
  const changed = (now) => {
    forget(now);
    if (now.status !== 'loading') void readFigures();
  };
  const ends = [engine.subscribe(changed), conversations.subscribe(() => void readFigures()), draw(element, page, SOURCES)];
  return () => ends.forEach((end) => end());
}
