// The Wasm module for decisions: had once, with its first use, wherever JavaScript runs.

import { fromWire, isWire, KingletError } from '../errors.js';
import type { WasmFile } from '../types.js';

/** What wasm-bindgen generates from `route/src/wasm.rs`, and what xtask/src/pkg.rs adds to it: JSON texts in and out. */
export interface RouteGlue {
  default(options?: { module_or_path: unknown }): Promise<unknown>;
  Router: new (policy: string, profiles: string[], binding: string) => RawRouter;
  fresh(): string;
  check_state(state: string): void;
  acknowledge(kind: string, state: string): string;
  explain(trace: string): string;
  reported(answer: string): string;
  /** Heads of `classify` (tasks/head.ts): route/src/wasm_head.rs. */
  fit_head(states: Float32Array, labels: Uint32Array, names: string[], binding: string, options: string): string;
  Head: new (text: string, binding: string) => RawHead;
  /** Budgets (ledger/book.ts): route/src/wasm_budget.rs. */
  budget(policy: string, state: string, now: number, call: string): string;
  summarise_ledger(rows: string): string;
  /** Makes an instance of what was compiled before. */
  initSync(options: { module: unknown }): unknown;
  /** Forgets the instance; the next `default` makes another. Gives what it was compiled to. */
  discard(): unknown;
}

/** A router's half in the module. */
export interface RawRouter {
  decide(id: string, facts: string, state: string, binding?: string): string;
  review(step: string, answer: string): string;
  settle(review: string, outcome: string, state: string): string;
  audit(trace: string, right: boolean, state: string): string;
  replay(trace: string): string;
  config(binding?: string): string;
}

/** A head's half in the module. */
export interface RawHead {
  labels(): string[];
  predict(state: Float32Array): Float64Array;
}

/** How the module's script is had: fetched (lazy.ts), or there from the beginning (static.ts). */
export type LoadGlue = () => Promise<unknown>;

let started: Promise<RouteGlue> | undefined;

/**
 * The module. `file`: its Wasm, where a host must serve it itself; without effect once it is there.
 *
 * @throws KingletError `worker_failed` when it cannot be had.
 */
export async function startModule(load: LoadGlue, file?: WasmFile): Promise<RouteGlue> {
  started ??= start(load, file);
  try {
    return await started;
  } catch (thrown) {
    started = undefined; // the next use begins anew
    const message = `the Wasm module for decisions could not be started: ${String(thrown)}`;
    throw new KingletError('worker_failed', message, {}, { cause: thrown });
  }
}

async function start(load: LoadGlue, file: WasmFile | undefined): Promise<RouteGlue> {
  return begin((await load()) as RouteGlue, file ?? onDisk(new URL('../../wasm/kinglet_route_bg.wasm', import.meta.url)));
}

async function begin(glue: RouteGlue, wasm: unknown): Promise<RouteGlue> {
  await glue.default(wasm === undefined ? undefined : { module_or_path: wasm });
  ready = true;
  return glue;
}

interface Process {
  versions?: { node?: string };
  getBuiltinModule?(name: 'node:fs'): { readFileSync(file: URL): Uint8Array };
}

/** Node's `fetch` reads no files, so there the file is read; everywhere else the script finds what lies beside it. */
export function onDisk(file: URL): Uint8Array | undefined {
  const scope = globalThis as { process?: Process; Deno?: unknown; Bun?: unknown };
  const { process } = scope;
  if (process?.versions?.node === undefined || scope.Deno !== undefined || scope.Bun !== undefined) {
    return undefined;
  }
  if (file.protocol !== 'file:') {
    return undefined;
  }
  if (process.getBuiltinModule === undefined) {
    throw new Error('this version of Node cannot read it (20.16 can): give its bytes as the option `wasm`');
  }
  return process.getBuiltinModule('node:fs').readFileSync(file);
}

/** Counts the instances: what was made in an earlier one went with it. */
let instance = 0;
/** There is one. */
let ready = false;

/**
 * Calls into the module. What it says itself keeps its code; anything else is a crash, after which its memory cannot be
 * trusted: the instance is given up for another one.
 */
export function call<T>(glue: RouteGlue, work: () => T): T {
  if (!ready) {
    throw new KingletError('internal', 'the Wasm module for decisions is being started again after a crash; ask again');
  }
  try {
    return work();
  } catch (thrown) {
    if (isWire(thrown)) {
      throw fromWire(thrown);
    }
    restart(glue);
    const message = `the Wasm module for decisions crashed (${String(thrown)}) and was started again; this call changed nothing`;
    throw new KingletError('internal', message, {}, { cause: thrown });
  }
}

function restart(glue: RouteGlue): void {
  instance += 1;
  const module = glue.discard();
  try {
    glue.initSync({ module });
  } catch {
    ready = false; // older browsers do this in a page only behind a promise
    started = begin(glue, module);
    started.catch(() => undefined); // whoever asks next hears of it
  }
}

/** What was made in the module, and is made again in another instance of it. */
export class Made<T> {
  private made: { instance: number; object: T } | undefined;

  constructor(
    private readonly glue: RouteGlue,
    private readonly make: () => T,
  ) {}

  /** Calls it. */
  call<R>(work: (object: T) => R): R {
    return call(this.glue, () => {
      if (this.made?.instance !== instance) {
        this.made = { instance, object: this.make() };
      }
      return work(this.made.object);
    });
  }
}
