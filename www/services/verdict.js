// Whether a model will run here, asked of the file itself: its header is read, and this device is measured.

import { availability } from '../pkg/dist/index.js';
import { Observable } from '../lib/observable.js';
import { engineSettings } from './settings.js';

/** Exact answers by a choice's id: `{status: 'asking' | 'failed' | what availability says, …}`. */
export const verdicts = new Observable({});

const note = (id, verdict) => (verdicts.value = { ...verdicts.value, [id]: verdict });

/** Asks the file itself; only its header is read. Resolves to what was found. */
export async function ask({ id, source }) {
  note(id, { status: 'asking' });
  const { backend, context, cacheType } = engineSettings.value;
  try {
    const found = await availability({ model: source, backend, cacheType, ...(context ? { context } : {}) });
    note(id, found);
    return found;
  } catch (error) {
    const failed = { status: 'failed', error };
    note(id, failed);
    return failed;
  }
}

// With other settings the answers are others.
engineSettings.subscribe(() => (verdicts.value = {}));
