// What a model is called, where it comes from, and which one was used last.

import { parts, partOf } from '../lib/split.js';
import { loadModel } from './engine.js';
import { find } from './stored.js';
import { section } from './settings.js';

/**
 * A choice: `{id, name, source}`. `source` is what `createKinglet` takes as `model`; `id` is what the choice is kept and found by: an
 * address, or `file:` and the name for files of this device, which cannot be found again.
 *
 * @throws TypeError where the text is no address.
 */
export function choiceOf(text) {
  const address = text.trim();
  if (address.startsWith('hf:')) return { id: address, name: nameIn(address), source: address };
  const { href, pathname, protocol } = new URL(address, document.baseURI);
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`no address of a file: ${protocol}`);
  return { id: href, name: nameIn(pathname), source: href };
}

/** The choice of files that the user has picked or dropped: one file, or all parts of one. */
export function choiceOfFiles(files) {
  const ordered = parts(files);
  const { name } = ordered[0];
  return { id: `file:${name}`, name: partOf(name)?.base ?? name, source: ordered.length === 1 ? ordered[0] : ordered };
}

/** The choice of an entry of the catalogue; what its bytes must be comes with it, where that is known. */
export function choiceOfEntry({ name, repo, file, revision, url, sha256 }) {
  const { id } = choiceOf(url ?? `hf:${repo}${revision ? `@${encodeURIComponent(revision)}` : ''}/${file}`);
  const where = url ? { url: id } : { repo, file, ...(revision ? { revision } : {}) };
  return { id, name, source: sha256 ? { ...where, sha256 } : url ? id : where };
}

function nameIn(path) {
  const last = path.split('/').filter(Boolean).at(-1) ?? path;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** The model that the user has loaded last, `{id, name}`; nothing where it was a file of this device. */
const lastModel = section('model', { id: '', name: '' }, ({ id, name }) =>
  typeof id === 'string' && typeof name === 'string' ? { id, name } : {},
);

/** Loads what the user chose, and remembers it; resolves as `loadModel`. */
export async function chooseModel(choice) {
  const state = await loadModel(choice);
  if (state.status === 'ready' && state.model.id === choice.id) {
    lastModel.value = choice.id.startsWith('file:') ? { id: '', name: '' } : { id: choice.id, name: choice.name };
  }
  return state;
}

/** What a visit begins with: the choice that its address names, else that of the last visit, else what the host offers. */
export async function firstModel(asked, offered) {
  const choice = asked ?? (await rememberedModel()) ?? offered;
  if (typeof choice !== 'string') return choice;
  try {
    return choiceOf(choice);
  } catch {
    return { id: choice, name: choice, source: choice }; // loading it says what is wrong with it
  }
}

/** The model of the last visit, if all of it is still on this device; else undefined. */
async function rememberedModel() {
  const { id, name } = lastModel.value;
  try {
    return id && (await find(id)) ? { ...choiceOf(id), name } : undefined;
  } catch {
    return undefined;
  }
}
