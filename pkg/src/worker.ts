// The module worker: owns the Wasm instance, and with it the engine and the GPU device.

import { adapterName } from './adapter.js';
import { chooseModule, type Recruit } from './module.js';
import type { Port } from './protocol.js';
import { Recruiter } from './recruit.js';
import { RequestCount } from './requests.js';
import { serve } from './serve.js';
import { loadFrom, openSources } from './sources/open.js';
import type { Phase } from './types.js';

const scope = globalThis as unknown as Port;

// A panic unwinds into no promise: it only shows as an uncaught error. The page must hear of it.
function died(message: string): void {
  scope.postMessage({ tag: 'died', message });
}
scope.addEventListener('error', (event: ErrorEvent) => died(event.message));
scope.addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => died(String(event.reason)));

serve(scope, async ({ sources, options, wasm, module }, progress) => {
  const requests = new RequestCount();
  const chosen = await chooseModule({ wasm, kind: module });
  const { glue, kind, memory } = chosen;
  const recruiter = new Recruiter(chosen);
  const fresh = memory.buffer.byteLength;
  progress({ phase: 'download', loaded: 0, total: 0 });
  const readers = await openSources(sources);
  const report = (phase: Phase, loaded: number, total: number) => progress({ phase, loaded, total });
  const recruit: Recruit = (threads, bytes) => recruiter.recruit(threads, bytes);
  const engine = await loadFrom(readers, (all) => glue.load([...all], options, report, recruit));
  const info = { ...engine.info(), module: kind, ...recruiter.info };
  const adapter = info.backend === 'gpu' ? await adapterName() : '';
  requests.begin();
  return {
    start: (request, body) => engine.start(request, body),
    prefill: () => engine.prefill(),
    next: () => engine.next(),
    abort: () => engine.abort(),
    info: () => (adapter === '' ? info : { ...info, adapter }),
    stats: () => ({
      ...engine.stats(),
      wasm_memory: memory.buffer.byteLength + recruiter.memory('now'),
      wasm_memory_fresh: fresh + recruiter.memory('fresh'),
      requests: requests.now + recruiter.requests,
    }),
    tokenize: (text, special) => engine.tokenize(text, special),
    detokenize: (ids) => engine.detokenize(ids),
    count: (request) => engine.count(request),
  };
});
