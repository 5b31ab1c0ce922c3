// The ways to an engine from a page, or from a worker of the developer's own.

import { KingletError } from './errors.js';
import type { Way, Ways } from './hosts.js';
import type { KingletOptions } from './types.js';

/** Everything that the main entry of the package knows. */
export const WAYS: Ways = { worker: openWorker };

function openWorker({ worker }: KingletOptions): Way | undefined {
  if (typeof worker === 'object' && !(worker instanceof URL)) {
    return worker;
  }
  try {
    if (typeof worker === 'function') {
      return worker();
    }
    if (typeof Worker === 'undefined') {
      return undefined;
    }
    // Bundlers recognise this exact form.
    return worker === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'kinglet' })
      : new Worker(worker, { type: 'module', name: 'kinglet' });
  } catch (thrown) {
    throw new KingletError('worker_failed', `the worker could not be started: ${String(thrown)}`, {}, { cause: thrown });
  }
}
