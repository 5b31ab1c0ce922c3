// The all-gather by messages between the workers, for pages that are not cross-origin isolated.

import type { KingletError } from './errors.js';
import type { Exchange } from './exchange.js';
import { failed, patience, silent, watch } from './patience.js';

/** A part on its way: shard `from` sends it for exchange number `round`, at the start of `values`; or `from` has failed. */
export type PartMessage =
  | { tag: 'part'; from: number; round: number; values: Float32Array<ArrayBuffer> }
  | { tag: 'failed'; from: number; message: string };

/** How to send to another shard; what comes from there is given to {@link MessageExchange.receive}. */
export type Send = (message: PartMessage, transfer: Transferable[]) => void;

interface Wait {
  round: number;
  resolve: () => void;
  reject: (error: KingletError) => void;
}

/** Buffers that are kept for the next messages: as many as come in go out. New ones would cost more than the message. */
const KEPT = 16;
/** Values of the smallest and the largest of them. */
const SMALLEST = 4096;
const LARGEST = 65536;

/** Every shard sends its part to every other. Parts may come early: another shard can be one exchange ahead. */
export class MessageExchange implements Exchange {
  /** What has come: by round, then by shard. */
  private readonly parts = new Map<number, Map<number, Float32Array<ArrayBuffer>>>();
  private readonly kept: Float32Array<ArrayBuffer>[] = [];
  private round = 0;
  private since = performance.now();
  private wait: Wait | undefined;
  private failure: KingletError | undefined;

  /** `sends[rank]` for every shard but this one. */
  constructor(
    private readonly rank: number,
    private readonly ranks: number,
    private readonly sends: readonly (Send | undefined)[],
    private readonly limit: (own: number) => number = patience,
  ) {}

  start(all: Float32Array, bounds: Uint32Array, toLeader: boolean): Promise<void> | undefined {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    this.round += 1;
    const { round } = this;
    if (!toLeader || this.rank !== 0) {
      const own = all.subarray(bounds[this.rank], bounds[this.rank + 1]);
      this.sends.forEach((send, to) => (toLeader && to > 0 ? undefined : send && this.send(send, own)));
    }
    if (toLeader && this.rank !== 0) {
      return undefined;
    }
    if (this.complete(round)) {
      this.finish(all, bounds);
      return undefined;
    }
    return this.waitFor(round);
  }

  finish(all: Float32Array, bounds: Uint32Array): void {
    for (const [from, values] of this.parts.get(this.round) ?? []) {
      const first = bounds[from] ?? 0;
      all.set(values.subarray(0, (bounds[from + 1] ?? 0) - first), first);
      if (this.kept.length < KEPT && values.length <= LARGEST) {
        this.kept.push(values);
      }
    }
    this.parts.delete(this.round);
    this.begin();
  }

  begin(): void {
    this.since = performance.now();
  }

  fail(message: string, rank = this.rank): void {
    this.sends.forEach((send) => send?.({ tag: 'failed', from: rank, message }, []));
    this.end(failed(rank, message));
  }

  /** Takes a message that another shard has sent. */
  receive(message: PartMessage): void {
    if (message.tag === 'failed') {
      return this.end(failed(message.from, message.message));
    }
    const { from, round, values } = message;
    const parts = this.parts.get(round) ?? new Map<number, Float32Array<ArrayBuffer>>();
    this.parts.set(round, parts.set(from, values));
    if (this.wait !== undefined && this.complete(this.wait.round)) {
      this.wait.resolve();
    }
  }

  private send(send: Send, own: Float32Array): void {
    const place = this.kept.findIndex((values) => values.length >= own.length);
    const values = this.kept.splice(place, place < 0 ? 0 : 1)[0] ?? new Float32Array(Math.max(own.length, SMALLEST));
    values.set(own);
    send({ tag: 'part', from: this.rank, round: this.round, values }, [values.buffer]);
  }

  private complete(round: number): boolean {
    return this.parts.get(round)?.size === this.ranks - 1;
  }

  private waitFor(round: number): Promise<void> {
    const slices = this.rank === 0 ? this.limit(performance.now() - this.since) : Infinity;
    const waiting = new Promise<void>((resolve, reject) => {
      this.wait = { round, resolve, reject };
    });
    const stop = watch(slices, () => this.end(silent(this.missing(round))));
    return waiting.finally(() => {
      stop();
      this.wait = undefined;
    });
  }

  /** The first shard whose part has not come. */
  private missing(round: number): number {
    const parts = this.parts.get(round);
    let rank = 0;
    while (rank === this.rank || parts?.has(rank)) {
      rank += 1;
    }
    return rank;
  }

  private end(failure: KingletError): void {
    this.failure ??= failure;
    this.wait?.reject(this.failure);
  }
}
