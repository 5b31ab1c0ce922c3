// The worker that has the index by words: a change of a large one takes longer than the page may stand still.
// It gets `{id, method, args}` and posts `{id, value}` or `{id, error: {code, message}}`.

import { openIndex } from '../pkg/dist/index.js';

let index;
const METHODS = {
  open: async (name) => void (index = await openIndex({ name })),
  status: () => index.status(),
  add: (documents) => index.add(documents),
  remove: (ids) => index.remove(ids),
  clear: () => index.clear(),
  search: (query, options) => index.search(query, options),
  close: () => index.close(),
};

addEventListener('message', async ({ data: { id, method, args } }) => {
  try {
    postMessage({ id, value: await METHODS[method](...args) });
  } catch (error) {
    postMessage({ id, error: { code: error.code ?? 'internal', message: String(error.message ?? error) } });
  }
});
