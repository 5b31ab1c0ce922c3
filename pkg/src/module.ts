// Which of the two Wasm builds this browser runs: the one with relaxed SIMD (faster dot products) where that exists and
// computes what we expect, else the one with plain SIMD. Only the chosen one is downloaded.

import { KingletError } from './errors.js';
import type { Exchange } from './exchange.js';
import type { Constraint, Vocabulary } from './grammar.js';
import type { Inspection } from './inspect.js';
import type { Engine, RequestKind } from './protocol.js';
import type { Reader } from './sources/reader.js';
import type { Team } from './team.js';
import type { GpuFacts, Info, ModuleKind, Phase, Stats, WasmFile, WasmFiles } from './types.js';

/** The generated class: an engine that does not know which build it is part of, nor its memory. */
export interface RawEngine extends Omit<Engine, 'info' | 'stats' | 'start'> {
  /** Begins a request, under the constraint that was made of its grammar. */
  start(kind: RequestKind, request: unknown, constraint?: Constraint): void;
  /** The grammar of a request's answer, for the module for grammars; undefined: it has none. */
  grammar(kind: RequestKind, request: unknown): string | undefined;
  /** The vocabulary, for that module. */
  vocabulary(): Vocabulary;
  info(): Omit<Info, 'host' | 'module' | 'threads' | 'isolated'>;
  stats(): Pick<Stats, 'dispatches' | 'submits' | 'gpu_buffers' | 'gpu_bytes'>;
  /** What was tried of the GPU and found correct, how long it took, and which variants of the kernels these were. */
  tried(): { tried: string[]; ms: number; tuned?: Pick<GpuFacts, 'tuning' | 'source'> };
  /** Frees its memory. */
  free(): void;
}

/** The generated class of a shard that is not the leader. */
export interface RawShard {
  /** Carries out one order. */
  handle(order: Uint8Array, payload: Uint8Array): Promise<void>;
}

/**
 * Finds followers for a model of `bytes`, once it is known to run on the processor: `threads` as it was asked for, or as
 * many as are good. Undefined: none.
 */
export type Recruit = (threads: number | undefined, bytes: number) => Promise<Team | undefined>;

/** What wasm-bindgen generates from `src/wasm`, and what xtask/src/pkg.rs adds to it; the same for both builds. */
export interface Glue {
  default(options?: { module_or_path: unknown }): Promise<{ memory: WebAssembly.Memory }>;
  /** Loads a model from its files. While it generates, Rust calls into JavaScript only through the team that `recruit` gives. */
  load(
    readers: Reader[],
    options: unknown,
    progress: (phase: Phase, loaded: number, total: number) => void,
    recruit: Recruit,
  ): Promise<RawEngine>;
  /** Reads a model's header, and judges it for each of these places. */
  inspect(
    readers: Reader[],
    options: unknown,
    places: { max_buffer: number | null; total: number | null; shards: number }[],
  ): Promise<Inspection>;
  /** The compiled module of this instance, for the instances of other workers. */
  compiled_module(): WebAssembly.Module;
  Shard: new (rank: number, ranks: number, exchange: Exchange) => RawShard;
  /** The version of the engine. */
  version(): string;
  /** Whether this build computes the same as plain integer arithmetic, on extreme inputs. */
  self_test(): boolean;
  /** Forgets the instance: nothing that was had of it reaches one any more, and the next `default` makes another. */
  discard(): void;
}

/** A build, instantiated. */
export interface Chosen {
  glue: Glue;
  kind: ModuleKind;
  memory: WebAssembly.Memory;
}

/** What the caller says about it. */
export interface Wanted {
  /** Takes this build without asking the browser or the self-test (tests, and workers that follow another's choice). */
  kind?: ModuleKind | undefined;
  /** The builds' files, instead of those beside the glue. Without a relaxed one among them, there is none. */
  wasm?: WasmFiles | undefined;
}

/** The browser's part of the choice: `LAZY` of glue.ts, where nothing else is said. */
export interface Browser {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  glue: Record<ModuleKind, () => Promise<unknown>>;
  /** The glue of the module for grammars. */
  grammar: () => Promise<unknown>;
}

/** A vector of zeros on the stack: `i32.const 0`, `i8x16.splat`. */
const ZEROS = [0x41, 0x00, 0xfd, 0x0f];
const DROP = 0x1a;
/** Needs simd128. */
export const SIMD_PROBE = probe([...ZEROS, DROP]);
/** Needs relaxed SIMD: `i32x4.relaxed_dot_i8x16_i7x16_add_s` (0xfd, then 0x113 as LEB128) of three vectors. */
export const RELAXED_PROBE = probe([...ZEROS, ...ZEROS, ...ZEROS, 0xfd, 0x93, 0x02, DROP]);

/** The smallest module whose one function, of type `() -> ()`, has this body. */
function probe(body: number[]): Uint8Array<ArrayBuffer> {
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]; // "\0asm", version 1
  const type = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00]; // section 1, 4 bytes: one function type, no parameters, no results
  const functions = [0x03, 0x02, 0x01, 0x00]; // section 3, 2 bytes: one function, of type 0
  const code = [0x00, ...body, 0x0b]; // no locals, the instructions, `end`
  const codes = [0x0a, code.length + 2, 0x01, code.length, ...code]; // section 10: one body with its length
  return new Uint8Array([...header, ...type, ...functions, ...codes]);
}

/**
 * Chooses a build, downloads and starts it.
 *
 * @throws KingletError `unsupported_browser` or `simd_missing` before anything is downloaded; `worker_failed` when the
 * chosen build cannot be had.
 */
export async function chooseModule({ kind, wasm }: Wanted, browser: Browser): Promise<Chosen> {
  if (typeof WebAssembly === 'undefined') {
    throw new KingletError('unsupported_browser', 'this browser has no WebAssembly, which kinglet needs');
  }
  if (!browser.validate(SIMD_PROBE)) {
    throw new KingletError(
      'simd_missing',
      'this browser or processor has no WebAssembly SIMD, which kinglet needs; update the browser (Chrome 91, Firefox 89, ' +
        'Safari 16.4 or newer have it), or use another device',
    );
  }
  const haveRelaxed = wasm?.baseline === undefined || wasm.relaxed !== undefined;
  if (kind === undefined && haveRelaxed && browser.validate(RELAXED_PROBE)) {
    const relaxed = await start('relaxed', wasm?.relaxed, browser);
    // The results of relaxed instructions may differ between processors: what is not as expected is not used.
    if (relaxed.glue.self_test()) {
      return relaxed;
    }
  }
  const chosen = kind ?? 'baseline';
  return start(chosen, wasm?.[chosen], browser);
}

/** The builds that have an instance in this thread. */
const started = new Set<Glue>();

/** After a crash: no engine of this thread can go on, and the next one gets a new instance. */
export function discardInstances(): void {
  started.forEach((build) => build.discard());
  started.clear();
}

async function start(kind: ModuleKind, file: WasmFile | undefined, browser: Browser): Promise<Chosen> {
  try {
    const build = (await browser.glue[kind]()) as Glue;
    const glue = { ...build }; // what is exported now: after `discard` it would be that of the next instance
    started.add(build);
    const { memory } = await glue.default(file === undefined ? undefined : { module_or_path: file });
    return { glue, kind, memory };
  } catch (thrown) {
    throw new KingletError('worker_failed', `the Wasm module (${kind}) could not be started: ${String(thrown)}`);
  }
}
