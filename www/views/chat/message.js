// One message: its text, what is known of it, what can be done with it.

import { citations } from '../../documents/ask.js';
import { answerActions, provenance } from '../../escalation/provenance.js';
import { explain } from '../../lib/errors.js';
import { duration } from '../../lib/format.js';
import { Observable } from '../../lib/observable.js';
import { toast } from '../../lib/toast.js';
import { versions } from '../../services/conversations/tree.js';
import { draftOf, keepDraft } from '../../services/unsent.js';
import { guard, html, nothing } from '../../vendor/lit-html.js';
import { shown } from './seams.js';
import { running, session, showVersion } from './session.js';
import { DOUBT, inPercent, SURE } from './sure.js';
import './text.js';
import { canAsk, regenerate, replaceWith, send } from './turns.js';

/** Which message is being edited. */
export const editing = new Observable(undefined);

/** A message in the list; drawn again only when something of it has changed. */
export function messageItem(message, context) {
  const all = versions(session.value.messages, message);
  const run = running.value.get(message.conversation);
  const live = run?.message === message.id ? run.live : undefined;
  const { busy, kinglet, ondrawn } = context;
  const edited = editing.value === message.id;
  const parts = [message, all.length, all.indexOf(message), live, edited, busy, kinglet, shown(message)];
  return html`<li class=${message.role} data-id=${message.id} data-status=${message.status} aria-busy=${message.status === 'running' ? 'true' : 'false'}>
    ${guard(parts, () => (message.role === 'user' ? question(message, all, edited, busy) : answer(message, all, live, busy, ondrawn)))}
  </li>`;
}

const question = (message, all, edited, busy) => html`
  <span class="who visually-hidden">${message.raw ? 'Text' : 'You'}</span>
  ${edited
    ? editor(message)
    : html`<message-text class="text" dir="auto" .content=${{ text: message.content, markdown: false }}></message-text>
        <div class="tools">
          ${switcher(message, all)}
          <button type="button" class="plain" data-action="copy" @click=${() => copy(message.content)}>Copy</button>
          <button type="button" class="plain" ?disabled=${busy} @click=${() => (editing.value = message.id)}>Edit</button>
        </div>`}
`;

const answer = (message, all, live, busy, ondrawn) => html`
  <span class="who">${message.raw ? 'Text' : author(message)}</span>
  <message-text class="text" dir="auto" .ondrawn=${ondrawn} .content=${{ text: message.content, markdown: !message.raw, live }}></message-text>
  ${message.status === 'running' && !live ? html`<p class="note">This answer is being written in another tab.</p>` : nothing}
  ${safely(() => citations(message))} ${notes(message)} ${sureLine(message)} ${safely(() => provenance(message))}
  ${message.status === 'running'
    ? nothing
    : html`${speedLine(message)}
        <div class="tools">
          ${switcher(message, all)}
          <button type="button" class="plain" data-action="copy" @click=${() => copy(message.content)}>Copy</button>
          <button type="button" class="plain" ?disabled=${busy} @click=${() => regenerate(message)}>Regenerate</button>
          ${safely(() => answerActions(message, { replaceWith: replaceWith(message) }))}
        </div>`}
`;

/** Who wrote it: of an answer of a bigger model the one that says so. */
const author = ({ answer: known, model = 'Answer' }) => (known?.source === 'remote' ? (known.provenance?.model ?? model) : model);

/** What other parts say of a message that may have come from a file: it must not take the conversation with it. */
function safely(part) {
  try {
    return part();
  } catch {
    return nothing;
  }
}

/** "2 of 3", where there are several. */
function switcher(message, all) {
  if (all.length < 2) return nothing;
  const at = all.indexOf(message);
  const to = (step, label, sign) => html`<button
    type="button"
    class="plain"
    aria-label=${label}
    ?disabled=${!all[at + step]}
    @click=${() => showVersion(all[at + step].id)}
  >${sign}</button>`;
  return html`<span class="versions" role="group" aria-label="Versions">
    ${to(-1, 'Previous version', '‹')}<span>${at + 1} of ${all.length}</span>${to(1, 'Next version', '›')}
  </span>`;
}

function editor(message) {
  const { edit } = draftOf(message.conversation);
  const keep = (text) => keepDraft(message.conversation, { edit: text === undefined || text === message.content ? undefined : { id: message.id, text } });
  const submit = async (event) => {
    event.preventDefault();
    const content = event.currentTarget.elements.text.value;
    if (content.trim() === '' || !canAsk()) return;
    cancel();
    if (await send(content, { parent: message.parent })) return;
    keep(content);
    if (session.value.id === message.conversation) editing.value = message.id;
  };
  const cancel = () => {
    keep(undefined);
    editing.value = undefined;
  };
  const keydown = (event) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      cancel();
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.currentTarget.requestSubmit();
    }
  };
  return html`<form class="editor" @submit=${submit} @keydown=${keydown}>
    <textarea name="text" rows="3" dir="auto" aria-label="Edit your message" .value=${edit?.id === message.id ? edit.text : message.content} @input=${({ target }) => keep(target.value)}></textarea>
    <div class="actions"><button type="button" @click=${cancel}>Cancel</button><button class="primary">Ask again</button></div>
  </form>`;
}

function notes({ status, finish, room, error }) {
  const at = room === undefined ? '' : ` (there was room for ${room} tokens)`;
  const words = {
    length: `Cut at the limit of tokens per answer${at}.`,
    full: `Cut: the context is full${at}. Load the model with a larger one, or begin a new conversation.`,
  };
  const states = { stopped: 'Stopped.', interrupted: 'Interrupted: the page was closed while this was written.' };
  const note = states[status] ?? words[finish];
  if (status === 'failed' && error) {
    const { code, message, hint } = explain(error);
    return html`<div class="problem failed"><p><code>${code}</code> ${message}</p>${hint ? html`<p>${hint}</p>` : nothing}</div>`;
  }
  return note ? html`<p class="note">${note}</p>` : nothing;
}

/** A bar of the lowest probability, the word, the numbers. */
function sureLine({ sure }) {
  if (!sure) return nothing;
  return html`<p class="sure" data-word=${sure.word}>
    <meter min="0" max="1" low=${DOUBT} high=${SURE} optimum="1" .value=${sure.lowest} aria-label="Probability of the least sure token"></meter>
    <strong>${sure.word}</strong> ${inPercent(sure.mean)} on average, ${inPercent(sure.lowest)} at the least sure token
  </p>`;
}

const wait = ({ firstMs }) => (Number.isFinite(firstMs) ? `first token after ${duration(firstMs)}` : 'no token');

/** Tokens per second (the first one comes out of reading the prompt), what was read and written, and the wait. */
function speedLine(message) {
  const { usage, timings } = message.answer ?? {};
  if (!Number.isFinite(usage?.completion_tokens)) return nothing;
  const { decode_ms: ms, reused_tokens: reused } = timings ?? {};
  const rate = ms > 0 && usage.completion_tokens > 1 ? html`${(((usage.completion_tokens - 1) / ms) * 1000).toFixed(1)} tokens/s · ` : nothing;
  return html`<p class="speed muted">${rate}${usage.completion_tokens} ${usage.completion_tokens === 1 ? 'token' : 'tokens'} · prompt of ${usage.prompt_tokens}${reused > 0 ? ` (${reused} reused)` : ''}, ${wait(message)}</p>`;
}

/** Into the clipboard; says so. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied.');
  } catch {
    toast('This browser does not let the page copy: select the text instead.');
  }
}
