// Where in the page the user is: `#/view/argument`.

import { Observable } from '../lib/observable.js';

/** `{view, args}`: `#/chat/abc` is `{view: 'chat', args: ['abc']}`. */
export const route = new Observable(read());

function read() {
  const [view = '', ...args] = location.hash.replace(/^#\/?/, '').split('/').map(decoded);
  return { view: view || 'chat', args };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a view, for links. */
export const href = (view, ...args) => `#/${[view, ...args].map(encodeURIComponent).join('/')}`;

/** Goes there; `replace`: without a step in the history. */
export function go(view, args = [], { replace = false } = {}) {
  const address = href(view, ...args);
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  route.value = read();
}

addEventListener('popstate', () => (route.value = read()));
addEventListener('hashchange', () => (route.value = read()));
