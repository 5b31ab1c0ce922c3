// How many threads a model gets. docs/threads.md has the measurements behind the numbers.

/** What an answer to `threads` may be, and the most that `auto` takes. */
export const MAX_THREADS = 16;
const MAX_AUTO = 8;
/** The most that `auto` takes where parts travel as messages: each shard sends to, and hears from, all the others. */
const MAX_MESSAGING = 4;
/** Bytes of weights read for a token from which on exchanges are worth it: below, they eat what a second core brings. */
export const SHARING_FROM = 16 * 1024 * 1024;
export const MESSAGING_FROM = 128 * 1024 * 1024;

/** What the browser says about itself. */
export interface Machine {
  /** `navigator.hardwareConcurrency`. */
  cores: number;
  /** The page is cross-origin isolated: there is shared memory. */
  isolated: boolean;
  /** Workers can be created from where the engine runs. */
  nested: boolean;
}

/** A number of threads, and why it is smaller than what was asked for. */
export interface Threads {
  threads: number;
  why?: string;
}

/** The machine that this thread runs on; `hiring`: this kind of place may start workers, if the browser lets it. */
export function machine(hiring: boolean): Machine {
  return {
    cores: globalThis.navigator?.hardwareConcurrency || 1,
    isolated: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== 'undefined',
    nested: hiring && typeof Worker !== 'undefined',
  };
}

/**
 * `auto`: all of up to 4 logical processors, half of more but at least 4 (the other half are second threads of the same
 * cores, or slow cores, which every exchange would wait for), at most 8; without isolation at most 4. 1 for small models.
 * A number is taken as it is.
 */
export function chooseThreads(asked: number | 'auto', weights: number, { cores, isolated, nested }: Machine): Threads {
  const auto = Math.min(cores <= 4 ? cores : Math.max(4, Math.ceil(cores / 2)), isolated ? MAX_AUTO : MAX_MESSAGING);
  const wanted = asked === 'auto' ? auto : asked;
  if (wanted > 1 && !nested) {
    return { threads: 1, why: 'this browser cannot start a worker from where the engine runs' };
  }
  if (asked === 'auto' && wanted > 1 && weights < (isolated ? SHARING_FROM : MESSAGING_FROM)) {
    const why = 'for a model of this size exchanges between threads cost more than they bring';
    return { threads: 1, why: isolated ? why : `${why}, where the page is not cross-origin isolated` };
  }
  return { threads: wanted };
}
