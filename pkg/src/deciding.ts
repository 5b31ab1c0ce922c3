// Decisions on this engine's answers, as a page has them: fetched where an option of docs/routing.md is given. A service worker
// has them from the beginning (service-worker.ts).

import type { Calibrate } from './calibrate/compute.js';
import type { Decisions } from './escalation.js';
import type { Heads } from './route/heads.js';
import type { Router, RouterOptions } from './route/router.js';
import type { WasmFile } from './types.js';

export { calibrate } from './calibrate/index.js';
export { Decisions } from './escalation.js';
export { createRouter, openHeads } from './route/lazy.js';

/** How this module is had. */
export interface DecidingModule {
  Decisions: typeof Decisions;
  createRouter(options?: RouterOptions): Promise<Router>;
  /** The same Wasm module also fits heads. */
  openHeads(file?: WasmFile): Promise<Heads>;
  /** Has a Wasm module of its own. */
  calibrate: Calibrate;
}
