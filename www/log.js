// The conversation as it is shown.

import { $ } from './state.js';

/** One turn: its item in the list, the place of its text, and what was said. */
export function addTurn(kind, who) {
  const item = document.createElement('li');
  item.className = kind;
  const name = document.createElement('span');
  name.className = 'who';
  name.textContent = who;
  const text = document.createElement('span');
  text.className = 'text';
  item.append(name, text);
  $('log').append(item);
  scrollToEnd();
  return { item, text, said: '' };
}

/** Whether the reader follows the answer (who has scrolled back is left alone). */
export function isAtEnd() {
  const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
  return scrollHeight - scrollTop - clientHeight < 48;
}

/** Brings the newest words into view. */
export function scrollToEnd() {
  scrollTo(0, document.documentElement.scrollHeight);
}

/** Adds a remark below a turn. */
export function addNote(turn, words) {
  const note = document.createElement('span');
  note.className = 'note';
  note.textContent = words;
  turn.item.append(note);
}

