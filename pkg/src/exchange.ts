// The all-gather between shards: every shard has computed its part of a vector, and then all of them have all of it.
// Two transports behind one interface: shared memory (this file), messages (messages.ts).

import { failed, patience, silent, SLICE_MS } from './patience.js';

/** One shard's end of the exchanges. All shards call `start` with the same `bounds`, in the same order. */
export interface Exchange {
  /**
   * Gathers in place: this shard's part of `all` is `[bounds[rank], bounds[rank + 1])`, the others' parts are written.
   * With `toLeader` only shard 0 receives, and the others do not wait.
   *
   * Undefined: done. A promise: the parts are still on their way; when it has resolved, `finish` writes them (`all`
   * may be another view of the same values by then: Wasm memory grows).
   *
   * @throws KingletError `worker_failed` when a shard has failed or does not answer.
   */
  start(all: Float32Array, bounds: Uint32Array, toLeader: boolean): Promise<void> | undefined;
  /** See {@link start}. */
  finish(all: Float32Array, bounds: Uint32Array): void;
  /** Work has been handed out: from here on, this shard's own time counts against the others' (see {@link patience}). */
  begin(): void;
  /** Shard `rank` (default: this one) cannot go on: whoever waits for it is told so, now and later. */
  fail(message: string, rank?: number): void;
}

// Layout of the shared memory, in bytes: words, the message of a failure, then two slots with a piece for each shard.
/** Changes with every arrival; what a shard that has nothing to do sleeps on. */
const BELL = 0;
/** 0, or 1 + the shard that failed. */
const FAILED = 1;
/** Bytes of the failure's message. */
const MESSAGE_LENGTH = 2;
/** Where the count of rounds of each shard begins, and how far apart they lie: one cache line each. */
const ROUND = 16;
const LINE = 16;
const MESSAGE_AT = 4096;
const MESSAGE_MAX = 1024;
const SLOTS_AT = MESSAGE_AT + MESSAGE_MAX;
/** Values of one shard in one round: larger parts take several rounds. */
const PIECE = 16384;
/** Looks before a shard goes to sleep: about 10 us, which is what falling asleep and being woken costs. */
const SPINS = 4000;

/** The memory that all shards of a team share. */
export function sharedMemory(ranks: number): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS_AT + 2 * ranks * PIECE * 4);
}

/**
 * Shared memory and a barrier. There are two slots, used in turn, so that one barrier per round is enough: a shard
 * writes to a slot again only after all have arrived at the round between, and so have read what was there.
 */
export class SharedExchange implements Exchange {
  private readonly words: Int32Array;
  private readonly slots: Float32Array;
  private round = 0;
  /** When this shard began what comes before the next exchange. */
  private since = performance.now();

  constructor(
    private readonly memory: SharedArrayBuffer,
    private readonly rank: number,
    private readonly ranks: number,
    private readonly limit: (own: number) => number = patience,
  ) {
    this.words = new Int32Array(memory, 0, MESSAGE_AT / 4);
    this.slots = new Float32Array(memory, SLOTS_AT);
  }

  start(all: Float32Array, bounds: Uint32Array, toLeader: boolean): undefined {
    const slices = this.rank === 0 ? this.limit(performance.now() - this.since) : Infinity;
    let longest = 0;
    for (let rank = 0; rank < this.ranks; rank++) {
      longest = Math.max(longest, at(bounds, rank + 1) - at(bounds, rank));
    }
    for (let done = 0; done < longest; done += PIECE) {
      this.exchange(all, bounds, done, toLeader, slices);
    }
    this.begin();
  }

  finish(): void {}

  begin(): void {
    this.since = performance.now();
  }

  fail(message: string, rank = this.rank): void {
    if (Atomics.compareExchange(this.words, FAILED, 0, rank + 1) === 0) {
      const text = new TextEncoder().encode(message).subarray(0, MESSAGE_MAX);
      new Uint8Array(this.memory, MESSAGE_AT).set(text);
      Atomics.store(this.words, MESSAGE_LENGTH, text.length);
    }
    this.ring();
  }

  /** One round: values `done ..` of each part. */
  private exchange(all: Float32Array, bounds: Uint32Array, done: number, toLeader: boolean, slices: number): void {
    // Already so, unless the round before went to the leader alone.
    this.arrived(this.round, slices);
    this.round += 1;
    const slot = (this.round & 1) * this.ranks * PIECE;
    const piece = (rank: number): [number, number] => {
      const end = at(bounds, rank + 1);
      const first = Math.min(at(bounds, rank) + done, end);
      return [first, Math.min(first + PIECE, end)];
    };
    this.slots.set(all.subarray(...piece(this.rank)), slot + this.rank * PIECE);
    Atomics.store(this.words, ROUND + this.rank * LINE, this.round);
    this.ring();
    if (toLeader && this.rank !== 0) {
      return;
    }
    this.arrived(this.round, slices);
    for (let rank = 0; rank < this.ranks; rank++) {
      if (rank !== this.rank) {
        const [first, end] = piece(rank);
        const from = slot + rank * PIECE;
        all.set(this.slots.subarray(from, from + end - first), first);
      }
    }
  }

  /** Waits until every shard has arrived at `round`. */
  private arrived(round: number, slices: number): void {
    for (let rank = 0; rank < this.ranks; rank++) {
      const word = ROUND + rank * LINE;
      for (let look = 0; look < SPINS && Atomics.load(this.words, word) < round; look++);
      for (let slept = 0; Atomics.load(this.words, word) < round; ) {
        const bell = Atomics.load(this.words, BELL);
        this.check();
        if (Atomics.load(this.words, word) >= round) {
          break;
        }
        const limit = slices === Infinity ? Infinity : SLICE_MS;
        if (Atomics.wait(this.words, BELL, bell, limit) === 'timed-out' && ++slept >= slices) {
          throw silent(rank);
        }
      }
    }
    this.check();
  }

  private check(): void {
    const rank = Atomics.load(this.words, FAILED) - 1;
    if (rank >= 0) {
      const length = Atomics.load(this.words, MESSAGE_LENGTH);
      throw failed(rank, new TextDecoder().decode(new Uint8Array(this.memory, MESSAGE_AT, length).slice()));
    }
  }

  private ring(): void {
    Atomics.add(this.words, BELL, 1);
    Atomics.notify(this.words, BELL);
  }
}

/** An element of `bounds`, which has one more than there are shards. */
function at(bounds: Uint32Array, index: number): number {
  return bounds[index] ?? 0;
}
