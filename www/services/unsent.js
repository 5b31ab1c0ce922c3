// What was written and not sent, by conversation: it outlives a reload of this tab, and whoever would reload the tab can ask whether there is any.

import { Observable } from '../lib/observable.js';

const PREFIX = 'kinglet.unsent:';

/** By conversation ('' is the one that has not begun): `{text, sent?, edit?: {id, text}}`. `sent`: the text is there for another try. */
const drafts = new Map();

/** Whether something in this tab was written and not sent. */
export const unsent = new Observable(false);

/** A browser that keeps nothing for pages throws already where it is asked for the storage; then it lasts as long as the page. */
function storage(use) {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}

const text = (value) => (typeof value === 'string' ? value : '');

/** A record of the storage, whatever stands there. */
function checked(json) {
  try {
    const { text: written, edit } = JSON.parse(json);
    return { text: text(written), edit: typeof edit?.id === 'string' ? { id: edit.id, text: text(edit.text) } : undefined };
  } catch {
    return { text: '' };
  }
}

const tell = () => (unsent.value = [...drafts.values()].some(({ text, sent, edit }) => (text.trim() !== '' && !sent) || edit !== undefined));

storage((session) => {
  for (const key of Object.keys(session)) if (key.startsWith(PREFIX)) drafts.set(key.slice(PREFIX.length), checked(session.getItem(key)));
});
tell();

const isEmpty = ({ text, edit }) => text === '' && edit === undefined;

/** What stands there for a conversation: `{text, sent?, edit?}`. */
export const draftOf = (conversation = '') => drafts.get(conversation) ?? { text: '' };

/** Changes some fields of it; one that is empty is forgotten. */
export function keepDraft(conversation = '', fields) {
  const draft = { ...draftOf(conversation), ...fields };
  // What was sent is in the conversation: a reload need not bring it back.
  const lasting = { ...draft, text: draft.sent ? '' : draft.text };
  const key = `${PREFIX}${conversation}`;
  if (isEmpty(draft)) drafts.delete(conversation);
  else drafts.set(conversation, draft);
  storage((session) => (isEmpty(lasting) ? session.removeItem(key) : session.setItem(key, JSON.stringify(lasting))));
  tell();
}
