// Grammars: a Wasm module of its own, fetched when a request first asks for one.

import { KingletError, toWire } from './errors.js';
import type { WasmFile } from './types.js';

/** One answer under a grammar, as the engine uses it. */
export interface Constraint {
  /** One bit for each token that may come next; undefined: every token may. */
  mask(): Uint32Array | undefined;
  /** Goes on by a token; true: nothing can follow. */
  commit(token: number): boolean;
  /** Goes back to the beginning, for another answer. */
  reset(): void;
  /** Gives its memory back. */
  free(): void;
}

/** The model's tokens, as the engine packs them. */
export interface Vocabulary {
  tokens: number;
  packed: Uint8Array;
  ends: Uint32Array;
}

/** What wasm-bindgen generates from `grammar/src/wasm.rs`. */
export interface GrammarGlue {
  default(options?: { module_or_path: unknown }): Promise<unknown>;
  Grammars: new (tokens: number, packed: Uint8Array, ends: Uint32Array) => RawGrammars;
}

interface RawGrammars {
  compile(spec: string): Constraint;
}

/** The grammars of one model. */
export class Grammars {
  private ready: Promise<RawGrammars> | undefined;

  /** `glue`: how the module is had; `file`: its Wasm, instead of that beside it; `vocabulary`: asked for once. */
  constructor(
    private readonly glue: () => Promise<unknown>,
    private readonly file: WasmFile | undefined,
    private readonly vocabulary: () => Vocabulary,
  ) {}

  /**
   * Compiles a grammar for one answer; `spec` is what the engine makes of a request.
   *
   * @throws KingletError `invalid_grammar`, `unsupported_grammar`; `worker_failed` when the module cannot be had.
   */
  async compile(spec: string): Promise<Constraint> {
    this.ready ??= this.open();
    try {
      return guarded((await this.ready).compile(spec));
    } catch (thrown) {
      const error = typed(thrown);
      if (error.code === 'internal' || error.code === 'worker_failed') {
        this.ready = undefined; // the next request begins anew
      }
      throw error;
    }
  }

  private async open(): Promise<RawGrammars> {
    let glue: GrammarGlue;
    try {
      glue = (await this.glue()) as GrammarGlue;
      await glue.default(this.file === undefined ? undefined : { module_or_path: this.file });
    } catch (thrown) {
      const message = `the Wasm module for grammars could not be started: ${String(thrown)}`;
      throw new KingletError('worker_failed', message, {}, { cause: thrown });
    }
    const { tokens, packed, ends } = this.vocabulary();
    return new glue.Grammars(tokens, packed, ends);
  }
}

/** The same constraint; what it throws is typed. */
function guarded(raw: Constraint): Constraint {
  const call = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw typed(thrown).toJSON();
    }
  };
  return {
    mask: () => call(() => raw.mask()),
    commit: (token) => call(() => raw.commit(token)),
    reset: () => call(() => raw.reset()),
    free: () => raw.free(),
  };
}

/** Our own errors keep their code; a trap of the module is a grammar that was too much for it. */
function typed(thrown: unknown): KingletError {
  if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
    const reason = `the grammar module ran out of memory or stack (${thrown.message}); use a simpler grammar`;
    return new KingletError('unsupported_grammar', `the grammar is not supported while decoding: ${reason}`, {
      param: 'grammar',
      reason,
    });
  }
  const wire = toWire(thrown);
  return thrown instanceof KingletError ? thrown : new KingletError(wire.code, wire.message, wire.detail);
}
