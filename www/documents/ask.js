// Answers from the user's documents: what the chat uses of them.

import { html, nothing } from '../vendor/lit-html.js';
import { documentSettings, strictest } from './finder.js';
import { library, ready, search } from './library.js';
import { openPassage } from './open.js';
import './switch.js';

/** Passages that the model gets; a wide context holds more of them. */
const PASSAGES = 3;
const MORE_PASSAGES = 5;
const WIDE = 4096;

const NOTHING = 'Nothing in your documents fits this question. No model was asked.';
const NO_MODEL = 'Your documents are searched by meaning, which needs a model on this device: load one, or search by words alone (under Documents). No model was asked.';
const NOT_SAID = 'Your documents do not seem to say. These passages came nearest.';

/** Whether the next question is asked of the documents. Before their list is read, the user's word counts. */
export const documentsOn = () => documentSettings.value.on && (!library.value.ready || library.value.documents.length > 0);

/** Beside the composer: the switch, with the number of documents. It keeps itself up to date. */
export const documentsSwitch = () => html`<kinglet-documents-switch></kinglet-documents-switch>`;

/**
 * Answers a question from the documents: an async generator of `{content}` as it grows; its last value is
 * `{content, passages, answer}`. `answer` is what stands under `kinglet` of the result, and the `question`; undefined where no model was
 * asked, because nothing was found. Each question is searched by its own words. `bigger`: the user wants a bigger model to be asked,
 * which is a reason, and no permission.
 */
export async function* askDocuments({ kinglet, question, signal, bigger = false }) {
  await ready();
  const most = kinglet.ready && kinglet.info.context >= WIDE ? MORE_PASSAGES : PASSAGES;
  const found = await search(question, { k: most, signal });
  if (!found || found.hits.length === 0) {
    yield { content: found ? NOTHING : NO_MODEL, passages: [], answer: undefined };
    return;
  }
  const { answer, text, quotes, passages, kinglet: report } = await answerFrom(kinglet, question, found, { signal, bigger });
  const shown = passages.map((passage, i) => ({ ...passage, quoted: quotes.some((quote) => quote.passage === i) }));
  yield { content: answer ?? (text.trim() === '' ? NOT_SAID : `${NOT_SAID} The model says: ${text.trim()}`), passages: shown, answer: { ...report, question }, firstMs: report.timings.prefill_ms };
}

/** With fewer and shorter passages where the model's context does not hold them. */
async function answerFrom(kinglet, question, { hits, signals }, { signal, bigger }) {
  const options = { ...(signal ? { signal } : {}), ...(bigger ? { facts: { user: 'requests_remote' } } : {}) };
  for (let list = hits; ; ) {
    try {
      const index = { search: async () => ({ hits: list.map(({ document, text, consent, redact }) => ({ id: document, text, consent, redact })), signals }) };
      const result = await kinglet.answer(question, index, { k: list.length, ...options });
      return { ...result, passages: list };
    } catch (error) {
      if (error.code !== 'context_overflow' || (list.length === 1 && list[0].text.length < 200)) throw error;
      list = list.length > 1 ? list.slice(0, -1) : [shorter(list[0])];
    }
  }
}

function shorter(passage) {
  const text = passage.text.slice(0, passage.text.length / 2);
  return { ...passage, text, end: passage.start + text.length };
}

const CONSENTS = ['free', 'ask', 'never'];
const REDACTS = ['no', 'yes'];
const together = (labels) => ({
  consent: strictest(CONSENTS, ...labels.map(({ consent = 'ask' }) => consent)),
  redact: strictest(REDACTS, ...labels.map(({ redact = 'no' }) => redact)),
});

/**
 * What must be said of a message when it goes along as a part of a conversation: the strictest label that its passages had and that their
 * documents have now; undefined: it has none. A passage without a label (it may come from a file), and one of a document that is not
 * there any more, counts as one to be asked about; where the documents cannot be read, it stays.
 */
export async function labelsOf({ passages }) {
  if (!Array.isArray(passages) || passages.length === 0) return undefined;
  await ready();
  const { documents, error } = library.value;
  const absent = { consent: error ? 'never' : 'ask' };
  return together(passages.flatMap((passage) => [passage, documents.find(({ id }) => id === passage.document) ?? absent]));
}

/** Whether the label of a document is stricter by now than when one of these messages took something from it. */
export async function tightened(messages) {
  for (const message of messages) {
    const now = await labelsOf(message);
    const then = now && together(message.passages);
    if (now && (now.consent !== then.consent || now.redact !== then.redact)) return true;
  }
  return false;
}

/** The passages that an answer rests on, numbered, to be opened. */
export function citations({ passages, answer }) {
  if (!Array.isArray(passages) || passages.length === 0) return nothing;
  const doubted = answer?.signals?.quote_ok === false;
  return html`<section class="citations" aria-label="Passages of your documents">
    ${doubted ? html`<p class="muted">Not all of this stands in the passages word for word. Look at them.</p>` : nothing}
    <ol>
      ${passages.map(
        (passage) => html`<li>
          <button type="button" class="link" @click=${() => openPassage(passage)}><bdi>${passage.name}</bdi>${place(passage)}</button>${passage.quoted ? html`<span class="muted"> · says so word for word</span>` : nothing}
          <p class="muted" dir="auto">${excerpt(passage.text)}</p>
        </li>`,
      )}
    </ol>
  </section>`;
}

/** Where in a document a passage stands. */
export function place({ page, heading }) {
  return [page ? `, page ${page}` : '', heading ? ` › ${heading}` : ''].join('');
}

const excerpt = (text) => (text.length > 160 ? `${text.slice(0, 160).replace(/\s+\S*$/, '')}…` : text);
