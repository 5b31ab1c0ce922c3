// The keys of the conversation: one table, for the page and for the list that the user can open.

import { openDialog } from '../../lib/dialog.js';
import { html } from '../../vendor/lit-html.js';

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const control = mac ? '⌘' : 'Ctrl';

/** `{keys, does, match, act}`; those without `act` belong to the field of text. */
const table = (acts) => [
  { keys: 'Enter', does: 'Send' },
  { keys: 'Shift+Enter', does: 'Break the line' },
  { keys: 'Esc', does: 'Stop the answer', match: ({ key, shiftKey }) => key === 'Escape' && !shiftKey, act: acts.stop },
  { keys: '↑', does: 'Edit your last message, from an empty field', match: ({ key }) => key === 'ArrowUp', act: acts.edit },
  { keys: `${control}+Shift+O`, does: 'New conversation', match: (event) => held(event) && event.shiftKey && event.code === 'KeyO', act: acts.begin },
  { keys: `${control}+K`, does: 'Search conversations', match: (event) => held(event) && !event.shiftKey && event.code === 'KeyK', act: acts.search },
  { keys: 'Shift+Esc', does: 'Go to the field of text', match: ({ key, shiftKey }) => key === 'Escape' && shiftKey, act: acts.write },
  { keys: `${control}+/`, does: 'This list', match: (event) => held(event) && event.key === '/', act: showShortcuts },
];

const held = ({ ctrlKey, metaKey }) => (mac ? metaKey : ctrlKey);

/** Listens until the returned function is called. `acts`: `{stop, begin, search, write, edit}`; one that does nothing returns false. */
export function listen(acts) {
  const keys = table(acts).filter(({ act }) => act);
  const keydown = (event) => {
    // Dialogs have keys of their own.
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    for (const { match, act } of keys) {
      if (match(event) && act() !== false) {
        event.preventDefault();
        return;
      }
    }
  };
  document.addEventListener('keydown', keydown);
  return () => document.removeEventListener('keydown', keydown);
}

/** Says which there are. */
export function showShortcuts() {
  const body = html`<table class="shortcuts">
    <thead><tr><th scope="col">Key</th><th scope="col">What it does</th></tr></thead>
    <tbody>${table({}).map(({ keys, does }) => html`<tr><td><kbd>${keys}</kbd></td><td>${does}</td></tr>`)}</tbody>
  </table>`;
  void openDialog({ title: 'Keyboard shortcuts', body, actions: [{ label: 'Close', value: true, primary: true }] });
}
