// Trying again: which failures may pass, how long to wait, and when an answer that says nothing any more has stalled.

import { aborted, KingletError } from '../errors.js';

/** How patient a download is. */
export interface Patience {
  /** Requests in a row without one new byte, before the download fails. Default 6. */
  attempts?: number;
  /** Milliseconds before the second attempt; twice as long before each further one. Default 500. */
  backoffMs?: number;
  /** Milliseconds without a byte after which an answer has stalled. Default 30,000. */
  stallMs?: number;
}

/** With the defaults. */
export const patient = (given: Patience = {}) => ({ attempts: 6, backoffMs: 500, stallMs: 30_000, ...given });

/** The least and the most that each may be. */
const BOUNDS: Record<keyof Patience, [number, number]> = { attempts: [1, 1000], backoffMs: [0, 600_000], stallMs: [1, 3_600_000] };

/** @throws KingletError `invalid_request` that names what is no {@link Patience}. */
export function checkPatience(given: Patience): Patience {
  for (const [name, value] of Object.entries(given) as [keyof Patience, unknown][]) {
    const [least, most] = Object.hasOwn(BOUNDS, name) ? BOUNDS[name] : [];
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= (least ?? 0) && value <= (most ?? 0);
    if (least === undefined || (value !== undefined && !fits)) {
      const expected = least === undefined ? Object.keys(BOUNDS).join(', ') : `a whole number from ${least} to ${most}`;
      const message = `invalid request: retry.${name}: expected ${expected}, got ${least === undefined ? 'an unknown one' : String(value)}`;
      throw new KingletError('invalid_request', message, { param: `retry.${name}` });
    }
  }
  // What is undefined is as if it were not there.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Longest pause between two attempts, whatever a server says. */
const MAX_BACKOFF_MS = 30_000;

/** A failure that may pass. */
export class Passing extends Error {
  constructor(
    /** What the caller hears when it does not pass. */
    readonly error: KingletError,
    /** Milliseconds that the server asks to wait. */
    readonly after = 0,
  ) {
    super(error.message);
  }
}

/** Statuses of servers that are busy, restart, or are far away. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** `Retry-After`, seconds or a date, in milliseconds; 0 where it is missing or past. */
export function retryAfter(headers: Headers): number {
  const after = headers.get('retry-after') ?? '';
  if (/^\s*\d+\s*$/.test(after)) {
    return 1000 * Number(after);
  }
  // By the server's own clock, where it tells.
  const now = Date.parse(headers.get('date') ?? '') || Date.now();
  return Math.max(0, Date.parse(after) - now) || 0;
}

/** The browser says that there is no network: what fails now says nothing of the server. */
export function isOffline(): boolean {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.onLine === false;
}

/** Waits before attempt `n` (the first is 1), less long when `signal` aborts, which throws. */
export function pause(n: number, first: number, after: number, signal: AbortSignal): Promise<void> {
  return wait(Math.min(MAX_BACKOFF_MS, Math.max(after, first * 2 ** (n - 1))), signal);
}

/** Waits, less long when `signal` aborts, which throws. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : ms);
    signal.addEventListener('abort', end);
  });
  if (signal.aborted) {
    throw aborted(signal);
  }
}

/** Aborts a request about which nothing was heard for a while. */
export class Stall {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly forward = () => this.controller.abort(this.outer.reason);
  /** It was this that ended the request. */
  stalled = false;
  /** Rejects when the request is over: a `fetch` of the caller's own may know nothing of signals. */
  readonly over: Promise<never>;

  constructor(
    private readonly ms: number,
    private readonly outer: AbortSignal,
  ) {
    const { signal } = this.controller;
    this.over = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    this.over.catch(() => undefined);
    outer.addEventListener('abort', this.forward);
    if (outer.aborted) {
      this.forward();
    }
    this.expect();
  }

  /** For the request. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Something is awaited from now on, for so long. */
  expect(ms = this.ms): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.stalled = true;
      this.controller.abort();
    }, ms);
  }

  /** It came. Nothing more is awaited before somebody reads on. */
  rest(): void {
    clearTimeout(this.timer);
  }

  /** The request is over; if it is not, it ends now. */
  end(): void {
    clearTimeout(this.timer);
    this.outer.removeEventListener('abort', this.forward);
    this.controller.abort();
  }
}
