// What there is to have, each with what it is good for, what it costs in bytes, under which licence, and whether this device can run it.

import { html, nothing, repeat } from '../../vendor/lit-html.js';
import { addressOf, choiceOfEntry } from '../../lib/choice.js';
import { confirmed } from '../../lib/dialog.js';
import { bytes } from '../../lib/format.js';
import { Observable } from '../../lib/observable.js';
import { estimate, inWords } from '../../lib/verdicts.js';
import { catalogue, readCatalogue } from '../../services/catalogue.js';
import { device } from '../../services/device.js';
import { downloads, enqueue } from '../../services/downloads.js';
import { engine } from '../../services/engine.js';
import { memoryOf } from '../../services/memory.js';
import { engineSettings } from '../../services/settings.js';
import { stored } from '../../services/stored.js';
import { ask, verdicts } from '../../services/verdict.js';
import { use } from './own.js';
import { line, verdict } from './verdict.js';

/** What is shown of the list. */
export const filters = new Observable({ words: '', running: false });

const millions = (count) => (count >= 1e9 ? `${(count / 1e9).toFixed(1)} billion` : `${Math.round(count / 1e6)} million`);

/** Looks before it fetches: what cannot run is not downloaded, what does not fit only if the user wants it all the same. */
async function download(entry) {
  const choice = choiceOfEntry(entry);
  const found = await ask(choice);
  const size = { total: found.download?.needed ?? entry.bytes ?? 0 };
  if (found.status === 'failed' || found.status === 'unsupported') return;
  if (found.status === 'available') return use(choice);
  const body = html`<p>${inWords(found).text}</p><p>It can be downloaded for later, for example for a smaller context.</p>`;
  const room = found.code !== 'quota_exceeded';
  if (found.status === 'downloadable' || (room && (await confirmed('Download all the same?', body, 'Download', { danger: false })))) enqueue(choice, size);
}

function facts(entry) {
  const { licence, parameters, format, context, languages, unverified = [], sha256, note, repo, file, url } = entry;
  const tokens = Math.min(4096, context ?? 4096);
  const unsure = (name) => (unverified.includes(name) ? html` <em>(not verified)</em>` : nothing);
  const rows = [
    ['Parameters', `${millions(parameters)}, ${format}`],
    ['Memory', memoryOf(entry, tokens) ? `${bytes(memoryOf(entry, tokens))} with ${tokens} tokens` : 'not known'],
    ['Trained context', html`${context ? `${context} tokens` : 'see the header'}${unsure('context')}`],
    ['Languages', languages.join(', ')],
    ['Licence', html`<a href=${licence.url} rel="noreferrer external" target="_blank">${licence.name}</a>${licence.remark ? html`: ${licence.remark}` : nothing}`],
    ['File', html`<bdi class="address">${url ?? `hf:${repo}/${file}`}</bdi>${unsure('bytes')}`],
    ['SHA-256', html`${sha256 ? html`<code class="address">${sha256}</code>` : 'not known'}${unsure('sha256')}`],
    ['Source of these facts', note ?? 'not said'],
  ];
  return html`<details>
    <summary>Details</summary>
    <dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </details>`;
}

function actions(entry, choice, best) {
  const address = addressOf(choice.id);
  const here = stored.value.models?.find((model) => model.address === address);
  const coming = downloads.value.some(({ id }) => id === choice.id);
  const active = engine.value.status === 'ready' && engine.value.model.id === choice.id;
  if (active) return html`<p class="muted">In use.</p>`;
  if (coming) return html`<p class="muted">See Downloads.</p>`;
  // The names of buttons begin with what is seen of them, for those who speak to the page.
  const button = (label, run, classes) => html`<button type="button" class=${classes} @click=${run}>${label}<span class="visually-hidden"> ${entry.name}</span></button>`;
  if (here?.complete) return button('Use', () => use(choice), 'primary');
  const size = entry.bytes ? ` ${bytes(entry.bytes)}` : '';
  return html`${button(`Download${size}`, () => download(entry), best ? 'primary' : '')} ${button('Ask the file', () => ask(choice), 'plain')}`;
}

function card(entry) {
  const choice = choiceOfEntry(entry);
  const exact = verdicts.value[choice.id];
  const rough = guess(entry);
  return html`<li class="card entry" data-id=${entry.id}>
    <h3><bdi>${entry.name}</bdi>${entry.tags.includes('recommended') ? html` <span class="chip">A good start</span>` : nothing}</h3>
    <p class="muted">${entry.maker} · ${entry.bytes ? bytes(entry.bytes) : entry.estimated_bytes ? `about ${bytes(entry.estimated_bytes)}` : 'size not known'} · ${entry.licence.name}${entry.licence.commercial ? '' : ' · not for commercial use'}</p>
    <p>${entry.good_for}</p>
    ${exact ? verdict(exact) : line(rough, 'estimate')} ${facts(entry)}
    <div class="actions">${actions(entry, choice, rough.level === 'good' && entry.tags.includes('recommended'))}</div>
  </li>`;
}

const guess = (entry) => estimate(entry, device.value, engineSettings.value);

function matches({ name, maker, good_for, languages, licence, format }) {
  const text = [name, maker, good_for, licence.name, format, ...languages].join(' ').toLowerCase();
  return filters.value.words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function aboutDevice() {
  const { gpu, memory, memoryAtLeast } = device.value ?? {};
  if (device.value === undefined) return 'Looking at this device…';
  const graphics = gpu ? `GPU: ${gpu.name}${gpu.software ? ' (emulated, so the processor is used)' : ''}` : 'no GPU for pages: the processor is used';
  return `This device: ${graphics}; memory: ${memory === undefined ? 'the browser does not tell' : `${memoryAtLeast ? 'at least' : 'about'} ${memory / 2 ** 30} GiB`}. What it can run is estimated from the numbers below; “Ask the file” reads its header and measures.`;
}

export function catalogueSection() {
  const { entries, error } = catalogue.value;
  const shown = (entries ?? []).filter((entry) => matches(entry) && (!filters.value.running || ['good', 'tight'].includes(guess(entry).level)));
  return html`<section aria-labelledby="catalogue">
    <h2 id="catalogue">Catalogue</h2>
    <p class="muted">${aboutDevice()}</p>
    ${error
      ? html`<div class="problem" role="alert"><p>The catalogue could not be read: ${error.message}. An address or a file of your own works all the same.</p>
          <div class="actions"><button type="button" @click=${readCatalogue}>Try again</button></div></div>`
      : html`<div class="filters">
          <label for="words">Search</label>
          <input id="words" type="search" .value=${filters.value.words} @input=${(event) => filters.patch({ words: event.target.value })} />
          <label class="check-box"><input type="checkbox" .checked=${filters.value.running} @change=${(event) => filters.patch({ running: event.target.checked })} /> Only what should run here</label>
        </div>`}
    ${entries && shown.length === 0 ? html`<p role="status">Nothing in the catalogue is like that.</p>` : nothing}
    <ul class="plain-list grid entries">${repeat(shown, ({ id }) => id, card)}</ul>
  </section>`;
}
