// Changed settings hold from the next load of the model on: it is loaded again, after the answer that is being written.

import { Observable } from '../lib/observable.js';
import { toast } from '../lib/toast.js';
import { idleHere } from '../services/busy.js';
import { engine, reloadModel } from '../services/engine.js';

/** What is going on, in words; empty: nothing. */
export const applying = new Observable('');

let latest = 0;

/** Puts the settings to use. The conversation stays as it is. */
export async function applied() {
  const mine = ++latest;
  if (engine.value.status === 'none' || engine.value.status === 'failed') {
    toast('Saved. It holds when a model is loaded.');
    return;
  }
  applying.value = 'Saved. The model is loaded again with it after the answer that is being written; your conversation stays.';
  await idleHere();
  if (mine !== latest) return; // something was changed since
  const { status, error } = await reloadModel();
  if (mine !== latest) return;
  applying.value = '';
  toast(status === 'ready' ? 'The new settings hold now.' : `The model could not be loaded with these settings: ${error?.message ?? 'see Models'}`);
}
