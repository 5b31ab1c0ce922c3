// Which model is used: the one that the user chooses, that was used last, or that the host offers.

import { addressOf, choiceOf } from '../lib/choice.js';
import { confirmed } from '../lib/dialog.js';
import { html } from '../vendor/lit-html.js';
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

/**
 * What a visit begins with: the choice that its address names, else that of the last visit, else what the host offers. A link comes from
 * anywhere: what it names of another site, and what is not here yet, is fetched only after a yes.
 */
export async function firstModel(asked, offered) {
  if (asked !== undefined) {
    const choice = choiceIn(asked);
    if ((await known(choice)) || (await wanted(choice))) return choice;
  }
  const choice = (await rememberedModel()) ?? offered;
  return typeof choice === 'string' ? choiceIn(choice) : choice;
}

function choiceIn(choice) {
  try {
    return choiceOf(choice);
  } catch {
    return { id: choice, name: choice, source: choice }; // loading it says what is wrong with it
  }
}

const hostOf = ({ id }) => (URL.canParse(addressOf(id)) ? new URL(addressOf(id)) : location);

const known = async (choice) => hostOf(choice).origin === location.origin || (await find(choice.id).catch(() => undefined)) !== undefined;

const wanted = (choice) =>
  confirmed(
    `Load ${choice.name} from ${hostOf(choice).host}?`,
    html`<p>The link that has opened this page names this model. It comes from another site, may be large, and is kept on this device. Load it only if you trust where the link came from.</p>
      <p class="muted">${addressOf(choice.id)}</p>`,
    'Load it',
    { danger: false },
  );

/** The model of the last visit, if all of it is still on this device; else undefined. */
async function rememberedModel() {
  const { id, name } = lastModel.value;
  try {
    return id && (await find(id)) ? { ...choiceOf(id), name } : undefined;
  } catch {
    return undefined;
  }
}
