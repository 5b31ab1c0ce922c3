// The kept conversations: search, open, and what can be done with each and with all.

import { openDialog } from '../../lib/dialog.js';
import { when } from '../../lib/format.js';
import { Observable } from '../../lib/observable.js';
import { saveFile } from '../../lib/save.js';
import { toast } from '../../lib/toast.js';
import * as store from '../../services/conversations.js';
import { go, href } from '../../services/route.js';
import { draftOf, keepDraft } from '../../services/unsent.js';
import { html, nothing, repeat } from '../../vendor/lit-html.js';
import { dotsIcon } from './icons.js';
import { running, session } from './session.js';

/** What is looked for, and what was found; `hits` is undefined while nothing is looked for. */
export const search = new Observable({ query: '', hits: undefined, searching: false });

/** Of a long list only the newest are drawn, until more are asked for. */
export const drawn = new Observable(100);

let control;

/** Looks through all messages; a newer query takes the place of an older one. */
async function look(query) {
  control?.abort();
  if (query.trim() === '') {
    search.value = { query, hits: undefined, searching: false };
    return;
  }
  const mine = (control = new AbortController());
  search.patch({ query, searching: true });
  try {
    const hits = await store.searchConversations(query, mine.signal);
    if (control === mine) search.value = { query, hits, searching: false };
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
}

/** The list on the page; `onnew` begins a conversation, `onchosen` is called when one was clicked. */
export function conversationList({ onnew, onchosen }) {
  const { status, reason, list } = store.conversations.value;
  const { query, hits, searching } = search.value;
  const shown = (hits ?? list).slice(0, drawn.value);
  const more = (hits ?? list).length - shown.length;
  return html`
    <button type="button" class="primary new" @click=${onnew}>New conversation</button>
    <div class="field">
      <label for="search" class="visually-hidden">Search conversations</label>
      <input id="search" type="search" dir="auto" placeholder="Search" autocomplete="off" .value=${query} @input=${({ target }) => look(target.value)} />
    </div>
    ${status === 'memory' ? html`<p class="hint" id="not-kept">Conversations are not kept after this page is closed. ${reason}</p>` : nothing}
    <p class="visually-hidden" role="status">${hits && !searching ? `${hits.length} found` : ''}</p>
    ${shown.length === 0 ? html`<p class="muted none">${hits ? 'Nothing found.' : status === 'opening' ? '' : 'No conversations yet.'}</p>` : nothing}
    <ul id="conversations">
      ${repeat(shown, ({ id }) => id, (one) => item(one, onchosen))}
    </ul>
    ${more > 0 ? html`<button type="button" class="link" @click=${() => (drawn.value += 200)}>Show ${more} more</button>` : nothing}
    <div class="all">
      <button type="button" class="plain" @click=${exportAll} ?disabled=${list.length === 0}>Export all</button>
      <label class="button plain">Import<input id="import" class="visually-hidden" type="file" accept=".json,application/json" @change=${importFile} /></label>
    </div>
  `;
}

const item = (one, onchosen) => html`<li>
  <a href=${href('chat', one.id)} dir="auto" aria-current=${session.value.id === one.id ? 'page' : 'false'} @click=${onchosen}>
    <span class="title">${one.title}</span>
    <span class="muted">${running.value.has(one.id) ? 'answering…' : one.excerpt ? one.excerpt : when(one.updated)}</span>
  </a>
  <button type="button" class="plain" aria-label=${`Options of ${one.title}`} @click=${() => options(one)}>${dotsIcon}</button>
</li>`;

/** Rename, export, delete. */
async function options({ id, title }) {
  let name = title;
  const body = html`<div class="field">
    <label for="conversation-name">Name</label>
    <input id="conversation-name" dir="auto" maxlength="60" .value=${title} @input=${({ target }) => (name = target.value)} />
  </div>`;
  const actions = [
    { label: 'Delete', value: 'delete', danger: true },
    { label: 'Export Markdown', value: 'markdown' },
    { label: 'Export JSON', value: 'json' },
    { label: 'Rename', value: 'rename', primary: true },
  ];
  const chosen = await openDialog({ title: 'Conversation', body, actions });
  if (chosen === 'rename' && name.trim() !== '') await store.renameConversation(id, name);
  if (chosen === 'json') await saveAll(title, [id]);
  if (chosen === 'markdown') saveFile(`${title}.md`, await store.exportMarkdown(id), 'text/markdown');
  if (chosen === 'delete') await remove(id, title);
}

async function remove(id, title) {
  running.value.get(id)?.control.abort();
  const draft = draftOf(id);
  const restore = await store.deleteConversation(id);
  keepDraft(id, { text: '', edit: undefined });
  const shown = session.value.id === id;
  if (shown) go('chat');
  await look(search.value.query);
  toast(`“${title}” was deleted.`, {
    action: {
      label: 'Undo',
      run: async () => {
        await restore();
        keepDraft(id, draft);
        if (shown && session.value.id === undefined) go('chat', [id]);
        await look(search.value.query);
      },
    },
  });
}

const exportAll = () => saveAll('kinglet-conversations');

/** One file; several, numbered, where one would be too large to be taken in again. */
async function saveAll(name, ids) {
  const files = await store.exportFiles(ids);
  for (const [i, file] of files.entries()) saveFile(`${name}${files.length > 1 ? `-${i + 1}` : ''}.json`, file, file.type);
}

async function importFile({ target }) {
  const [file] = target.files;
  target.value = '';
  if (!file) return;
  try {
    if (file.size > store.LARGEST_FILE) throw new store.Refused(`the file: expected at most ${store.LARGEST_FILE / 1e6} MB`);
    const { added, there } = await store.importConversations(file);
    toast(`${added} ${added === 1 ? 'conversation' : 'conversations'} imported${there > 0 ? `, ${there} already here` : ''}.`);
  } catch (error) {
    const why = error instanceof store.Refused ? error.message : `it could not be read or kept (${error.message})`;
    const body = html`<p>Nothing of “${file.name}” was imported.</p><p id="refused">${why}</p>`;
    await openDialog({ title: 'Import refused', body, actions: [{ label: 'Close', value: true, primary: true }] });
  }
}
