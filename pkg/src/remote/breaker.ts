// When a remote model rests: a state machine without a clock, to which every question says what time it is.

import type { BreakerOptions } from './types.js';

/** How a request ended, for the service's health. `neither`: it says nothing, as one that was aborted, or that was wrong itself. */
export type Health = 'well' | 'failed' | 'neither';

/** The defaults. */
export const BREAKER = { failures: 3, of: 5, restMs: [30_000, 60_000, 300_000] } as const;

/**
 * Rests after `failures` of the last `of` requests have failed, or at once where the key was refused; then one request is let
 * through, whose end decides. Times are milliseconds of any clock.
 */
export class Breaker {
  private readonly failures: number;
  private readonly last: boolean[] = [];
  private readonly of: number;
  private readonly rests: readonly number[];
  /** Rests in a row, without a request that went well between them. */
  private opened = 0;
  private until: number | undefined;
  private probing = false;

  constructor(options: BreakerOptions = {}) {
    this.failures = options.failures ?? BREAKER.failures;
    this.of = options.of ?? Math.max(BREAKER.of, this.failures);
    this.rests = options.restMs ?? BREAKER.restMs;
  }

  /** Milliseconds that it still rests: 0 where a request would be let through. Infinity while one tries whether it is well again. */
  resting(now: number): number {
    if (this.until === undefined) {
      return 0;
    }
    return this.probing ? Infinity : Math.max(0, this.until - now);
  }

  /** Lets a request in, or undefined. Each is told {@link left}. */
  enter(now: number): { probe: boolean } | undefined {
    if (this.resting(now) > 0) {
      return undefined;
    }
    this.probing = this.until !== undefined;
    return { probe: this.probing };
  }

  /** A request that was let in has ended; `atOnce`: it need not fail again before this rests. */
  left({ probe }: { probe: boolean }, health: Health, now: number, atOnce = false): void {
    if (probe) {
      this.probing = false;
    } else if (this.until !== undefined) {
      return; // begun before this rested: that is known by now
    }
    if (health === 'neither') {
      return;
    }
    if (probe && health === 'well') {
      this.until = undefined;
      this.opened = 0;
    }
    this.last.push(health === 'failed');
    this.last.splice(0, this.last.length - this.of);
    if (health === 'failed' && (probe || atOnce || this.last.filter(Boolean).length >= this.failures)) {
      this.until = now + (this.rests[Math.min(this.opened, this.rests.length - 1)] ?? 0);
      this.opened += 1;
      this.last.length = 0;
    }
  }
}
