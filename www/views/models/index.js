// The model manager: what runs, what is on its way, what is here, what there is to have; all of it said for this device.

import { html, nothing } from '../../vendor/lit-html.js';
import { draw } from '../../lib/draw.js';
import { catalogue, readCatalogue } from '../../services/catalogue.js';
import { device, measureDevice } from '../../services/device.js';
import { downloads } from '../../services/downloads.js';
import { engine } from '../../services/engine.js';
import { engineSettings } from '../../services/settings.js';
import { evicted, refresh, stored } from '../../services/stored.js';
import { verdicts } from '../../services/verdict.js';
import { catalogueSection, filters } from './catalogue.js';
import { acceptDrops, dropping } from './drop.js';
import { downloadsSection } from './queue.js';
import { mistake, ownModel } from './own.js';
import { present } from './present.js';
import { checks, storedSection } from './shelf.js';

export const title = 'Models';

export function show(element) {
  void readCatalogue();
  void measureDevice();
  void refresh();
  const template = () => html`<h1>${title}</h1>
    ${present()} ${downloadsSection()} ${storedSection()} ${catalogueSection()} ${ownModel()}
    ${dropping.value ? html`<p class="drop-here" role="status">Drop the model here: one GGUF file, or all its parts.</p>` : nothing}`;
  const sources = [catalogue, checks, device, downloads, dropping, engine, engineSettings, evicted, filters, mistake, stored, verdicts];
  const ends = [draw(element, template, sources), acceptDrops(element), engine.subscribe(({ status }) => status === 'ready' && void refresh())];
  return () => ends.forEach((end) => end());
}
