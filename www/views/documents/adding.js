// How documents come: chosen, dropped or pasted; and what becomes of them on their way.

import { html, nothing } from '../../vendor/lit-html.js';
import { openDialog } from '../../lib/dialog.js';
import { bytes } from '../../lib/format.js';
import { toast } from '../../lib/toast.js';
import { addFiles, dismiss, library, stop } from '../../documents/library.js';
import { MOST_BYTES, MOST_PAGES } from '../../documents/limits.js';
import { shownName } from '../../documents/names.js';

export const adding = () => html`<section class="card adding" aria-labelledby="adding-title">
  <h2 id="adding-title">Add documents</h2>
  <div class="actions">
    <label class="button primary">Choose files<input class="visually-hidden" type="file" name="files" multiple accept=".txt,.md,.markdown,.html,.htm,.pdf,text/*,application/pdf" @change=${chosen} /></label>
    <button type="button" @click=${pasteDialog}>Paste a text</button>
  </div>
  <p class="muted">Or drop them anywhere on this page. Text, Markdown, HTML up to ${bytes(MOST_BYTES.text)}; PDF up to ${bytes(MOST_BYTES.pdf)} and ${MOST_PAGES.toLocaleString('en')} pages, with text in it.</p>
  ${jobs(library.value.jobs)}
</section>`;

function chosen({ target }) {
  const files = [...target.files];
  target.value = '';
  void addAll(files);
}

async function addAll(files) {
  if (files.length === 0) return;
  const before = library.value.documents.length;
  await addFiles(files);
  const more = library.value.documents.length - before;
  if (more > 0) toast(more === 1 ? 'One document was added.' : `${more} documents were added.`);
}

const PHASES = { waiting: 'Waiting', reading: 'Reading', indexing: 'Indexing' };

function jobs(list) {
  if (list.length === 0) return nothing;
  const open = list.filter(({ phase }) => phase !== 'failed').length;
  return html`${open > 1 ? html`<div class="actions"><button type="button" @click=${() => stop()}>Stop all ${open}</button></div>` : nothing}
    <ul class="jobs">
      ${list.map(({ key, name, phase, done, total, error }) => {
        const shown = html`<bdi>${shownName(name)}</bdi>`;
        if (phase === 'failed') {
          return html`<li class="problem"><p role="alert">${shown} was not added: ${error.message}.</p><button type="button" @click=${() => dismiss(key)}>Dismiss</button></li>`;
        }
        return html`<li>
          <span>${shown} · ${PHASES[phase]}${total > 0 ? ` ${done} of ${total}` : ''}</span>
          <progress aria-label=${`${PHASES[phase]} ${shownName(name)}`} .max=${total || 1} value=${total > 0 ? done : nothing}></progress>
          <button type="button" aria-label=${`Stop ${shownName(name)}`} @click=${() => stop(key)}>Stop</button>
        </li>`;
      })}
    </ul>`;
}

async function pasteDialog() {
  let [name, text] = ['', ''];
  const body = (redraw) => html`<label class="field">Name<input name="name" maxlength="120" placeholder="Pasted text" @input=${({ target }) => (name = target.value)} /></label>
    <label class="field">Text<textarea name="text" rows="10" @input=${({ target }) => ((text = target.value), redraw())}></textarea></label>`;
  const actions = () => [{ label: 'Cancel' }, { label: 'Add', value: true, primary: true, disabled: text.trim() === '' }];
  if (await openDialog({ title: 'Paste a text', body, actions })) await addAll([textFile(text, name)]);
}

const textFile = (text, name = '') => new File([text], name.trim() || 'Pasted text', { type: 'text/plain' });

/** Files that are dropped or pasted while the view is shown. Returns what ends that. */
export function listen(element) {
  const ends = new AbortController();
  const { signal } = ends;
  const over = (is) => (element.dataset.dropping = String(is));
  const carries = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].some((type) => type === 'Files' || type === 'text/plain');
  addEventListener('dragover', (event) => carries(event) && (event.preventDefault(), over(true)), { signal });
  addEventListener('dragleave', (event) => event.relatedTarget === null && over(false), { signal });
  addEventListener(
    'drop',
    (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      over(false);
      takeAll(event.dataTransfer);
    },
    { signal },
  );
  addEventListener('paste', (event) => event.target.closest?.('input, textarea, dialog') || takeAll(event.clipboardData), { signal });
  return () => {
    ends.abort();
    delete element.dataset.dropping;
  };
}

function takeAll(data) {
  const text = data?.getData('text/plain') ?? '';
  if (data?.files.length > 0) void addAll([...data.files]);
  else if (text.trim() !== '') void addAll([textFile(text)]);
}
