// What runs here, and how: for those who build with it, or look for what is wrong.

import { html } from '../../vendor/lit-html.js';
import { draw } from '../../lib/draw.js';
import { toast } from '../../lib/toast.js';
import { engine } from '../../services/engine.js';
import { notices } from '../../services/notices.js';
import { engineRows, figureRows, table } from './facts.js';
import { adapter, askAdapter, adapterRows } from './gpu.js';
import { figures, readFigures } from './figures.js';
import { noticeLog } from './notices.js';
import { report } from './report.js';

export const title = 'Developer';

async function copy() {
  const text = JSON.stringify(await report(), null, 2);
  await navigator.clipboard.writeText(text).then(
    () => toast('The report is on the clipboard. It has no text of conversations.'),
    () => toast('The browser allowed no copying.'),
  );
}

const page = () => html`
  <h1>Developer</h1>
  <p class="muted">What runs on this device, measured here. <a href="bench.html">Compare with another engine</a>.</p>
  <div class="actions">
    <button type="button" @click=${readFigures}>Measure memory again</button>
    <button type="button" @click=${copy}>Copy report (JSON)</button>
  </div>
  <section class="card" aria-labelledby="dev-engine"><h2 id="dev-engine">Engine</h2>${table(engineRows(engine.value))}</section>
  <section class="card" aria-labelledby="dev-figures"><h2 id="dev-figures">Speed and memory</h2>${table(figureRows(figures.value))}</section>
  <section class="card" aria-labelledby="dev-gpu"><h2 id="dev-gpu">GPU adapter</h2>${table(adapterRows(adapter.value))}</section>
  <section class="card" aria-labelledby="dev-notices"><h2 id="dev-notices">Notices</h2>${noticeLog(notices.value)}</section>
`;

export function show(element) {
  void askAdapter();
  void readFigures();
  const ends = [engine.subscribe(() => void readFigures()), draw(element, page, [engine, adapter, figures, notices])];
  return () => ends.forEach((end) => end());
}
