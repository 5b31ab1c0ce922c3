// The module worker: owns the Wasm instance, and with it the engine and the GPU device.

import * as generated from '../wasm/kinglet.js';
import { adapterName } from './adapter.js';
import { KingletError } from './errors.js';
import type { Engine, Port } from './protocol.js';
import { serve } from './serve.js';
import type { Phase, Stats } from './types.js';

/** What wasm-bindgen generates from `src/wasm`. */
interface Bindings {
  default(options?: { module_or_path: unknown }): Promise<{ memory: WebAssembly.Memory }>;
  /** Loads a model; `progress(phase, loaded, total)` is the only call from Rust into JavaScript. */
  load(
    sources: (string | Blob)[],
    options: unknown,
    progress: (phase: Phase, loaded: number, total: number) => void,
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

async function instantiate(wasm: unknown): Promise<WebAssembly.Memory> {
  if (typeof WebAssembly === 'undefined') {
    throw new KingletError('unsupported_browser', 'this browser has no WebAssembly, which kinglet needs');
  }
  try {
    return (await bindings.default(wasm === undefined ? undefined : { module_or_path: wasm })).memory;
  } catch (thrown) {
    throw new KingletError('worker_failed', `the Wasm module could not be started: ${String(thrown)}`);
  }
}

serve(scope, async ({ sources, options, wasm }, progress) => {
  const memory = await instantiate(wasm);
  const fresh = memory.buffer.byteLength;
  const engine = await bindings.load(sources, options, (phase, loaded, total) => progress({ phase, loaded, total }));
  const info = engine.info();
  const adapter = info.backend === 'gpu' ? await adapterName() : '';
  return {
    start: (kind, request) => engine.start(kind, request),
    prefill: () => engine.prefill(),
    next: () => engine.next(),
    abort: () => engine.abort(),
    info: () => (adapter === '' ? info : { ...info, adapter }),
    stats: () => ({ ...engine.stats(), wasm_memory: memory.buffer.byteLength, wasm_memory_fresh: fresh }),
    tokenize: (text, special) => engine.tokenize(text, special),
    detokenize: (ids) => engine.detokenize(ids),
    count: (request) => engine.count(request),
  };
});

