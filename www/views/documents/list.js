// The list: what each document is, whether it can be found, and what may be done with it.

import { html, nothing, repeat } from '../../vendor/lit-html.js';
import { confirmed } from '../../lib/dialog.js';
import { bytes, when } from '../../lib/format.js';
import { toast } from '../../lib/toast.js';
import { documentSettings, wantedIndex } from '../../documents/finder.js';
import { label, library, remove } from '../../documents/library.js';
import { openPassage } from '../../documents/open.js';
import { engine } from '../../services/engine.js';

const KINDS = { pdf: 'PDF', html: 'HTML', markdown: 'Markdown', text: 'Text' };
const CONSENT = { ask: 'only after asking me', never: 'never', free: 'without asking' };

export function list() {
  const { documents, ready } = library.value;
  if (!ready) return html`<p class="muted" role="status">Reading the list…</p>`;
  if (documents.length === 0) return html`<p class="muted">There are no documents yet.</p>`;
  return html`<section aria-labelledby="list-title" class="library">
    <div class="head">
      <h2 id="list-title">${documents.length === 1 ? 'One document' : `${documents.length} documents`}</h2>
      <button type="button" class="danger" @click=${removeAll}>Remove all</button>
    </div>
    <ul class="documents">${repeat(documents.toReversed(), ({ id }) => id, item)}</ul>
    ${meaning()}
  </section>`;
}

function item(document) {
  const { id, name, title, type, size, pages, lost, passages, added, consent, redact } = document;
  const facts = [KINDS[type], bytes(size), pages ? `${pages} ${pages === 1 ? 'page' : 'pages'}` : '', `added ${when(added)}`];
  return html`<li class="card" data-document=${id}>
    <h3><button type="button" class="link" @click=${() => openPassage({ document: id, name })}><bdi>${name}</bdi></button></h3>
    ${title && title !== name ? html`<p class="muted" dir="auto">${title}</p>` : nothing}
    <p class="muted">${facts.filter(Boolean).join(' · ')}</p>
    <p class="state">${state(document, passages)}</p>
    ${lost ? html`<p class="hint">${lost} of its pages could not be read.</p>` : nothing}
    <div class="labels">
      <label class="field"
        >Passages may leave this device
        <select name="consent" .value=${consent} @change=${({ target }) => void change(id, { consent: target.value })}>
          ${Object.entries(CONSENT).map(([value, words]) => html`<option value=${value} ?selected=${value === consent}>${words}</option>`)}
        </select></label
      >
      <label class="tick"><input type="checkbox" name="redact" .checked=${redact === 'yes'} @change=${({ target }) => void change(id, { redact: target.checked ? 'yes' : 'no' })} /> Replace mail addresses, phone, card and account numbers first</label>
      <button type="button" class="danger" aria-label=${`Remove ${name}`} @click=${() => removeOne(document)}>Remove</button>
    </div>
  </li>`;
}

function state({ indexed }, passages) {
  const key = wantedIndex(engine.value.kinglet);
  if (indexed && indexed === key) return passages === 1 ? 'Ready, one passage' : `Ready, ${passages} passages`;
  if (library.value.indexing || library.value.jobs.some(({ phase }) => phase === 'indexing')) return 'Being indexed…';
  return key === undefined ? 'Waits for a model, to be searched by meaning' : 'Not yet indexed';
}

const failed = (error) => toast(`That did not work: ${error.message}`, { stays: true });
const change = (id, labels) => label(id, labels).catch(failed);

async function removeOne({ id, name }) {
  const body = html`<p>“<bdi>${name}</bdi>” is removed from this device, with what was indexed of it. Passages that answers have cited stay in the conversations.</p>`;
  if (await confirmed('Remove this document?', body, 'Remove')) await remove([id]).catch(failed);
}

async function removeAll() {
  const { documents } = library.value;
  const body = html`<p>${documents.length === 1 ? 'One document is' : `${documents.length} documents are`} removed from this device, with what was indexed. Passages that answers have cited stay in the conversations.</p>`;
  if (await confirmed('Remove all documents?', body, 'Remove all')) await remove(documents.map(({ id }) => id)).catch(failed);
}

const meaning = () => html`<details class="card">
  <summary>How they are searched</summary>
  <p>By words (BM25). It needs no model.</p>
  <label class="tick"
    ><input type="checkbox" name="meaning" .checked=${documentSettings.value.meaning} @change=${({ target }) => documentSettings.patch({ meaning: target.checked })} /> Also by meaning, with the model's embeddings</label
  >
  <p class="muted">Only a model that was trained to embed makes it better; measured with desk it finds less. It takes one pass of the model over each document, and again with another model.</p>
  ${library.value.indexing ? html`<p role="status">Indexing ${library.value.indexing.done + 1} of ${library.value.indexing.total}…</p>` : nothing}
</details>`;
