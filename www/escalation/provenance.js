// Where an answer came from, and what can be done about it.

import { nothing } from '../vendor/lit-html.js';

/** One line below an answer: `message` as www/views/chat keeps it. */
export function provenance() {
  return nothing;
}

/** Buttons beside copy and regenerate; `turn.replace(run)` lets another answer take the message's place. */
export function answerActions() {
  return nothing;
}
