// Long work in slices: between two of them the page answers its user.

import { stopped } from './refused.js';

/** How long a slice may take, ms: well below what a person notices. */
const SLICE_MS = 10;

/** Behind everything that waits already (scheduler.yield() would go ahead of it), and not held up in a hidden tab (as timers are). */
function next() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => (port1.close(), resolve());
    port2.postMessage(0);
  });
}

/**
 * A function to be awaited between two small pieces of work: it gives way when a slice is over, and throws when `signal` has ended the
 * work. `due()` says the same without a promise, for tight loops.
 */
export function pacer(signal) {
  let begun = performance.now();
  const due = () => performance.now() - begun >= SLICE_MS;
  const pace = async () => {
    if (signal?.aborted) throw stopped();
    if (!due()) return;
    await next();
    if (signal?.aborted) throw stopped();
    begun = performance.now();
  };
  return Object.assign(pace, { due });
}
