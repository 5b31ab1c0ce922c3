// Which model is used: the one that the user chooses, that was used last, or that the host offers.

import { choiceOf } from '../lib/choice.js';
import { loadModel } from './engine.js';
import { find } from './stored.js';
import { section } from './settings.js';

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
