// A calibration of labelled answers, computed on the device: the same bytes as `kinglet route calibrate`.

import { invalid, refuseOthers } from '../params.js';
import { text } from '../route/text.js';
import type { WasmFile } from '../types.js';
import { call, type CalibrateGlue } from './module.js';
import type { Calibrated, CalibrateOptions, CalibrationRow } from './types.js';

/** How a calibration is made. */
export type Calibrate = (rows: readonly CalibrationRow[], options: CalibrateOptions) => Promise<Calibrated>;

/** Makes one; `module`: how the Wasm module is had. */
export async function calibrateWith(
  module: (file?: WasmFile) => Promise<CalibrateGlue>,
  rows: readonly CalibrationRow[],
  options: CalibrateOptions,
): Promise<Calibrated> {
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
  const glue = await module(wasm);
  return JSON.parse(call(glue, () => glue.calibrate(lines, said))) as Calibrated;
}
