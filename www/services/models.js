// What a model is called, where it comes from, and which one was used last.

import { parts } from '../lib/split.js';
import { section } from './settings.js';

/**
 * A choice: `{id, name, source}`. `source` is what `createKinglet` takes as `model`; `id` is what the choice is kept and found by: an
 * address, or `file:` and the name for files of this device, which cannot be found again.
 */
export function choiceOf(text) {
  const address = text.trim();
  if (address.startsWith('hf:')) return { id: address, name: nameIn(address), source: address };
  const { href } = new URL(address, document.baseURI);
  return { id: href, name: nameIn(new URL(href).pathname), source: href };
}

/** The choice of files that the user has picked or dropped: one file, or all parts of one. */
export function choiceOfFiles(files) {
  const ordered = parts(files);
  return { id: `file:${ordered[0].name}`, name: ordered[0].name, source: ordered.length === 1 ? ordered[0] : ordered };
}

function nameIn(path) {
  const last = path.split('/').filter(Boolean).at(-1) ?? path;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** The model that was last loaded, `{id, name}`; nothing where it was a file of this device. */
export const lastModel = section('model', { id: '', name: '' }, ({ id, name }) => ({
  id: typeof id === 'string' ? id : '',
  name: typeof name === 'string' ? name : '',
}));
