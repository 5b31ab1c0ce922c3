// A calibration of labelled answers, computed on the device: the same bytes as `kinglet route calibrate`.

import { invalid, refuseOthers } from '../params.js';
import { text } from '../route/text.js';
import { calibrateModule, call } from './module.js';
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
export async function calibrate(rows: readonly CalibrationRow[], options: CalibrateOptions): Promise<Calibrated> {
  if (!Array.isArray(rows)) {
    throw invalid('rows', 'a list of labelled answers', typeof rows);
  }
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', 'an object', options === null ? 'null' : typeof options);
  }
  const { task, target, binding, created, features, scale, cost, despiteLint, wasm, ...others } = options;
  refuseOthers('options', others, () => 'task, target, binding, created, features, scale, cost or despiteLint');
  const day = created ?? new Date().toISOString().slice(0, 10);
  const said = text('options', { task, target, binding, created: day, features, scale, cost, despiteLint });
  const lines = rows.map((row, i) => text(`rows[${i}]`, row)).join('\n');
  const glue = await calibrateModule(wasm);
  return JSON.parse(call(glue, () => glue.calibrate(lines, said))) as Calibrated;
}
