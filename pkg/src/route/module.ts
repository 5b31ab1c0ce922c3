// The Wasm module for decisions: had once, with its first use, wherever JavaScript runs.

import { fromWire, isWire, KingletError } from '../errors.js';
import type { WasmFile } from '../types.js';

/** What wasm-bindgen generates from `route/src/wasm.rs`, and what xtask/src/pkg.rs adds to it: JSON texts in and out. */
export interface RouteGlue {
  default(options?: { module_or_path: unknown }): Promise<unknown>;
  Router: new (policy: string, profiles: string[], binding: string) => RawRouter;
  fresh(): string;
  explain(trace: string): string;
  reported(answer: string): string;
  /** Heads of `classify` (tasks/head.ts): route/src/wasm_head.rs. */
  fit_head(states: Float32Array, labels: Uint32Array, names: string[], binding: string, options: string): string;
  Head: new (text: string, binding: string) => { labels(): string[]; predict(state: Float32Array): Float64Array };
  /** Forgets the instance; the next `default` makes another. */
  discard(): void;
}

/** A router's half in the module. */
export interface RawRouter {
  decide(id: string, facts: string, state: string): string;
  review(step: string, answer: string): string;
  settle(review: string, outcome: string, state: string): string;
  replay(trace: string): string;
  config(): string;
}

let started: Promise<RouteGlue> | undefined;

/**
 * The module. `file`: its Wasm, where a host must serve it itself; without effect once it is there.
 *
 * @throws KingletError `worker_failed` when it cannot be had.
 */
export async function routeModule(file?: WasmFile): Promise<RouteGlue> {
  started ??= start(file);
  try {
    return await started;
  } catch (thrown) {
    started = undefined; // the next use begins anew
    const message = `the Wasm module for decisions could not be started: ${String(thrown)}`;
    throw new KingletError('worker_failed', message, {}, { cause: thrown });
  }
}

async function start(file: WasmFile | undefined): Promise<RouteGlue> {
  const glue = (await import('../../wasm/kinglet_route.js')) as unknown as RouteGlue;
  const wasm = file ?? onDisk();
  await glue.default(wasm === undefined ? undefined : { module_or_path: wasm });
  return glue;
}

interface Process {
  versions?: { node?: string };
  getBuiltinModule?(name: 'node:fs'): { readFileSync(file: URL): Uint8Array };
}

/** Node's `fetch` reads no files, so there the file is read; everywhere else the script finds what lies beside it. */
function onDisk(): Uint8Array | undefined {
  const scope = globalThis as { process?: Process; Deno?: unknown; Bun?: unknown };
  const { process } = scope;
  if (process?.versions?.node === undefined || scope.Deno !== undefined || scope.Bun !== undefined) {
    return undefined;
  }
  const file = new URL('../../wasm/kinglet_route_bg.wasm', import.meta.url);
  if (file.protocol !== 'file:') {
    return undefined;
  }
  if (process.getBuiltinModule === undefined) {
    throw new Error('this version of Node cannot read it (20.16 can): give its bytes as the option `wasm`');
  }
  return process.getBuiltinModule('node:fs').readFileSync(file);
}

/**
 * Calls into the module. What it says itself keeps its code; anything else is a crash, after which its memory cannot be
 * trusted: it is given up, and the next use starts another.
 */
export function call<T>(glue: RouteGlue, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (isWire(thrown)) {
      throw fromWire(thrown);
    }
    started = undefined;
    glue.discard();
    const message = `the Wasm module for decisions crashed (${String(thrown)}); create the router again with its last \`state\``;
    throw new KingletError('internal', message, {}, { cause: thrown });
  }
}
