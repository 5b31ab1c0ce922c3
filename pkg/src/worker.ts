// The module worker: owns the Wasm instance, and with it the engine and the GPU device.

import { adapterName } from './adapter.js';
import { chooseModule } from './module.js';
import type { Port } from './protocol.js';
import { serve } from './serve.js';

const scope = globalThis as unknown as Port;

// A panic unwinds into no promise: it only shows as an uncaught error. The page must hear of it.
function died(message: string): void {
  scope.postMessage({ tag: 'died', message });
}
scope.addEventListener('error', (event: ErrorEvent) => died(event.message));
scope.addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => died(String(event.reason)));

serve(scope, async ({ sources, options, wasm, module }, progress) => {
  const { glue, kind, memory } = await chooseModule({ wasm, kind: module });
  const fresh = memory.buffer.byteLength;
  const engine = await glue.load(sources, options, (phase, loaded, total) => progress({ phase, loaded, total }));
  const info = engine.info();
  const adapter = info.backend === 'gpu' ? await adapterName() : '';
  return {
    start: (request, body) => engine.start(request, body),
    prefill: () => engine.prefill(),
    next: () => engine.next(),
    abort: () => engine.abort(),
    info: () => ({ ...info, module: kind, ...(adapter === '' ? {} : { adapter }) }),
    stats: () => ({ ...engine.stats(), wasm_memory: memory.buffer.byteLength, wasm_memory_fresh: fresh }),
    tokenize: (text, special) => engine.tokenize(text, special),
    detokenize: (ids) => engine.detokenize(ids),
    count: (request) => engine.count(request),
  };
});
