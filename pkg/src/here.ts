// The engine in the calling thread, behind the same protocol as everywhere: a service worker's only way, a test's simplest.

import type { Way } from './hosts.js';
import { inspector } from './inspect.js';
import { discardInstances } from './module.js';
import { opener, type Place } from './open.js';
import { serve, type Host } from './serve.js';

/** The engines of this thread. Those of one build share its instance. */
const hosts = new Set<Host>();

/** One of them has crashed; a step that does so does not say in which. All end, and each comes back with its next request. */
function crash(message: string): void {
  const ended = [...hosts];
  hosts.clear();
  discardInstances();
  ended.forEach((host) => host.crash(message));
}

/** An engine of its own for the caller. */
export function openHere(place: Omit<Place, 'host'>): Way {
  const { port1, port2 } = new MessageChannel();
  const host = serve(port2, opener({ ...place, host: 'here' }), { inspect: inspector(place), crashed: crash });
  hosts.add(host);
  // A panic unwinds into no promise. Other uncaught errors of this thread are not the engine's.
  const onError = ({ error, message }: ErrorEvent) => {
    if (error instanceof WebAssembly.RuntimeError) {
      crash(message);
    }
  };
  globalThis.addEventListener?.('error', onError);
  return {
    postMessage: (message, transfer = []) => port1.postMessage(message, transfer),
    addEventListener: (type, listener) => port1.addEventListener(type, listener),
    start: () => port1.start(),
    terminate: () => {
      globalThis.removeEventListener?.('error', onError);
      port1.close();
      hosts.delete(host);
      void host.close();
    },
  };
}
