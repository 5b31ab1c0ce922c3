// The model manager.

import { html } from '../../vendor/lit-html.js';
import { draw } from '../../lib/draw.js';
import { engine } from '../../services/engine.js';
import { engineSettings } from '../../services/settings.js';
import { mistake, ownModel, present } from './own.js';

export const title = 'Models';

export function show(element) {
  return draw(element, () => html`<h1>${title}</h1>${present()} ${ownModel()}`, [engine, engineSettings, mistake]);
}
