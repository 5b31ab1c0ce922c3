// Changed settings hold from the next load of the model on: it is loaded again, after the answer that is being written.

import { Observable } from '../lib/observable.js';
import { toast } from '../lib/toast.js';
import { idleHere } from '../services/busy.js';
import { engine, reloadModel } from '../services/engine.js';
import { changedElsewhere } from '../services/settings.js';
import { escalationSettings } from './config.js';

/** What is going on, in words; empty: nothing. */
export const applying = new Observable('');

let latest = 0;

/** Puts the settings to use. The conversation stays as it is. `elsewhere`: it was not the user of this tab who changed them. */
export async function applied({ elsewhere = false } = {}) {
  const mine = ++latest;
  if (engine.value.status === 'none' || engine.value.status === 'failed') {
    if (!elsewhere) toast('Saved. It holds when a model is loaded.');
    return;
  }
  applying.value = `${elsewhere ? 'Changed in another tab' : 'Saved'}. The model is loaded again with it after the answer that is being written; your conversation stays.`;
  await idleHere();
  if (mine !== latest) return; // something was changed since
  const { status, error } = await reloadModel();
  if (mine !== latest) return;
  applying.value = '';
  toast(status === 'ready' ? `${elsewhere ? 'Settings were changed in another tab. ' : ''}The new settings hold now.` : `The model could not be loaded with these settings: ${error?.message ?? 'see Models'}`);
}

/** From now on nothing leaves by settings that are not those of now, and what another tab changes is put to use here, too. */
export function keepToSettings() {
  escalationSettings.subscribe(() => engine.value.kinglet?.consents?.withdraw());
  changedElsewhere.subscribe((names) => names.some((name) => name === 'escalation' || name === 'calibration') && void applied({ elsewhere: true }));
}
