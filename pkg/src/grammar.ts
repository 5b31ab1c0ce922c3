// Grammars: a Wasm module of its own, fetched when a request first asks for one.

import { fromWire, isWire, KingletError, toWire } from './errors.js';
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

/** What wasm-bindgen generates from `grammar/src/wasm.rs`, and what xtask/src/pkg.rs adds to it. */
export interface GrammarGlue {
  default(options?: { module_or_path: unknown }): Promise<unknown>;
  Grammars: new (tokens: number, packed: Uint8Array, ends: Uint32Array) => RawGrammars;
  /** Forgets the instance: nothing that was had of it reaches one any more, and the next `default` makes another. */
  discard(): void;
}

interface RawGrammars {
  compile(spec: string): Constraint;
  free(): void;
}

/** An instance of the module. All engines of one thread share it, since its script knows only one. */
class Instance {
  private static readonly all = new WeakMap<GrammarGlue, Instance>();
  /** What lives in its memory. */
  private readonly objects = new Set<object>();
  /** Why it is of no use any more. */
  private failure: KingletError | undefined;

  private constructor(
    readonly glue: GrammarGlue,
    private readonly started: Promise<unknown>,
  ) {}

  /** The one there is, or a new one from `file`. */
  static async of(glue: GrammarGlue, file: WasmFile | undefined): Promise<Instance> {
    let instance = Instance.all.get(glue);
    if (instance === undefined) {
      instance = new Instance(glue, glue.default(file === undefined ? undefined : { module_or_path: file }));
      Instance.all.set(glue, instance);
    }
    try {
      await instance.started;
      return instance;
    } catch (thrown) {
      instance.forget();
      throw thrown;
    }
  }

  get crashed(): boolean {
    return this.failure !== undefined;
  }

  /**
   * Calls into it. What it says itself is thrown as it is; anything else is a crash, after which its memory cannot be
   * trusted and its objects cannot even be freed: then it is given up, whoever uses it.
   */
  call<T>(work: () => T): T {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    try {
      return work();
    } catch (thrown) {
      if (isWire(thrown)) {
        throw fromWire(thrown);
      }
      const message = `the Wasm module for grammars crashed (${String(thrown)}); the next request starts it anew. A simpler grammar may pass`;
      this.failure = new KingletError('internal', message, {}, { cause: thrown });
      this.forget();
      this.glue.discard();
      this.objects.clear();
      throw this.failure;
    }
  }

  /** Keeps in mind what `work` makes in it. */
  make<T extends object>(work: () => T): T {
    const made = this.call(work);
    this.objects.add(made);
    return made;
  }

  /** Frees what {@link make} made; after a crash there is nothing to free. */
  free(made: { free(): void }): void {
    if (this.objects.delete(made)) {
      this.call(() => made.free());
    }
  }

  private forget(): void {
    if (Instance.all.get(this.glue) === this) {
      Instance.all.delete(this.glue);
    }
  }
}

/** The grammars of one model. */
export class Grammars {
  private ready: Promise<{ instance: Instance; raw: RawGrammars }> | undefined;
  /** The constraint of the request that is under way. */
  private used: Constraint | undefined;

  /** `glue`: how the module is had; `file`: its Wasm, instead of that beside it; `vocabulary`: asked for once. */
  constructor(
    private readonly glue: () => Promise<unknown>,
    private readonly file: WasmFile | undefined,
    private readonly vocabulary: () => Vocabulary,
  ) {}

  /**
   * Compiles a grammar for one answer; `spec` is what the engine makes of a request.
   *
   * @throws KingletError `invalid_grammar`, `unsupported_grammar`; `worker_failed` when the module cannot be had; `internal`
   * when it crashes.
   */
  async compile(spec: string): Promise<Constraint> {
    if ((await this.ready)?.instance.crashed) {
      this.ready = undefined;
    }
    this.ready ??= this.open();
    try {
      const { instance, raw } = await this.ready;
      return guarded(instance, instance.make(() => raw.compile(spec)));
    } catch (thrown) {
      const { code } = toWire(thrown);
      if (code === 'internal' || code === 'worker_failed') {
        this.ready = undefined; // the next request begins anew
      }
      throw thrown;
    }
  }

  /** Another request is under way, with this constraint or none: that of the former is freed. */
  use(next: Constraint | undefined): void {
    const former = this.used;
    this.used = next;
    try {
      former?.free();
    } catch {
      // The module crashes only now, and is given up. A request that needs it hears of that when it asks for its mask.
    }
  }

  /** Gives back what the model has in the module's memory, which other engines of this thread may go on using. */
  async free(): Promise<void> {
    this.use(undefined);
    const opened = await this.ready?.catch(() => undefined);
    this.ready = undefined;
    opened?.instance.free(opened.raw);
  }

  private async open(): Promise<{ instance: Instance; raw: RawGrammars }> {
    let instance: Instance;
    try {
      instance = await Instance.of((await this.glue()) as GrammarGlue, this.file);
    } catch (thrown) {
      const message = `the Wasm module for grammars could not be started: ${String(thrown)}`;
      throw new KingletError('worker_failed', message, {}, { cause: thrown });
    }
    const { tokens, packed, ends } = this.vocabulary();
    return { instance, raw: instance.make(() => new instance.glue.Grammars(tokens, packed, ends)) };
  }
}

/** The same constraint; what it throws is plain data, as the engine reads it. */
function guarded(instance: Instance, raw: Constraint): Constraint {
  const call = <T>(work: () => T): T => {
    try {
      return instance.call(work);
    } catch (thrown) {
      throw toWire(thrown);
    }
  };
  return {
    mask: () => call(() => raw.mask()),
    commit: (token) => call(() => raw.commit(token)),
    reset: () => call(() => raw.reset()),
    free: () => instance.free(raw),
  };
}
