// What happened to the engine since the page was opened (docs/api.md, Notices): kept for whoever looks later.

import { Observable } from '../lib/observable.js';

/** As many as a person would read. */
const MOST = 200;

/** `{time, code, message}`, the oldest first. The details may quote a request, and are not kept. */
export const notices = new Observable([]);

export function noted({ code, message }) {
  notices.value = [...notices.value, { time: Date.now(), code, message }].slice(-MOST);
}
