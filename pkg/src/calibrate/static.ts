// Calibrations in a service worker, which has no `import()`: the module's script is there, its Wasm is fetched with its first use.

import * as glue from '../../wasm/kinglet_calibrate.js';
import { calibrateWith } from './compute.js';
import { calibrateModule } from './module.js';
import type { Calibrated, CalibrateOptions, CalibrationRow } from './types.js';

/** As that of `kinglet/route`. */
export function calibrate(rows: readonly CalibrationRow[], options: CalibrateOptions): Promise<Calibrated> {
  return calibrateWith((file) => calibrateModule(async () => glue, file), rows, options);
}
