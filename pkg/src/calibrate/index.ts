// Calibrations where `import()` exists: the module's script is fetched with its first use.

import { calibrateWith } from './compute.js';
import { calibrateModule } from './module.js';
import type { Calibrated, CalibrateOptions, CalibrationRow } from './types.js';

/**
 * Makes a calibration of labelled answers. Fetches a Wasm module of its own, and computes in this thread: some tenths of a
 * second for a thousand rows.
 *
 * @example
 * const { profile, findings } = await calibrate(rows, { task: 'intent', target: { risk: 0.05 }, binding });
 *
 * @throws KingletError `cannot_certify` with `detail.n` and `detail.needed`, where the rows do not bear the promise;
 * `invalid_request` with the line (of `rows`, from 1) or the path of what makes no sense; `worker_failed`.
 */
export function calibrate(rows: readonly CalibrationRow[], options: CalibrateOptions): Promise<Calibrated> {
  return calibrateWith((file) => calibrateModule(() => import('../../wasm/kinglet_calibrate.js'), file), rows, options);
}
