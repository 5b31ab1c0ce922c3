// Which chunks of a file are asked for next, and together.

import type { Arrival } from './arrival.js';
import { chunksOf } from './manifest.js';

/** Chunks of one request. */
const RUN = 4;

/** Chunks `from` to `to` (exclusive), asked for together. */
export interface Run {
  from: number;
  to: number;
}

/** Hands out the missing chunks of a file, each to one connection. */
export class Runs {
  /** The server sends parts of the file. */
  ranged = true;
  /** Several servers answer, whose versions cannot be told from each other: as few requests as possible. */
  single = false;
  private readonly busy = new Set<number>();

  constructor(private readonly arrival: Arrival) {}

  /** The next chunks that nobody has asked for, those first that the engine wants. */
  take(): Run | undefined {
    const { arrival, busy } = this;
    const { length, wanted } = arrival;
    const alone = !this.parallel;
    if (alone && busy.size > 0) {
      return undefined;
    }
    const count = length === null ? arrival.manifest.sha.length + 1 : chunksOf(length);
    const free = (n: number) => n < count && !arrival.chunks.has(n) && !busy.has(n);
    const next = (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        if (free(n)) {
          return n;
        }
      }
      return undefined;
    };
    const from = alone ? next(0, count) : (next(wanted, count) ?? next(0, Math.min(wanted, count)));
    if (from === undefined) {
      return undefined;
    }
    const run = { from, to: this.divisible ? from + 1 : Infinity };
    while (run.to < from + (alone ? Infinity : RUN) && free(run.to) && arrival.come(run.to) === 0) {
      run.to += 1; // what has begun to come is asked for from there on
    }
    this.reserve(run);
    return run;
  }

  /** Where the file can be had in parts, `run` becomes one; true: there is work for others, too. */
  narrow(run: Run): boolean {
    if (this.parallel) {
      run.to = Math.min(run.to, run.from + RUN, chunksOf(this.arrival.length ?? 0));
      this.reserve(run);
    }
    return this.parallel;
  }

  /** The first chunk of a run is there. */
  advance(run: Run): void {
    do {
      this.busy.delete(run.from);
      run.from += 1;
    } while (run.from < run.to && this.arrival.chunks.has(run.from));
  }

  isDone({ from, to }: Run): boolean {
    const { length } = this.arrival;
    return from >= Math.min(to, length === null ? Infinity : chunksOf(length));
  }

  /** What is left of a run is there for others. */
  release(run: Run): void {
    for (let n = run.from; n < Math.min(run.to, run.from + RUN); n++) {
      this.busy.delete(n);
    }
  }

  /** Everything begins anew. */
  reset(): void {
    this.busy.clear();
    this.ranged = true; // but `single` stays: the servers do
  }

  private get parallel(): boolean {
    return this.divisible && !this.single;
  }

  private get divisible(): boolean {
    return this.ranged && this.arrival.resumable && this.arrival.length !== null;
  }

  private reserve(run: Run): void {
    for (let n = run.from; n < Math.min(run.to, run.from + RUN); n++) {
      this.busy.add(n);
    }
  }
}
