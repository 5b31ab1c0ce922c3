// Asks the worker of the conversations (worker.js), which begins with the first question.

import { Refused } from './transfer.js';

let worker;
let last = 0;
const waiting = new Map();

function begin() {
  worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(error.refused ? new Refused(error.message) : new DOMException(error.message, error.name));
    else resolve?.(value);
  };
  worker.onerror = ({ message }) => {
    worker.terminate();
    worker = undefined;
    for (const { reject } of waiting.values()) reject(new Error(`the worker has ended: ${message ?? 'it could not be loaded'}`));
    waiting.clear();
  };
}

/** The answer of one of its functions. */
export function ask(name, args, signal) {
  if (!worker) begin();
  const id = (last += 1);
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, name, args });
    signal?.addEventListener('abort', () => {
      if (!waiting.delete(id)) return;
      worker?.postMessage({ id, abort: true });
      reject(signal.reason);
    });
  });
}
