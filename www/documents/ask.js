// Answers from the user's documents.

import { nothing } from '../vendor/lit-html.js';

/** Whether the next question is asked of the documents. */
export const documentsOn = () => false;

/** Beside the composer: the switch, with the number of documents. */
export function documentsSwitch() {
  return nothing;
}

/**
 * Answers a question from the documents: an async generator of `{content}` as it grows; its last value is `{content, passages, own}`,
 * `own` as under `kinglet` of an answer.
 */
export async function* askDocuments() {}

/** The passages that an answer rests on, to be opened. */
export function citations() {
  return nothing;
}
