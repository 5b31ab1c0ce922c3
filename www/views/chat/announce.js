// What screen readers are told: that an answer has begun, and, whole, the finished one; not each word as it comes.

import { path, running, session } from './session.js';

/** Longer answers are begun to be read; the rest is in the list of messages. */
const MOST = 1500;

const LEAD = { done: 'Answer', stopped: 'Stopped', interrupted: 'Interrupted', failed: 'The answer has failed' };

/** Tells `element`, until the returned function is called. */
export function announce(element) {
  let ran = new Map();
  return running.subscribe((runs) => {
    const id = session.value.id;
    const last = path().at(-1);
    if (runs.has(id) && !ran.has(id)) element.textContent = 'Answering…';
    if (!runs.has(id) && ran.has(id) && last?.role === 'assistant') {
      const text = last.content.length > MOST ? `${last.content.slice(0, MOST)}… The rest is in the list of messages.` : last.content;
      element.textContent = `${LEAD[last.status] ?? 'Answer'}: ${text}`;
    }
    ran = runs;
  });
}
