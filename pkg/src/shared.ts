// The shared worker: one engine for all tabs of the origin that ask for this model with these options. In any other place
// importing it does nothing.

import { LAZY } from './glue.js';
import { hire } from './hire.js';
import { hold } from './lifeline.js';
import { opener } from './open.js';
import { onDeath, scopeIs } from './scope.js';
import { Host } from './serve.js';

/** How long the engine stays when the last tab has let go of it: long enough for the next page of the same site. */
const LINGER_MS = 15_000;
/** How long a tab may leave its answer lying while another waits: a tab that the browser has frozen pulls no more. */
const PATIENCE_MS = 60_000;

if (scopeIs('SharedWorkerGlobalScope')) {
  const scope = globalThis as unknown as { close(): void; addEventListener: typeof addEventListener };
  let lingering: ReturnType<typeof setTimeout> | undefined;
  const host = new Host(opener({ host: 'shared', browser: LAZY, hire }), {
    lock: hold('shared worker').then((held) => held?.name),
    patience: PATIENCE_MS,
    changed: (clients) => {
      clearTimeout(lingering);
      lingering = clients === 0 ? setTimeout(() => scope.close(), LINGER_MS) : undefined;
    },
    died: () => scope.close(), // the next tab that asks gets another
  });
  onDeath((message) => host.die(message));
  scope.addEventListener('connect', (event) => {
    const [port] = (event as MessageEvent).ports;
    if (port !== undefined) {
      host.connect(port);
    }
  });
}
