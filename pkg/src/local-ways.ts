// The ways to an engine from a page, or from a worker of the developer's own; none of them leads to a remote model.

import { KingletError } from './errors.js';
import type { Way, Ways } from './hosts.js';
import { haveLocks, hold } from './lifeline.js';
import type { Calls } from './protocol.js';
import { scopeIs } from './scope.js';
import type { KingletOptions } from './types.js';

/** Everything that the entry `kinglet/local` knows. */
export const LOCAL_WAYS: Ways = {
  worker: openWorker,
  shared: openShared,
  here: openHere,
  tasks: () => import('./tasks/index.js'),
  retrieval: () => import('./retrieval/index.js'),
  deciding: () => import('./deciding.js'),
};

function openWorker({ worker }: Pick<KingletOptions, 'worker'>): Way | undefined {
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

/** One worker for all tabs with the same model and options: the name says which. */
async function openShared(load: Calls['load'][0]): Promise<Way | undefined> {
  if (typeof SharedWorker === 'undefined' || !haveLocks()) {
    return undefined;
  }
  const name = `kinglet ${await keyOf(load)}`;
  const held = hold('tab');
  let worker: SharedWorker;
  try {
    // Bundlers recognise this form. An extended lifetime, where the browser has it, outlasts the way to the next page.
    worker = new SharedWorker(new URL('./shared.js', import.meta.url), { type: 'module', name, extendedLifetime: true } as WorkerOptions);
  } catch (thrown) {
    throw new KingletError('worker_failed', `the shared worker could not be started: ${String(thrown)}`, {}, { cause: thrown });
  }
  const { port } = worker;
  return {
    postMessage: (message, transfer = []) => port.postMessage(message, transfer),
    addEventListener: (type, listener) => (type === 'error' ? worker : port).addEventListener(type, listener),
    start: () => port.start(),
    lock: held.then((lock) => lock?.name),
    terminate: () => {
      port.close();
      void held.then((lock) => lock?.release());
    },
  };
}

function unique(): number[] {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)));
}

/** Equal for equal models and options; a thing that has no equal (a stream, a Blob without a name) makes it unique. */
async function keyOf(load: Calls['load'][0]): Promise<string> {
  const text = JSON.stringify(load, (_, value: unknown) => {
    if (value instanceof WebAssembly.Module) {
      const message = 'invalid request: wasm: expected addresses or bytes for a shared engine, got a compiled module, which cannot be sent there';
      throw new KingletError('invalid_request', message, { param: 'wasm' });
    }
    const { once = false, sha256 } = (value ?? {}) as { once?: boolean; sha256?: string };
    if (once && sha256 === undefined) {
      return unique(); // a stream: its name says nothing of what comes
    }
    if (typeof File !== 'undefined' && value instanceof File) {
      return [value.name, value.size, value.lastModified];
    }
    const plain = typeof value !== 'object' || value === null || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
    return plain ? value : unique();
  });
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Loaded on demand: most pages have the engine in a worker. */
async function openHere(): Promise<Way> {
  try {
    const [here, { LAZY }, { hire }] = await Promise.all([import('./here.js'), import('./glue.js'), import('./hire.js')]);
    // A page's own thread may not sleep, which shards of shared memory do.
    return here.openHere({ browser: LAZY, hire: scopeIs('DedicatedWorkerGlobalScope') ? hire : undefined });
  } catch (thrown) {
    const what = scopeIs('ServiceWorkerGlobalScope') ? 'a service worker has no import(): import "kinglet/service-worker"' : String(thrown);
    throw new KingletError('worker_failed', `the engine could not be started here: ${what}`, {}, { cause: thrown });
  }
}
