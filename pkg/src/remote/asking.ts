// One asking of a remote model, while it lasts: what its attempts have in common.

import { aborted, KingletError } from '../errors.js';
import { Failure, withoutSecrets } from './failure.js';
import type { RemotePart } from './types.js';

/** One asking. */
export class Asking {
  attempts = 0;
  /** A text or a call was yielded. */
  shown = false;
  /** All of the answer came. */
  complete = false;
  /** Keys and tokens that were sent: no error repeats them. */
  readonly secrets: string[] = [];
  /** Aborts when the caller does, and when the time is up. */
  readonly signal: AbortSignal;
  private readonly late = new AbortController();
  private readonly timer: ReturnType<typeof setTimeout>;

  constructor(
    /** By the clock of `now`. */
    readonly deadline: number,
    private readonly totalMs: number,
    private readonly outer: AbortSignal | undefined,
  ) {
    this.signal = outer === undefined ? this.late.signal : AbortSignal.any([outer, this.late.signal]);
    this.timer = setTimeout(() => this.late.abort(), totalMs);
  }

  /** @throws KingletError `aborted` */
  check(): void {
    if (this.signal.aborted) {
      throw aborted(this.signal);
    }
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /** What was thrown, or that the time is up, which aborts whatever is under way. */
  meaning(thrown: unknown): unknown {
    if (this.outer?.aborted === true) {
      return thrown instanceof Failure ? aborted(this.outer) : thrown;
    }
    const late = this.late.signal.aborted && thrown instanceof KingletError && thrown.code === 'aborted';
    return late ? new Failure('total_timeout', `no complete answer within ${this.totalMs} ms`) : thrown;
  }

  /** What a service says of itself is kept in the ledger: not if it repeats a key. */
  head(part: RemotePart & { type: 'head' }): RemotePart {
    const { id, model } = part;
    return { type: 'head', ...(id === undefined ? {} : { id: withoutSecrets(id, this.secrets) }), ...(model === undefined ? {} : { model: withoutSecrets(model, this.secrets) }) };
  }
}
