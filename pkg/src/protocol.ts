// What page and worker say to each other. Every message of the page carries an `id` and gets exactly one reply with
// that id; the worker speaks unasked only of progress, of what it has to announce, and of its own death. Chunks are pulled, never pushed: to stop
// pulling is to stop computing.

import type { WireError } from './errors.js';
import type { ProfiledStep, ProfileRow, SelfTest } from './profile.js';
import type { Report } from './progress.js';
import type { Reading } from './sources/open.js';
import type { WireSource } from './sources/resolve.js';
import type {
  Availability,
  ContextUsage,
  FinishReason,
  Info,
  ModuleKind,
  Notice,
  Signals,
  Stats,
  Timings,
  TokenLogprob,
  ToolCallDelta,
  Tuning,
  Usage,
  WasmFiles,
} from './types.js';

/** Options of loading, as the engine takes them. */
export interface LoadOptions {
  backend: 'auto' | 'gpu' | 'cpu';
  context?: number;
  cache_type: 'f16' | 'f32' | 'q8_0';
  ignore_window: boolean;
  exact: boolean;
  threads?: number;
  /** Names of what this GPU, with this browser, was found to compute correctly (truth.ts). */
  tested?: string[];
  /** The GPU's own clock may be used for `profile`. */
  timestamps?: boolean;
  /** How the variants of the GPU's kernels are chosen; `auto` where nothing is remembered. */
  tuning: 'off' | 'auto' | 'always' | Tuning;
  /** Who proposes tokens; of a draft model, how many of the last files are its own. */
  speculation?: 'lookup' | { draft: number };
}

/** Which of the request shapes a stream has. */
export type RequestKind = 'chat' | 'completion' | 'embedding' | 'choice' | 'profile';

/** A piece of an answer, before the client gives it OpenAI's shape. */
export interface Piece {
  /** Which answer of the request; none: the only one. */
  index?: number;
  text: string;
  finish_reason: FinishReason | null;
  logprobs?: { content: TokenLogprob[] } | null;
  tool_calls?: ToolCallDelta[];
  /** Of the whole request: on its last piece. */
  usage?: Usage;
  /** Of this answer: on its last piece. */
  timings?: Timings;
  /** Of this answer's doubt, where it was asked for: on its last piece. */
  signals?: Signals;
  /** Why it was ended early: on its last piece. */
  aborted?: 'mid_abort';
}

/** A text's vector. */
export interface Vector {
  index: number;
  embedding: number[];
  /** Of the whole request: with its last vector. */
  usage?: Usage;
}

/** Which of given labels answers a request (src/session/choose.rs). */
export interface Choice {
  /** Index of the likeliest label. */
  best: number;
  /** One for each label: its share of all labels' probability; `bound`: at most so much. */
  scores: { label: string; logprob: number; score: number; bound: boolean }[];
  /** The best score less the second best. */
  margin: number;
  /** Probability of all labels together, of everything that the model might have said. */
  mass: number;
  /** Bound of the share of the labels that were not computed to their end. */
  rest: number;
  /** The best label's tokens, with the one that ends the message. */
  logprobs: { content: TokenLogprob[] };
  signals: Signals;
  usage: Usage;
  timings: Timings;
}

/** A step of the engine, taken apart once (src/model/decoder/profile.rs). */
export interface Step extends Omit<ProfiledStep, 'rows'> {
  rows: Omit<ProfileRow, 'share'>[];
}

/** What a comparison with the twins found (src/engine/again.rs). */
export type Tested = Pick<SelfTest, 'tried' | 'wrong' | 'ms'>;

/** What a worker says of itself. */
export interface Hello {
  /** The Web Lock to watch; undefined where the browser has none. */
  lock?: string | undefined;
  /** There is WebGPU in this kind of worker. */
  gpu: boolean;
  /** The model is loaded, or being loaded for another client. */
  loaded: boolean;
}

/** What the page can ask, and what it gets. */
export interface Calls {
  /**
   * The first call. The page names a Web Lock that it holds as long as it wants the engine; the answer names one that the
   * worker holds as long as it lives, and what the worker's place offers.
   */
  hello: [{ lock?: string | undefined }, Hello];
  /** Put the files of a model into the store, if they are not there; nothing is loaded. */
  keep: [{ sources: WireSource[]; reading?: Reading; check?: boolean }, null];
  /** Load the model; the answer describes it. Where it is loaded, or being loaded for another client, that is the answer. */
  load: [
    { sources: WireSource[]; draft?: WireSource[]; reading?: Reading; options: LoadOptions; wasm?: WasmFiles; module?: ModuleKind },
    Info,
  ];
  /** Begin request `stream` when those before it have ended. */
  start: [{ stream: number; kind: RequestKind; request: unknown }, null];
  /** The next piece of `stream`; null when it has ended. */
  next: [{ stream: number }, Piece | Vector | Choice | Step | null];
  /** End `stream` now, whether it runs or still waits. */
  abort: [{ stream: number }, null];
  /** Text to token ids. */
  tokenize: [{ text: string; special: 'parse' | 'text' }, number[]];
  /** Token ids to text. */
  detokenize: [{ ids: number[] }, string];
  /** How many tokens a chat request's prompt has, its template included. */
  count: [{ request: unknown }, number];
  /** Whether a model would run here; reads its header. */
  inspect: [Calls['load'][0], Availability];
  /** How full the context is. */
  context: [null, ContextUsage];
  /** Counters. */
  stats: [null, Stats];
  /** Compare what the model asks of its backend with the twins. */
  test: [null, Tested];
}

/** The calls' names. */
export type CallName = keyof Calls;

/** A message of the page. */
export type ToWorker = { [N in CallName]: { id: number; call: N; args: Calls[N][0] } }[CallName];

/** A message of the worker. */
export type FromWorker =
  | { tag: 'value'; id: number; value: Calls[CallName][1] }
  | { tag: 'error'; id: number; error: WireError }
  | { tag: 'progress'; progress: Report }
  /** `info`: what has changed by it. */
  | { tag: 'notice'; notice: Notice; info?: Info }
  | { tag: 'died'; message: string };

/** The part of `Worker`, `MessagePort` and the worker's global scope that the protocol needs. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  /** Of a `MessagePort`: begins to deliver. */
  start?(): void;
  addEventListener(type: 'message' | 'error' | 'messageerror' | 'unhandledrejection', listener: (event: any) => void): void;
}

/** The engine behind the protocol: the generated Wasm class, or a test's stand-in. */
export interface Engine {
  start(kind: RequestKind, request: unknown): void | Promise<void>;
  /** Reads one chunk of the prompt; true: call again, false: call `next`. */
  prefill(): Promise<boolean>;
  next(): Promise<Piece | Vector | Choice | Step | undefined>;
  /** Ends the current request; harmless without one. May be called while `next` is pending. */
  abort(): void;
  info(): Info;
  stats(): Stats;
  context(): ContextUsage;
  tokenize(text: string, special: 'parse' | 'text'): Uint32Array | number[];
  detokenize(ids: Uint32Array): string;
  count(request: unknown): number;
  /**
   * After a call that failed with `gpu_lost`: loads again; the request goes on, and what failed may be called again. `tested`:
   * what passed on the GPU that there is now; `tuning`: the variants of its kernels.
   */
  restore?(tested?: string[], tuning?: LoadOptions['tuning']): Promise<void>;
  /** Compares with the twins, beside the request that runs; undefined: it was aborted meanwhile. */
  test?(): Promise<Tested | undefined>;
  /** What happened since the last call. */
  notices?(): Notice[];
  /** Gives all memory back; the last call. */
  free?(): void | Promise<void>;
}
