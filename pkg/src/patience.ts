// How long the leader waits for a shard, and what it says of one that is lost.

import { KingletError } from './errors.js';

/**
 * How long shard 0 waits for another, in slices of {@link SLICE_MS}: shards do the same amount of work between two
 * exchanges, so one that takes this much longer than shard 0 itself, and these seconds more, is dead. Slices are
 * counted, not the clock: a device that slept for an hour has spent one slice. The other shards wait for shard 0
 * without a limit: they end with it.
 */
const PATIENCE = { slices: 10, factor: 10 };
/** Milliseconds of one slice of waiting. */
export const SLICE_MS = 1000;

/** Slices that a shard is given which has to do what took this one `own` milliseconds. */
export function patience(own: number): number {
  return PATIENCE.slices + Math.ceil((own / SLICE_MS) * PATIENCE.factor);
}

/** Calls `gone` after so many slices of waiting in the event loop; returns how to stop that. */
export function watch(slices: number, gone: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const sleep = (left: number) => {
    timer = setTimeout(() => (left <= 1 ? gone() : sleep(left - 1)), SLICE_MS);
  };
  if (slices !== Infinity) {
    sleep(slices);
  }
  return () => clearTimeout(timer);
}

/** The error of a shard that said why; `detail.said` is that alone, for the engine, whose own error it may be. */
export function failed(rank: number, said: string): KingletError {
  return new KingletError('worker_failed', `thread ${rank} failed: ${said}`, { said });
}

/** What is said of a shard that says nothing any more. */
export const SILENCE = 'it does not answer; it was ended, or hangs';

/** The error of such a shard. */
export function silent(rank: number): KingletError {
  return failed(rank, SILENCE);
}
