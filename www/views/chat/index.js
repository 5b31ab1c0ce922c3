// The conversation: the list of those that are kept, what was said, and where the user writes.

import { sources as documentSources } from './seams.js';
import { draw } from '../../lib/draw.js';
import { explain } from '../../lib/errors.js';
import { Observable } from '../../lib/observable.js';
import { conversations } from '../../services/conversations.js';
import { engine } from '../../services/engine.js';
import { preset } from '../../services/preset.js';
import { go, href } from '../../services/route.js';
import { draftOf } from '../../services/unsent.js';
import { html, nothing, repeat } from '../../vendor/lit-html.js';
import { announce } from './announce.js';
import { composer, focusPrompt, keepFocus } from './composer.js';
import { chosen, deskOn, label } from './desk.js';
import { drawer } from './drawer.js';
import { listIcon, plusIcon } from './icons.js';
import { conversationList, drawn, search } from './list.js';
import { copy, editing, messageItem } from './message.js';
import { follow } from './scroll.js';
import { answering, fail, openConversation, path, running, session } from './session.js';
import { listen, showShortcuts } from './shortcuts.js';
import { isRaw, stop } from './turns.js';

export const title = 'Chat';

/** Of a long conversation only the end is drawn, until more is asked for. */
const PAGE = 60;
const pages = new Observable(1);

/** The error of a load that the user has seen. */
const dismissed = new Observable(undefined);

const begin = () => go('chat');

const view = (scroll) => html`
  <nav class="side" aria-label="Conversations">
    ${conversationList({ onnew: begin, onchosen: () => undefined })}
    <button type="button" class="plain keys" @click=${showShortcuts}>Keyboard shortcuts</button>
  </nav>
  <section class="talk" aria-label="Conversation">
    <div class="top">
      <button type="button" id="list-button" class="plain" aria-controls="conversations" aria-expanded="false" aria-label="Conversations">${listIcon}</button>
      <h1 dir="auto">${session.value.title ?? 'New conversation'}</h1>
      <button type="button" class="plain begin" @click=${begin} aria-label="New conversation">${plusIcon}</button>
    </div>
    <div class="scroll" role="log" aria-live="off" aria-label="Messages" tabindex="0" @click=${clicked}>
      ${messages(scroll)}
    </div>
    <div class="below">${problem()} ${composer()}</div>
    <p id="announcer" class="visually-hidden" role="status"></p>
  </section>
`;

function messages(scroll) {
  const way = path();
  const from = Math.max(way.length - pages.value * PAGE, 0);
  const context = { busy: Boolean(answering()), kinglet: engine.value.kinglet, ondrawn: scroll?.drawn };
  return html`
    ${way.length === 0 ? beginning() : nothing}
    ${from > 0 ? html`<button type="button" class="link earlier" @click=${() => scroll.keep(() => (pages.value += 1))}>Show ${from} earlier messages</button>` : nothing}
    <ol id="log">${repeat(way.slice(from), ({ id }) => id, (message) => messageItem(message, context))}</ol>
  `;
}

/** What is said where nothing was said yet. */
function beginning() {
  const { status, progress } = engine.value;
  if (session.value.absent) return html`<div class="begin-here"><p id="absent">This conversation is not here any more: it was deleted, or belongs to another browser.</p></div>`;
  if (status === 'ready') {
    if (deskOn()) return html`<div class="begin-here">${label()}<p id="empty" class="muted">Choose a task below: it fills in an example and runs it. Then change the words and send them again.</p></div>`;
    const words = isRaw() ? 'This model has no chat template: write the beginning of a text and it goes on.' : 'Write a message. It is answered on this device.';
    return html`<div class="begin-here"><p id="empty">${words}</p></div>`;
  }
  if (status === 'loading') {
    return html`<div class="begin-here">
      <p id="empty">${progress?.text || 'The model is being loaded.'}</p>
      <progress max="1" aria-label="Loading the model" .value=${progress?.progress ?? 0}></progress>
    </div>`;
  }
  return html`<div class="begin-here">
    ${preset.missing ? html`<p id="missing"><code>${preset.missing}</code>, the project’s own model, is not there. Choose a GGUF file of your own instead.</p>` : nothing}
    <p id="empty">Load a model to begin.</p>
    <p><a class="button primary" href=${href('models')}>Choose a model</a></p>
  </div>`;
}

/** An error of this conversation, or of the model. */
function problem() {
  const { status, error: failed } = engine.value;
  const error = session.value.problem ?? (status === 'failed' && dismissed.value !== failed ? failed : undefined);
  if (!error) return nothing;
  const { code, message, hint } = explain(error);
  const dismiss = () => {
    fail(undefined);
    dismissed.value = failed;
    focusPrompt();
  };
  return html`<div id="error" class="problem" role="alert">
    <h2>Something went wrong <code id="error-code">${code}</code></h2>
    <p id="error-message">${message}</p>
    <p id="error-hint">${hint}</p>
    <div class="actions"><button type="button" @click=${dismiss}>Dismiss</button>${status === 'failed' ? html`<a class="button" href=${href('models')}>Models</a>` : nothing}</div>
  </div>`;
}

function clicked({ target }) {
  const button = target.closest?.('.copy-code');
  if (button) void copy(button.closest('.code').querySelector('code').textContent);
}

function editLast() {
  const field = document.querySelector('#prompt');
  const last = path().findLast(({ role }) => role === 'user');
  if (document.activeElement !== field || field.value !== '' || !last || answering()) return false;
  editing.value = last.id;
  return true;
}

/** What began without an address has got one; what came to nothing has none any more. */
function address({ id, absent, messages: { size } }) {
  const now = id !== undefined && (size > 0 || absent) ? href('chat', id) : href('chat');
  if (id !== undefined && size === 0 && !absent) return; // it is being read
  if (/^(#\/?|#\/chat(\/.*)?)?$/.test(location.hash) && location.hash !== now && (location.hash || id !== undefined)) history.replaceState(null, '', now);
}

export function show(element, args) {
  let scroll;
  const sources = [session, running, conversations, engine, search, drawn, pages, editing, chosen, dismissed, ...documentSources];
  const end = draw(element, () => view(scroll), sources);
  scroll = follow(element.querySelector('.scroll'));
  const side = drawer(element.querySelector('.side'), element.querySelector('#list-button'));
  const ends = [
    end,
    scroll.end,
    side.end,
    announce(element.querySelector('#announcer')),
    running.subscribe(() => requestAnimationFrame(keepFocus)),
    listen({
      stop: () => (side.close() ? true : answering() ? stop() : false),
      begin,
      write: focusPrompt,
      edit: editLast,
      search() {
        if (side.narrow()) side.open();
        element.querySelector('#search').focus();
      },
    }),
  ];
  const open = ([id]) => {
    pages.value = 1;
    editing.value = draftOf(id).edit?.id;
    side.close();
    scroll.toEnd();
    void openConversation(id || undefined).then(() => scroll.toEnd());
    if (!side.narrow()) focusPrompt();
  };
  ends.push(session.subscribe(address));
  open(args);
  return Object.assign(() => ends.reverse().forEach((one) => one()), { update: open });
}
