// The public types of calibration in a page: labelled answers in, a reviewable document out (docs/calibration.md).

import type { Binding, Profile, Signals, Target } from '../route/types.js';
import type { WasmFile } from '../types.js';

/** A labelled answer: one line of `kinglet route`'s JSON Lines (docs/route.md). What feedback collects fits. */
export interface CalibrationRow {
  id: string | number;
  task: string;
  /** Whether the small model was right, and whether the remote was. */
  local_ok: boolean;
  remote_ok?: boolean;
  signals?: Signals;
  /** Doubt from outside, more is more: instead of signals. */
  score?: number;
  group?: string;
  label_source?: 'human' | 'verifier' | 'exact' | 'remote_agreement' | 'mixed';
  /** How it came to be labelled. */
  selected?: 'all' | 'kept' | 'escalated' | 'feedback';
  /** When, in any unit that grows. */
  time?: number;
  /** The right answer's class, and a digest of the request's text: the lint looks for what is missing, and for copies. */
  class?: string;
  text_digest?: string;
  /** Milliseconds that the answer took: how a device that becomes slower is noticed. */
  local_ms?: number;
  /** Of no effect on a calibration. */
  prompt_tokens?: number;
  prompt_chars?: number;
  texts?: { input?: string; output?: string | null; expected?: string };
}

/** What to make of them. */
export interface CalibrateOptions {
  /** What the app calls the task. */
  task: string;
  /** The promise, as in a policy. */
  target: Target;
  /** What the answers were made with. */
  binding: Binding;
  /** The day, `YYYY-MM-DD`; default: today, as this device says. */
  created?: string;
  /** Signals to fit a score to; default: the rows' own `score`, else the most telling signal that all of them have. */
  features?: readonly string[];
  /** What the score means: the odds of an error (default), or what the remote is expected to gain. */
  scale?: 'error' | 'gain';
  /** Micro-units that a request to the remote costs on average; `valuePerCorrect` needs it. */
  cost?: number;
  /** Makes one although a finding says `stop`; its notes then say so, too. */
  despiteLint?: boolean;
  /** The module's Wasm, where a host must serve it itself. */
  wasm?: WasmFile;
}

/** Something about the rows that makes a calibration say less than it could, or something untrue (`stop`). */
export interface Finding {
  code: string;
  severity: 'warn' | 'stop';
  /** Rows that it is about. */
  rows: number;
  /** What was found, and what to do. */
  message: string;
}

/** A calibration, and what is doubtful about it. */
export interface Calibrated {
  profile: Profile;
  findings: Finding[];
}
