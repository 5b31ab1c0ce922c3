// The public types of feedback: what an app says of an answer, what is kept of it, and what comes out.

import type { Calibrated, CalibrateOptions } from '../calibrate/types.js';
import type { Binding } from '../route/types.js';
import type { Signals } from '../signals.js';
import type { Leave } from './leave.js';

/** Who says whether an answer was right. */
export type LabelSource = 'human' | 'verifier' | 'exact' | 'remote_agreement';

/** How an answer comes to be labelled: all are (or a sample drawn without a look at them), or those that somebody spoke of. */
export type Selected = 'all' | 'kept' | 'escalated' | 'feedback';

/** Texts of an answer, before a redactor has seen them. */
export interface Texts {
  input: string;
  output: string | null;
  /** What would have been right. */
  expected?: string;
}

/** Option `feedback` of `createKinglet`. */
export interface FeedbackOptions {
  /** Where it is kept; default `auto`: in IndexedDB where the browser has one, else in memory. */
  store?: 'auto' | 'indexeddb' | 'memory';
  /** Rows that are kept, the newest ones; default 2000. */
  most?: number;
  /** What of the texts is kept with a row. Without one, nothing is. */
  redact?: (texts: Texts, about: { task: string }) => Partial<Texts> | undefined;
  /** Asks another model on a sample of the requests, and compares: see {@link Observation}. */
  observe?: Observation;
}

/** A sample of the requests, answered twice. */
export interface Observation {
  /** Of all requests, 0 to 1. Which are taken follows from their ids. */
  share: number;
  /**
   * Answers the same request elsewhere; it is the app's own. It is called only where nothing forbids that the request leaves, and
   * told what must be seen to before it does. Without it the first remote model with a `baseURL` is asked, by the rules of all that
   * leaves; nobody is asked for consent then: what was granted before holds.
   */
  ask?: (request: { task: string; input: string; signal: AbortSignal } & Leave) => Promise<string>;
  /** Whether both say the same; default: the same value where both are JSON, else the same but for case, white space and a final period. */
  agree?: (local: string | null, remote: string) => boolean | Promise<boolean>;
}

/** What an app says of an answer. */
export interface Verdict {
  /** The answer was right. */
  ok: boolean;
  /** Whether the remote's was, where it was asked. */
  remoteOk?: boolean;
  /** What would have been right. */
  expected?: string;
  /** Who says so; default `human`. */
  source?: LabelSource;
  /** Which answers get a verdict; what a person says counts as `feedback` unless this says otherwise. */
  selected?: Selected;
}

/** A labelled answer: a row of `kinglet route`'s JSON Lines. */
export interface FeedbackRow {
  id: string;
  task: string;
  group?: string;
  signals: Signals;
  local_ok: boolean;
  remote_ok?: boolean;
  label_source: LabelSource;
  prompt_tokens?: number;
  prompt_chars?: number;
  /** Milliseconds that the answer took. */
  local_ms?: number;
  selected?: Selected;
  /** What the redactor has let through. */
  texts?: Partial<Texts>;
}

/** How far a task is from a calibration of its own. */
export interface Progress {
  task: string;
  /** Labelled answers, and from how many a calibration is worth its name. */
  labelled: number;
  enough: number;
  /** Of the labelled ones, those that were wrong. */
  wrong: number;
}

/** What was collected. */
export interface Collected {
  /** By task. */
  progress(): Promise<Progress[]>;
  rows(): Promise<FeedbackRow[]>;
  /** As JSON Lines. */
  export(): Promise<string>;
  /** Wrong answers, and of all the least sure tenth (or `share`), as JSON Lines. */
  exportHardCases(options?: { share?: number }): Promise<string>;
  /**
   * Makes a calibration of one task's rows, on the device (docs/calibration.md): for option `profiles`.
   *
   * @throws KingletError `cannot_certify` with `detail.n` and `detail.needed`.
   */
  calibrate(options: CollectedOptions): Promise<Calibrated>;
  clear(): Promise<void>;
}

/** As for rows of one's own; the binding is that of the latest answer to this task, unless it is given. */
export type CollectedOptions = Omit<CalibrateOptions, 'binding'> & { binding?: Binding };
