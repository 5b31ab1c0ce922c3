// Where the user writes: a form that sends with Enter, stops with Esc, and loses nothing that was written.

import { documentsSwitch } from '../../documents/ask.js';
import { engine } from '../../services/engine.js';
import { draftOf, keepDraft } from '../../services/unsent.js';
import { html, nothing, ref } from '../../vendor/lit-html.js';
import { chosen, deskOn, partField, starters, task } from './desk.js';
import { answering, elsewhere, path, session } from './session.js';
import { canAsk, isRaw, send, stop } from './turns.js';

const field = () => document.querySelector('#prompt');

// Each conversation has a draft of its own.
let shown = session.value.id;
session.subscribe(({ id }) => {
  if (id === shown) return;
  shown = id;
  if (field()) field().value = draftOf(id).text;
});

/** Brings the keyboard to the text. */
export const focusPrompt = () => field()?.focus({ preventScroll: true });

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const written = form.elements.prompt.value;
  const raw = isRaw();
  if (!canAsk() || (written.trim() === '' && !(raw && path().length > 0))) return;
  const part = form.elements.part?.value ?? '';
  const content = deskOn() ? task().prompt(part, written) : written;
  // A task's fields stay filled, for another try with other words.
  const left = deskOn() && chosen.value && chosen.value.task !== 'chat' ? written : '';
  write(left, true);
  const title = deskOn() && chosen.value ? `${chosen.value.name}: ${written}` : undefined;
  focusPrompt();
  const from = session.value.id;
  const sending = send(raw && written.trim() === '' ? '' : content, { title });
  const at = session.value.id; // a conversation that begins with this has its id now
  if (at !== from) {
    keepDraft(from, { text: '' });
    write(left, true);
  }
  if (!(await sending)) giveBack(written, from, at);
}

/** What could not be asked stands in the field again, before what was written meanwhile; a conversation that it began is none any more. */
function giveBack(written, from, at) {
  const { text, sent } = draftOf(at);
  keepDraft(at, { text: '' });
  keepDraft(from, { text: [written, sent ? '' : text].filter(Boolean).join('\n\n'), sent: false });
  if (field() && session.value.id === from) field().value = draftOf(from).text;
}

/** `sent`: it was, and stays for another try. */
function write(text, sent = false) {
  keepDraft(session.value.id, { text, sent });
  if (field()) field().value = text;
}

/** Fills an example in, and sends it. */
function run(example) {
  if (!canAsk()) return;
  chosen.value = example;
  // The fields of its task are drawn first.
  requestAnimationFrame(() => {
    const form = document.querySelector('#ask');
    if (!form) return;
    if (form.elements.part) form.elements.part.value = example.part;
    write(example.text);
    form.requestSubmit();
  });
}

function keydown(event) {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.currentTarget.form.requestSubmit();
  }
}

/** Why nothing can be sent, in words; nothing where it can. */
function why() {
  const { status } = engine.value;
  if (status === 'loading') return 'The model is being loaded.';
  if (status !== 'ready') return 'Load a model to begin.';
  return elsewhere() ? 'An answer is being written in another tab.' : undefined;
}

export function composer() {
  const busy = Boolean(answering());
  const ready = canAsk();
  const raw = isRaw();
  const name = deskOn() ? task().text : raw ? 'Text to continue' : 'Message';
  const placeholder = why() ?? (raw ? 'The beginning of a text' : deskOn() && !chosen.value ? 'Choose a task above, or write' : 'Write a message');
  return html`<form id="ask" @submit=${submit}>
    ${deskOn() ? starters(run, busy) : nothing} ${deskOn() ? partField() : nothing}
    <div class="box">
      <label for="prompt" id="prompt-label" class=${deskOn() ? '' : 'visually-hidden'}>${name}</label>
      <textarea
        id="prompt"
        name="prompt"
        rows="2"
        dir="auto"
        placeholder=${placeholder}
        aria-describedby="keys"
        ${ref((element) => element && element.value === '' && (element.value = draftOf(session.value.id).text))}
        @input=${({ target }) => keepDraft(session.value.id, { text: target.value, sent: false })}
        @keydown=${keydown}
      ></textarea>
      <div class="row">
        <div class="switches">${documentsSwitch()}</div>
        <p id="keys" class="muted">Enter sends, Shift+Enter breaks the line<span ?hidden=${!busy}>, Esc stops</span></p>
        ${busy
          ? html`<button id="stop" type="button" @click=${stop}>Stop</button>`
          : html`<button id="send" class="primary" type="submit" ?disabled=${!ready}>${raw ? 'Continue' : 'Send'}</button>`}
      </div>
    </div>
  </form>`;
}

/** A button that was pressed is gone when the answer ends: whoever was on it goes on writing, who went elsewhere stays there. */
export function keepFocus() {
  const lost = document.activeElement === document.body || document.activeElement?.id === 'stop';
  if (lost) focusPrompt();
}
