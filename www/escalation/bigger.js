// "Ask the bigger model": another answer to a question that was answered here, on the user's word.

import { html, nothing } from '../vendor/lit-html.js';
import { visible } from '../pkg/dist/index.js';
import { askDocuments, tightened } from '../documents/ask.js';
import { openDialog } from '../lib/dialog.js';
import { toast } from '../lib/toast.js';
import { readConversation } from '../services/conversations.js';
import { pathTo } from '../services/conversations/tree.js';
import { engine } from '../services/engine.js';
import { go } from '../services/route.js';
import { escalationSettings, lacksKey } from './config.js';

/** A button; nothing below an answer of a bigger model. */
export function bigger(message, replaceWith) {
  if (message.answer.source === 'remote') return nothing;
  return html`<button type="button" class="plain" @click=${() => choose(message, replaceWith)}>Ask the bigger model</button>`;
}

async function choose(message, replaceWith) {
  const { answer: { id, question }, content, passages } = message;
  const fromDocuments = Array.isArray(passages) && typeof question === 'string';
  const { remotes } = escalationSettings.value;
  const ready = remotes.find((remote) => !lacksKey(remote));
  const { kinglet } = engine.value;
  if (!ready || !kinglet) {
    const text = remotes.length === 0 ? 'No bigger model is set up yet.' : !ready ? 'Its key is not kept over a reload: enter it again.' : 'Load a model first.';
    toast(text, ready ? {} : { action: { label: 'Settings', run: () => go('settings') } });
    return;
  }
  if (!fromDocuments && (await isHeld(message))) {
    toast('A document that this conversation rests on is more private by now than when this was answered: send the question again.');
    return;
  }
  const body = html`<p>${ready.name} is asked the same question. What is sent is shown before it leaves, unless you have allowed it already.</p>
    ${fromDocuments
      ? html`<p class="muted">It also gets the passages of your documents, as far as the labels of each let them leave.</p>`
      : html`<p class="muted">With “Improve this answer” it also gets the answer from this device, and may correct it.</p>`}`;
  const actions = [
    { label: 'Cancel', value: undefined },
    ...(content && !fromDocuments ? [{ label: 'Improve this answer', value: 'draft' }] : []),
    { label: 'Ask anew', value: 'anew', primary: true },
  ];
  const how = await openDialog({ title: 'Ask the bigger model?', body, actions });
  if (how !== undefined) replaceWith((signal) => (fromDocuments ? askDocuments({ kinglet, question, signal, bigger: true }) : ask(kinglet, id, { draft: how === 'draft', signal })));
}

/** The package asks with the labels of the time of the answer: not where those of the documents before it are stricter by now. */
async function isHeld({ conversation, id }) {
  const kept = await readConversation(conversation);
  return tightened(pathTo(new Map((kept?.messages ?? []).map((one) => [one.id, one])), id));
}

/** `{content}` as it grows; the last one with the `answer` as the conversation keeps it. */
async function* ask(kinglet, id, options) {
  const answer = {};
  let content = '';
  const stream = await asked(kinglet, id, options);
  for await (const text of visible(noted(stream, answer))) {
    content = text;
    yield { content };
  }
  yield { content, answer };
}

async function asked(kinglet, id, options) {
  try {
    return await kinglet.escalate(id, { ...options, stream: true });
  } catch (error) {
    if (error.code !== 'invalid_request' || error.detail?.param !== 'id') throw error;
    throw Object.assign(new Error('This answer is too old for that, or the model was loaded again since: send the question again.'), { code: 'invalid_request' });
  }
}

/** Passes the chunks on, and keeps of them what the conversation keeps of an answer. */
async function* noted(stream, answer) {
  for await (const chunk of stream) {
    const { parts: _, ...own } = chunk.kinglet ?? {};
    Object.assign(answer, { id: chunk.id }, own, chunk.usage ? { usage: chunk.usage } : {});
    yield chunk;
  }
}
