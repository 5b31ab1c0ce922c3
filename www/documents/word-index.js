// The index by words, as the package's own, in a worker: every method gives a promise.

import { stopped } from './refused.js';

const METHODS = ['status', 'remove', 'clear'];

/** Opens the index of that name, with what was kept of it. */
export async function openWordIndex(name) {
  const worker = new Worker(new URL('index-worker.js', import.meta.url), { type: 'module' });
  const waiting = new Map();
  let count = 0;
  let broken;
  const fail = ({ message }) => {
    broken = Object.assign(new Error(`the index of your documents has failed${message ? ` (${message})` : ''}; reload the page`), { code: 'worker_failed' });
    waiting.forEach(({ reject }) => reject(broken));
    waiting.clear();
  };
  worker.addEventListener('error', fail);
  worker.addEventListener('messageerror', fail);
  worker.addEventListener('message', ({ data: { id, value, error } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(Object.assign(new Error(error.message), { code: error.code }));
    else resolve?.(value);
  });
  const call = (method, ...args) =>
    new Promise((resolve, reject) => {
      if (broken) return void reject(broken);
      waiting.set(++count, { resolve, reject });
      worker.postMessage({ id: count, method, args });
    });
  try {
    await call('open', name);
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    ...Object.fromEntries(METHODS.map((method) => [method, (...args) => call(method, ...args)])),
    add: (documents) => call('add', documents),
    search: async (query, { k, signal } = {}) => {
      const found = await call('search', query, { k });
      if (signal?.aborted) throw stopped();
      return found;
    },
    close: () => call('close').finally(() => worker.terminate()),
  };
}
