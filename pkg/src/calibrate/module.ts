// The Wasm module for calibrations: had once, with its first use, wherever JavaScript runs. Most pages never fetch it.

import { fromWire, isWire, KingletError } from '../errors.js';
import { onDisk, type LoadGlue } from '../route/module.js';
import type { WasmFile } from '../types.js';

/** What wasm-bindgen generates from `calibrate/src/wasm.rs`, and what xtask/src/pkg.rs adds to it: JSON texts in and out. */
export interface CalibrateGlue {
  default(options?: { module_or_path: unknown }): Promise<unknown>;
  calibrate(rows: string, options: string): string;
  /** Forgets the instance; the next `default` makes another. */
  discard(): void;
}

let started: Promise<CalibrateGlue> | undefined;

/**
 * The module; `load`: how its script is had. `file`: its Wasm, where a host must serve it itself; without effect once it is there.
 *
 * @throws KingletError `worker_failed` when it cannot be had.
 */
export async function calibrateModule(load: LoadGlue, file?: WasmFile): Promise<CalibrateGlue> {
  started ??= start(load, file);
  try {
    return await started;
  } catch (thrown) {
    started = undefined; // the next use begins anew
    const message = `the Wasm module for calibrations could not be started: ${String(thrown)}`;
    throw new KingletError('worker_failed', message, {}, { cause: thrown });
  }
}

async function start(load: LoadGlue, file: WasmFile | undefined): Promise<CalibrateGlue> {
  const glue = (await load()) as CalibrateGlue;
  const wasm = file ?? onDisk(new URL('../../wasm/kinglet_calibrate_bg.wasm', import.meta.url));
  await glue.default(wasm === undefined ? undefined : { module_or_path: wasm });
  return glue;
}

/** Calls into the module; after a crash its memory cannot be trusted, and the next use starts another. */
export function call<T>(glue: CalibrateGlue, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (isWire(thrown)) {
      throw fromWire(thrown);
    }
    started = undefined;
    glue.discard();
    throw new KingletError('internal', `the Wasm module for calibrations crashed (${String(thrown)})`, {}, { cause: thrown });
  }
}
