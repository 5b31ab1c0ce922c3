// The module worker: owns the Wasm instance, and with it the engine and the GPU device.

import * as generated from '../wasm/kinglet.js';
import type { Engine, Port } from './protocol.js';
import { serve } from './serve.js';
import type { Stats } from './types.js';

/** What wasm-bindgen generates from `src/wasm`. */
interface Bindings {
  default(options?: { module_or_path: unknown }): Promise<{ memory: WebAssembly.Memory }>;
  /** Loads a model; `progress(phase, loaded, total)` is the only call from Rust into JavaScript. */
  load(
    sources: (string | Blob)[],
    options: unknown,
    progress: (phase: 'download', loaded: number, total: number) => void,
  ): Promise<Omit<Engine, 'stats'> & { stats(): Pick<Stats, 'dispatches' | 'submits'> }>;
}

const bindings = generated as unknown as Bindings;
const scope = globalThis as unknown as Port;

// A panic unwinds into no promise: it only shows as an uncaught error. The page must hear of it.
function died(message: string): void {
  scope.postMessage({ tag: 'died', message });
}
scope.addEventListener('error', (event: ErrorEvent) => died(event.message));
scope.addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => died(String(event.reason)));

serve(scope, async ({ sources, options, wasm }, progress) => {
  const { memory } = await bindings.default(wasm === undefined ? undefined : { module_or_path: wasm });
  const fresh = memory.buffer.byteLength;
  const engine = await bindings.load(sources, options, (phase, loaded, total) => progress({ phase, loaded, total }));
  return {
    start: (kind, request) => engine.start(kind, request),
    next: () => engine.next(),
    abort: () => engine.abort(),
    info: () => engine.info(),
    stats: () => ({ ...engine.stats(), wasm_memory: memory.buffer.byteLength, wasm_memory_fresh: fresh }),
    tokenize: (text, special) => engine.tokenize(text, special),
    detokenize: (ids) => engine.detokenize(ids),
    count: (request) => engine.count(request),
  };
});

