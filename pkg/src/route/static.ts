// Decisions in a service worker, which has no `import()`: the module's script is there, its Wasm is fetched with its first use.

import * as glue from '../../wasm/kinglet_route.js';
import type { WasmFile } from '../types.js';
import { Heads } from './heads.js';
import { startModule, type RouteGlue } from './module.js';
import { openRouter, type Router, type RouterOptions } from './router.js';

/** See {@link startModule}. */
export function routeModule(file?: WasmFile): Promise<RouteGlue> {
  return startModule(async () => glue, file);
}

/** What fits heads. */
export async function openHeads(file?: WasmFile): Promise<Heads> {
  return new Heads(await routeModule(file));
}

/** As that of `kinglet/route`. */
export function createRouter(options?: RouterOptions): Promise<Router> {
  return openRouter(routeModule, options);
}
