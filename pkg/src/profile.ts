// `profile`: what the operations of a step cost, and `selfTest`: whether they compute what they should.

import { KingletError } from './errors.js';
import type { Lasting } from './lasting.js';
import { invalid, refuseOthers, signalIn } from './params.js';
import type { Step } from './protocol.js';
import { pieces } from './stream.js';
import type { CallOptions } from './types.js';

/** Options of `kinglet.profile`. */
export interface ProfileOptions extends CallOptions {
  /** Tokens of the piece of a prompt. Default 64, or as many as fit; at most what the engine reads at once. */
  tokens?: number;
  /** Tokens of context before either step. Default 0. */
  position?: number;
  /** How often each step is measured; medians are given. Default 3. */
  rounds?: number;
}

/** All operations of one kind in one part of the model. */
export interface ProfileRow {
  /** The part: `embed`, `qkv`, `attention`, `attn_output`, `gate_up`, `ffn_down` (of all layers together), `head`. */
  stage: string;
  /** The operation, for example `matmul`. */
  op: string;
  /** What computed it: the processor's instructions, or the shader's variants. */
  kernel: string;
  /** How often in the step. */
  calls: number;
  /** Milliseconds of all calls together. */
  ms: number;
  /** Of the sum of all rows. */
  share: number;
  /** Of the matrices that are read: their formats, and their bytes as in the file. */
  format?: string;
  bytes?: number;
}

/** A step, taken apart. */
export interface ProfiledStep {
  /** Tokens of the step. */
  tokens: number;
  /** Tokens of context before them. */
  position: number;
  /**
   * `clock`: a clock around every operation. `timestamps`: the GPU's own clock around all operations of one kind. `settled`: all
   * operations of one kind submitted and waited for, less an empty wait.
   */
  method: 'clock' | 'timestamps' | 'settled';
  /** Milliseconds of the same step as a whole. */
  step_ms: number;
  /** In the order in which the model computes them. */
  rows: ProfileRow[];
}

/** What the engine's steps cost. */
export interface EngineProfile {
  /** One token of an answer. */
  decode: ProfiledStep;
  /** A piece of a prompt, without the head. */
  prefill: ProfiledStep;
  rounds: number;
}

/** Whether the engine computes what its plain twins do. */
export interface SelfTest {
  ok: boolean;
  backend: 'gpu' | 'cpu';
  adapter: string;
  /** Comparisons that agreed. */
  tried: string[];
  /** The first that did not. */
  wrong?: { op: string; expected: string; got: string };
  ms: number;
}

/** See `Kinglet.profile`. */
export async function profile(link: Lasting, options: ProfileOptions): Promise<EngineProfile> {
  const { tokens, position, rounds, signal, ...others } = options;
  refuseOthers('options', others, () => 'only tokens, position, rounds and signal');
  const request = Object.fromEntries(Object.entries({ tokens, position, rounds }).filter(([, value]) => value !== undefined));
  for (const [name, value] of Object.entries(request)) {
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      throw invalid(name, 'a whole number', value);
    }
  }
  const steps: Step[] = [];
  for await (const step of pieces<Step>(link, 'profile', request, signalIn(signal === undefined ? {} : { signal }))) {
    steps.push(step);
  }
  const decode = steps.filter((step) => step.tokens === 1);
  const prefill = steps.filter((step) => step.tokens > 1);
  if (decode.length === 0 || prefill.length !== decode.length) {
    throw new KingletError('aborted', 'the measuring was ended by something else; ask again');
  }
  return { decode: medians(decode), prefill: medians(prefill), rounds: decode.length };
}

/** One step of all rounds: every figure its own median. */
function medians(steps: readonly Step[]): ProfiledStep {
  const [first] = steps as [Step, ...Step[]];
  const rows = first.rows.map((row, i) => ({ ...row, ms: median(steps.map((step) => step.rows[i]?.ms ?? 0)) }));
  const sum = rows.reduce((all, { ms }) => all + ms, 0);
  return {
    tokens: first.tokens,
    position: first.position,
    // A GPU's clock that failed once is not half right.
    method: steps.find(({ method }) => method !== first.method) ? 'settled' : first.method,
    step_ms: median(steps.map((step) => step.step_ms)),
    rows: rows.map((row) => ({ ...row, share: sum > 0 ? row.ms / sum : 0 })),
  };
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
