// Decisions where `import()` exists: the module's script is fetched with its first use.

import type { WasmFile } from '../types.js';
import { Heads } from './heads.js';
import { call, startModule, type RouteGlue } from './module.js';
import { openRouter, type Router, type RouterOptions } from './router.js';
import type { Signals } from './types.js';

/** See {@link startModule}. */
export function routeModule(file?: WasmFile): Promise<RouteGlue> {
  return startModule(() => import('../../wasm/kinglet_route.js'), file);
}

/** What fits heads. */
export async function openHeads(file?: WasmFile): Promise<Heads> {
  return new Heads(await routeModule(file));
}

/**
 * A router. Loads the Wasm module for decisions with the first one.
 *
 * @example
 * const router = await createRouter({ remotes: [{ name: 'strong', price }], escalation: { target: { escalationRate: 0.1 } } });
 * const step = router.decide({ task: 'intent', prompt_tokens: 40, max_tokens: 8 });
 * const { decision } = router.settle(router.review(step, await fromWebLLM(completion)));
 *
 * @throws KingletError `invalid_request` that names an unknown option or the path of a wrong one; `worker_failed`.
 */
export function createRouter(options?: RouterOptions): Promise<Router> {
  return openRouter(routeModule, options);
}

/** Signals of what another engine has reported, for adapters. */
export async function signalsOf(reported: string): Promise<Signals> {
  const glue = await routeModule();
  return JSON.parse(call(glue, () => glue.reported(reported))) as Signals;
}
