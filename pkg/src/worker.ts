// The module worker: owns the Wasm instance, and with it the engine and the GPU device. In any other place importing it
// does nothing.

import { LAZY } from './glue.js';
import { hire } from './hire.js';
import { inspector } from './inspect.js';
import { hold } from './lifeline.js';
import { opener } from './open.js';
import type { Port } from './protocol.js';
import { onDeath, scopeIs } from './scope.js';
import { serve } from './serve.js';
import { keepModel } from './sources/open.js';

if (scopeIs('DedicatedWorkerGlobalScope')) {
  const scope = globalThis as unknown as Port;
  onDeath((message) => scope.postMessage({ tag: 'died', message }));
  serve(scope, opener({ host: 'worker', browser: LAZY, hire }), {
    lock: hold('worker').then((held) => held?.name),
    inspect: inspector({ browser: LAZY, hire }),
    keep: ({ sources, reading = {}, check = false }, progress, notice) => keepModel(sources, reading, { progress, notice }, check),
  });
}
