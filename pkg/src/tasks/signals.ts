// An answer's signals: those that the engine measured, and what a task's verifiers found of it (docs/tasks.md).

import type { Signals } from '../signals.js';

/** `SIGNAL_VERSION` of route/src/signals.rs; a test compares. */
export const SIGNAL_VERSION = 1;

/** Of an answer that no model gave. */
const NONE: Signals = {
  version: SIGNAL_VERSION,
  origin: 'none',
  tokens: 0,
  mean_logprob: null,
  min_logprob: null,
  first_logprob: null,
  q05_logprob: null,
  q10_logprob: null,
  q25_logprob: null,
  q50_logprob: null,
  window_logprob: null,
  mean_margin: null,
  min_margin: null,
  first_margin: null,
  mean_entropy: null,
  max_entropy: null,
  grammar_pressure: null,
  forced_tokens: null,
  anchor_logprob: null,
  anchor_margin: null,
  label_max: null,
  label_margin: null,
  label_mass: null,
  label_none: null,
  head_max: null,
  head_margin: null,
  agreement: null,
  samples: null,
  repetition: null,
  truncated: null,
  refusal: null,
  empty: null,
  parse_ok: null,
  schema_ok: null,
  quote_ok: null,
  verified: null,
  retrieval_top: null,
  retrieval_margin: null,
  retrieval_coverage: null,
  prompt_tokens: null,
  complexity: null,
};

/** The engine's signals with those of the task; what was not measured is null, and so is a number that is none. */
export function joined(measured: Signals | undefined, own: { [Name in keyof Signals]?: Signals[Name] | undefined }): Signals {
  const known = Object.entries(own).filter(([, value]) => value !== undefined && (typeof value !== 'number' || Number.isFinite(value)));
  return { ...NONE, ...measured, ...Object.fromEntries(known) };
}
