// <kinglet-documents-switch>: whether the chat asks the documents. An element, so that it is right wherever it is drawn.

import { html, nothing } from '../vendor/lit-html.js';
import { draw } from '../lib/draw.js';
import { href } from '../services/route.js';
import { documentSettings } from './finder.js';
import { library, ready } from './library.js';

class DocumentsSwitch extends HTMLElement {
  #end;

  connectedCallback() {
    void ready();
    this.#end = draw(this, template, [library, documentSettings]);
  }

  disconnectedCallback() {
    this.#end?.();
  }
}

function template() {
  const { documents, ready: known } = library.value;
  if (!known) return nothing;
  if (documents.length === 0) return html`<a href=${href('documents')}>Add documents</a>`;
  return html`<label class="switch"
    ><input type="checkbox" .checked=${documentSettings.value.on} @change=${({ target }) => documentSettings.patch({ on: target.checked })} /> Ask my documents (${documents.length})</label
  >`;
}

customElements.define('kinglet-documents-switch', DocumentsSwitch);
