// The public types, written by hand: how a model is loaded and what is said of it. Requests and answers: openai.ts.

import type { FeedbackOptions } from './feedback/types.js';
import type { ErrorCode } from './errors.js';
import type { BudgetOptions } from './ledger/types.js';
import type { PrivacyOptions } from './privacy/types.js';
import type { RemoteEndpoint } from './remote/types.js';
import type { TelemetryOptions } from './telemetry/types.js';
import type { Escalation, Mode, Profile, Remote, TaskRule } from './route/types.js';
import type { Patience } from './sources/retry.js';

export type * from './openai.js';

/** Where the engine runs. `auto` takes the GPU, unless it is missing or only emulated in software. */
export type Backend = 'auto' | 'gpu' | 'cpu';

/** Where an engine runs: in a worker of its own, in one that the origin's tabs share, or in the calling thread. */
export type HostName = 'worker' | 'shared' | 'here';

/** A file in a repository that is laid out as Hugging Face's. */
export interface RepoFile {
  /** `owner/name`. */
  repo: string;
  /** Its path there; the first part of a split model stands for all. */
  file: string;
  /** A branch, tag or commit; default `main`. */
  revision?: string;
  /** Another server with the same layout. */
  endpoint?: string;
  /** What the store knows it by, instead of its address: for addresses that change, such as signed ones. */
  name?: string;
  /** SHA-256 of the file, in hexadecimal: checked when all of it is there. */
  sha256?: string;
  /** Sent with every request for it, for example `authorization`. */
  headers?: HeadersInit;
}

/**
 * A GGUF file: an address (relative ones resolve against the page), `hf:owner/name/file.gguf`, `desk` or `desk-nano` (from
 * the package kinglet-desk), a local file, a stream, or a directory with one model in it (docs/store.md).
 */
export type ModelSource =
  | string
  | URL
  | Blob
  | ReadableStream<Uint8Array>
  | FileSystemFileHandle
  | FileSystemDirectoryHandle
  | RepoFile
  | { url: string | URL; name?: string; sha256?: string; headers?: HeadersInit }
  /** `name` is for messages and for the store's list. */
  | { stream: ReadableStream<Uint8Array>; name?: string; length?: number; sha256?: string };

/** The two builds of the Wasm module: with relaxed SIMD (faster where the browser has it), and with plain SIMD. */
export type ModuleKind = 'relaxed' | 'baseline';

/** A Wasm file: its address, its bytes, or the compiled module. */
export type WasmFile = string | URL | ArrayBuffer | WebAssembly.Module;

/**
 * The files of the builds: `kinglet_bg.wasm` is `baseline`, `kinglet_relaxed_bg.wasm` is `relaxed`; and
 * `kinglet_grammar_bg.wasm` is `grammar`, fetched when a request first asks for a grammar; `kinglet_route_bg.wasm` is `route`,
 * fetched where an option of docs/routing.md is given.
 */
export type WasmFiles = Partial<Record<ModuleKind | 'grammar' | 'route', WasmFile>>;

/** See `KingletOptions.speculation`. */
export type Speculation = 'off' | 'lookup' | { draft: ModelSource | readonly ModelSource[] };

/** Options of `createKinglet`. */
export interface KingletOptions {
  /** One GGUF file, or all parts of a split one. The first part's URL is enough: the others are derived from it. */
  model: ModelSource | readonly ModelSource[];
  /** Default `auto`. */
  backend?: Backend;
  /** Tokens of context to allocate; default: the model's own, at most 4096. Beyond `trained_context` answers get worse. */
  context?: number;
  /**
   * Precision of the key/value cache: `f32` is exact and twice as large as `f16`, `q8_0` takes a little over half of it.
   * Default `f16`.
   */
  cacheType?: 'f16' | 'f32' | 'q8_0';
  /**
   * Threads on the processor, this one's worker included. `auto`, the default: what is good for the machine and the
   * model (docs/threads.md); several need a cross-origin isolated page, or a large model. A number is taken as it is.
   */
  threads?: 'auto' | number;
  /** On the processor, multiply by activations as they are instead of rounded to 8 bits: slow, in one thread. Default false. */
  exact?: boolean;
  /** Let every token see the whole context although the model was trained with a sliding window. */
  ignoreWindow?: boolean;
  /**
   * On a GPU, let {@link Kinglet.profile} use its own clock where it has one. Only for measuring: on some GPUs everything is
   * slower while the clock can be read. Default false.
   */
  timestamps?: boolean;
  /**
   * Which variants of its kernels a GPU runs. True, the default: when a model first runs on a GPU, they are measured, within a
   * second, and what was best is remembered for this GPU, browser and version; an emulated GPU is not measured. False: by a table.
   * `'always'`: measured on an emulated GPU, too. A {@link Tuning}: these, where the GPU has what they need.
   */
  autotune?: boolean | 'always' | Tuning;
  /**
   * Who proposes the next tokens, several of which one step then checks (docs/speculation.md): the text itself (`lookup`), or a
   * smaller model with the same vocabulary. The answers stay what they are; it is done only where it is measured to be faster.
   * Default `off`.
   */
  speculation?: Speculation;
  /** Called while the model loads. */
  onProgress?: (progress: Progress) => void;
  /** Called when something happened to the engine: see {@link NoticeCode}. */
  onNotice?: (notice: Notice) => void;
  /**
   * Where downloaded models are kept (docs/store.md): in the origin private file system, in IndexedDB, or nowhere. `auto`,
   * the default: in the first of these that the browser has.
   */
  store?: 'auto' | 'opfs' | 'indexeddb' | 'none';
  /** How patient downloads are. */
  retry?: Patience;
  /** Used instead of the browser's own for the model; it is called on the page. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Sent with every request for the model, for example `authorization`. */
  headers?: HeadersInit;
  /** What is kept of answers that were said to be right or wrong, and whether a sample is compared with another model. */
  feedback?: FeedbackOptions;
  /** Aborts loading. */
  signal?: AbortSignal;
  /**
   * What the engine runs in (docs/hosts.md). `worker`, the default: a worker of its own. `shared`: one that all tabs of the
   * origin share, with one engine for each model and its options. `here`: the calling thread. `auto`: `shared` where the
   * browser can, else `worker`, else `here`.
   */
  host?: HostName | 'auto';
  /** When the worker died, start another with the next request, and load the model again. Default true. */
  restart?: boolean;
  /**
   * A worker that runs `kinglet/worker`, or its address, where a host must serve it itself. A worker (not a function that
   * makes one) cannot be started again when it has died.
   */
  worker?: Worker | string | URL | (() => Worker);
  /**
   * Where the Wasm is, when a host must serve it itself: `{baseline, relaxed}`. One file alone is the baseline, and
   * relaxed SIMD is then not used.
   */
  wasm?: WasmFile | WasmFiles;
  /** Which side is preferred: see docs/routing.md, also for the five that follow. Each of them has decisions made. */
  mode?: Mode;
  /**
   * The remote models, in order (docs/remote.md). One without `baseURL` is a value that is decided for: nothing is sent, and the
   * local answer stands.
   */
  remote?: readonly (Remote | RemoteEndpoint)[];
  /** When an answer is not enough, and how another one takes its place (docs/escalation.md). */
  escalation?: EscalationOptions;
  /** Rules by task. */
  tasks?: Readonly<Record<string, TaskRule>>;
  /** Labels of what has none; what is replaced; who asks the user (docs/privacy.md). */
  privacy?: PrivacyOptions;
  /** What may be spent (docs/budget.md). */
  budget?: BudgetOptions;
  /** Requests that lack a connection are answered here, and asked for again later (docs/escalation.md). Without it they are not. */
  offline?: OfflineOptions;
  /** Traces and metrics for a collector of the app's own (docs/telemetry.md). Without it nothing is sent. */
  telemetry?: TelemetryOptions;
  /** Do not wait for the model: until it is here, requests are answered elsewhere where that is allowed, and else wait. Default false. */
  progressive?: boolean;
  /** Calibrations, one for each task. */
  profiles?: readonly Profile[];
  /** Forces one of the two builds, for tests and measurements; by default the browser's abilities decide. */
  module?: ModuleKind;
}

/** When an answer is not enough, and how another one takes its place. */
export interface EscalationOptions extends Escalation {
  /**
   * `replace`, the default: on a stream, `kinglet.parts` shows the local answer as it comes, and a better one in its place. `hold`:
   * nothing is shown before it stands. With a schema, with tools, and for task calls always `hold`.
   */
  handover?: 'hold' | 'replace';
  /** With `replace`: pieces of the local answer that are held back, so that what is shown is rarely replaced. Default 16. */
  probation?: number;
  /**
   * Where a prompt does not fit the model here: its documents (`kinglet.document` of a message, the passages of `answer`) are read
   * here in pieces, and only what the question needs is sent. Default: all of it.
   */
  longDocuments?: LongDocuments;
}

/** How long documents are shortened (docs/escalation.md has what that costs). */
export interface LongDocuments {
  /** Words that are kept of them together. Default 960. */
  words?: number;
  /** `words`, the default: the pieces that share words with the question. `model`: those to which the model here would have an answer, one after the other. `both`. */
  by?: 'words' | 'model' | 'both';
}

/** Requests that wait for a connection: redacted, whatever a label says, and without any key. */
export interface OfflineOptions {
  /** How long one waits. Default 24. */
  ttlHours?: number;
  /** How many, and how many bytes of them. Default 50, and 1,000,000. */
  most?: number;
  mostBytes?: number;
  /** As `feedback.store`. Default `auto`. */
  store?: 'auto' | 'indexeddb' | 'memory';
}

/** What loading is doing: waiting for another tab (which downloads the same file), reading the header, compiling the GPU's shaders (which goes on meanwhile), then the weights. */
export type Phase = 'wait' | 'download' | 'upload' | 'compile' | 'ready';

/** One step of loading; `loaded` and `total` are bytes (0 where the phase has none). */
export interface Progress {
  phase: Phase;
  /** The same as `phase`. */
  status: Phase;
  loaded: number;
  total: number;
  /** From 0 to 1, of this phase. */
  progress: number;
  /** The file that it is about, where it is one. */
  file?: string;
  /** For people. */
  text: string;
}

/** Something that happened to the engine and that it has dealt with, or that the page may want to know. */
export interface Notice {
  /** Stable machine-readable name: docs/api.md has the table. */
  code: NoticeCode;
  message: string;
  detail: Record<string, unknown>;
}

/** The codes of notices. */
export type NoticeCode =
  /** The worker had died; it was started again and the model loaded again. */
  | 'worker_restarted'
  /** The browser had removed a stored model, which is fetched again. */
  | 'storage_evicted'
  /** A damaged piece of a stored model was fetched again. */
  | 'chunk_repaired'
  /** The GPU device was lost; another is being opened and the model loaded again. The answer that runs goes on. */
  | 'gpu_lost'
  /** It is done. */
  | 'gpu_restored'
  /** Something smaller or slower was taken; `detail` is `{what: 'context' | 'batch' | 'backend', before, now, cause}`. */
  | 'degraded'
  /** The GPU computes wrongly and is not used. */
  | 'gpu_disabled'
  /** A calibration was made for something else, and is not used; `detail.field` differs. */
  | 'profile_mismatch'
  /**
   * A request that had waited for a connection was answered: `detail` is `{id, content, tool_calls?, finish_reason, usage, provenance,
   * decision, cost, placeholders}`.
   */
  | 'upgraded'
  /** A tab ended while it sent a request that had waited: `detail.id` can be asked for again, or cancelled. */
  | 'queue_interrupted'
  /** A request has waited for too long. */
  | 'queue_expired'
  /** A request that had waited is not asked any more, or its answer was of no use: `detail` is `{id, reason}`. */
  | 'queue_dropped'
  /** A request could not be kept for later. */
  | 'queue_full'
  /** Traffic is no longer like the calibration set; `detail` is `{kind, action}`. */
  | 'drift';

/** Which of several ways to compute the same a GPU takes. `f16` and `int8` round activations; everything else is exact but for the order of sums. */
export interface Tuning {
  /** Products with one token: `lanes` threads share a row. */
  gemv: { reduce: Reduce; lanes: number; math: 'f32' | 'f16' | 'int8' };
  /** Products with several. */
  gemm: { reduce: Reduce; math: 'f32' | 'f16' | 'int8' };
  /** Attention: the work is split among several workgroups from `split` keys on. */
  attention: { reduce: Reduce; split: number };
}

/** How threads bring a sum together: each has its own; in workgroup memory; by subgroups. */
export type Reduce = 'serial' | 'tree' | 'subgroups';

/** What a GPU has, and which variants of the kernels run there. */
export interface GpuFacts {
  /** Least and most threads of a subgroup, where shaders may use subgroups. */
  subgroups: [number, number] | null;
  /** Shaders may use 16-bit floats. */
  f16: boolean;
  /** Shaders may use the packed products of bytes. */
  int8: boolean;
  tuning: Tuning;
  /** How the variants were chosen: by a table, by measuring just now, or they were given (an earlier measurement was remembered). */
  source: 'table' | 'measured' | 'given';
  /** What was measured: milliseconds of a batch; the first of each part is the table's choice. `wrong`: another result than the twin's. */
  trials: { part: 'gemv' | 'gemm' | 'attention'; variant: string; ms: number | null; wrong: boolean }[];
  /** Milliseconds that measuring took. */
  ms: number;
}

/** What was loaded, and where it runs. */
export interface Info {
  /** The backend in use. */
  backend: 'gpu' | 'cpu';
  /** What the engine runs in. */
  host: HostName;
  /** The Wasm build in use. */
  module: ModuleKind;
  /** GPU adapter or processor features. */
  adapter: string;
  /** The GPU is emulated on the processor. */
  software: boolean;
  /** Of the GPU, where it computes. */
  gpu?: GpuFacts;
  /** Threads that compute, on the processor. */
  threads: number;
  /** Why there are fewer of them than was asked for, or would be good, where that is so. */
  threads_why?: string;
  /** The page is cross-origin isolated: threads share memory. */
  isolated: boolean;
  /** Why `auto` did not take the GPU, where it did not. */
  fallback?: string;
  /** `general.name` of the file, or empty. */
  model: string;
  /** `general.architecture`. */
  architecture: string;
  /** Tokens of context that were allocated. */
  context: number;
  /** Tokens of context that the model was trained for. */
  trained_context: number;
  /** Entries of the vocabulary. */
  vocabulary: number;
  /** Values of an embedding. */
  embedding_length: number;
  /** Whether the file brings a chat template; without one, use `completions`. */
  chat_template: boolean;
  /** What a calibration made with this model is bound to. */
  binding: Identity;
}

/**
 * What tells one model from another, in SHA-256. Of the weights samples are hashed: 64 bytes of every 4096 of each tensor, and the
 * whole header. With `sampler` it is the `binding` of a calibration (docs/calibration.md).
 */
export interface Identity {
  model_hash: string;
  /** `Q4_K_M`, …; of a mix that has no name the format of most bytes. */
  quantization: string;
  tokenizer_hash: string;
  /** Of the chat template's text; `none` without one. */
  template_hash: string;
  signal_version: number;
}

/** Bytes that are needed, and that there are, where the browser lets one know. */
export interface Room {
  needed: number;
  available?: number;
}

/** What `availability` says of a model on this device. */
export interface Availability {
  /**
   * `available`: it is on this device, and fits. `downloadable`: it fits, and has to be downloaded first. `too_large`: it
   * does not fit, in memory or in the browser's storage. `unsupported`: this browser cannot run it, or nothing here can.
   */
  status: 'available' | 'downloadable' | 'too_large' | 'unsupported';
  /** Where it would run. */
  backend?: 'gpu' | 'cpu';
  /** Why not, for people, and the code of the error that loading would give. */
  reason?: string;
  code?: ErrorCode;
  /** Memory: weights, cache and activations. */
  memory?: Room;
  /** What still has to be downloaded, and what the browser's storage has left for it. */
  download?: Room;
  /** What the header says; `context` is what would be allocated. */
  model?: {
    model: string;
    architecture: string;
    context: number;
    trained_context: number;
    chat_template: boolean;
    memory: { weights: number; cache: number; activations: number };
    /** Of all files, where the server tells. */
    file_bytes?: number;
  };
}

/** How full the context is, in tokens: the conversation so far, of which the next turn computes only what is new. */
export interface ContextUsage {
  used: number;
  total: number;
}

/** Counters, for tests and for the curious. */
export interface Stats {
  /** GPU kernels started. */
  dispatches: number;
  /** Command buffers submitted. */
  submits: number;
  /** Storage buffers on the GPU now. */
  gpu_buffers: number;
  /** Bytes of these. */
  gpu_bytes: number;
  /** Bytes of Wasm linear memory now, of all threads together (of the others, as of the last prompt). */
  wasm_memory: number;
  /** Bytes of Wasm linear memory before the model was loaded. */
  wasm_memory_fresh: number;
  /** Requests of all threads that have ended since the model was loaded (of the others, as of the last prompt). */
  requests: number;
}
