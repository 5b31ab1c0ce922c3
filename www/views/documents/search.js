// Search in the documents: passages that fit, each to be opened where it stands.

import { html, nothing } from '../../vendor/lit-html.js';
import { Observable } from '../../lib/observable.js';
import { problem } from '../../lib/errors.js';
import { place } from '../../documents/ask.js';
import { library, search } from '../../documents/library.js';
import { marked } from '../../documents/marks.js';
import { openPassage } from '../../documents/open.js';

const HITS = 10;

/** What was asked last, and what was found: `{query, hits, waits, error}`. */
export const found = new Observable({ query: '', hits: undefined, waits: false, error: undefined });

let latest = 0;

async function run(event) {
  event.preventDefault();
  const query = event.target.elements.query.value.trim();
  const mine = ++latest;
  let result = { query, hits: undefined, waits: false, error: undefined };
  if (query !== '') {
    try {
      const answer = await search(query, { k: HITS });
      result = { ...result, hits: answer?.hits, waits: answer === undefined };
    } catch (error) {
      result = { ...result, error };
    }
  }
  if (mine === latest) found.value = result;
}

export function searching() {
  if (library.value.documents.length === 0) return nothing;
  return html`<search class="card">
    <form @submit=${run} class="actions">
      <input type="search" name="query" aria-label="Search in the documents" placeholder="Search in the documents" autocomplete="off" />
      <button class="primary">Search</button>
    </form>
    <div class="hits">${results(found.value)}</div>
    <p class="visually-hidden" role="status">${said(found.value)}</p>
  </search>`;
}

/** For those who do not see the list. */
const said = ({ query, hits }) => (hits === undefined ? '' : `${hits.length === 1 ? 'One passage' : `${hits.length} passages`} for ${query}`);

function results({ query, hits, waits, error }) {
  if (error) return problem(error);
  if (waits) return html`<p class="hint">Searching by meaning needs a model: load one under Models, or search by words alone (below).</p>`;
  if (hits === undefined) return nothing;
  const there = hits.filter(({ document }) => library.value.documents.some(({ id }) => id === document));
  if (there.length === 0) return html`<p>Nothing fits “${query}”.</p>`;
  return html`<ol>
    ${there.map(
      (hit) => html`<li>
        <button type="button" class="link" @click=${() => openPassage(hit)}><bdi>${hit.name}</bdi>${place(hit)}</button>
        <p dir="auto">${marked(hit.text, query)}</p>
      </li>`,
    )}
  </ol>`;
}
