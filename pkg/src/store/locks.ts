// Locks between tabs: Web Locks, which end with the tab that holds them. Plain-http pages have none; there they hold in
// this thread only.

import { aborted } from '../errors.js';

/** Gives a lock back. */
export type Release = () => void;

/** How a lock is wanted. */
export interface Want {
  mode: 'exclusive' | 'shared';
  /** Do not wait: undefined where it is taken. */
  ifAvailable?: boolean;
  /** Ends waiting. */
  signal?: AbortSignal | undefined;
}

/** How a lock is waited for that others may have for long. */
export interface Wait {
  /** Ends it. */
  signal?: AbortSignal | undefined;
  /** Called when it has to be waited for. */
  waiting?(): void;
}

/** Locks by name, fair: who asks first gets it first. */
export interface Locks {
  hold(name: string, want: Want & { ifAvailable: true }): Promise<Release | undefined>;
  hold(name: string, want: Want): Promise<Release>;
}

/** A lock that is had so soon was not waited for: browsers take a moment to give back what this thread had itself. */
const SOON_MS = 50;

/**
 * Takes a lock, and says so when somebody else has it.
 *
 * @throws KingletError `aborted`.
 */
export async function patiently(locks: Locks, name: string, mode: Want['mode'], { signal, waiting }: Wait): Promise<Release> {
  const timer = setTimeout(() => waiting?.(), SOON_MS);
  try {
    return await locks.hold(name, { mode, signal });
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `work` while the lock is held. */
export async function locked<T>(locks: Locks, name: string, work: () => Promise<T>): Promise<T> {
  const release = await locks.hold(name, { mode: 'exclusive' });
  try {
    return await work();
  } finally {
    release();
  }
}

/** The browser's locks, shared by all tabs of this origin. */
export class WebLocks implements Locks {
  /** Undefined where the browser has none (plain http). */
  static find(): WebLocks | undefined {
    const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
    return locks && new WebLocks(locks);
  }

  private constructor(private readonly locks: LockManager) {}

  /** What follows `prefix` in the names of the locks that any tab holds now. */
  async held(prefix: string): Promise<string[]> {
    const begin = `kinglet:${prefix}`;
    const { held = [] } = await this.locks.query();
    return held.flatMap(({ name }) => (name?.startsWith(begin) ? [name.slice(begin.length)] : []));
  }

  hold(name: string, want: Want): Promise<Release>;
  hold(name: string, { mode, ifAvailable = false, signal }: Want): Promise<Release | undefined> {
    return new Promise((resolve, reject) => {
      const options = { mode, ifAvailable, ...(signal === undefined ? {} : { signal }) };
      const request = this.locks.request(`kinglet:${name}`, options, (lock) =>
        lock === null ? resolve(undefined) : new Promise<void>((release) => resolve(release)),
      );
      request.catch((thrown: unknown) => reject(signal?.aborted ? aborted(signal) : thrown));
    });
  }
}

interface Waiting {
  mode: Want['mode'];
  take: () => void;
}

/** Locks of this thread alone. */
export class LocalLocks implements Locks {
  private readonly held = new Map<string, { shared: number; exclusive: boolean; waiting: Waiting[] }>();

  hold(name: string, want: Want): Promise<Release>;
  async hold(name: string, { mode, ifAvailable = false, signal }: Want): Promise<Release | undefined> {
    const lock = this.held.get(name) ?? { shared: 0, exclusive: false, waiting: [] };
    this.held.set(name, lock);
    const free = () => !lock.exclusive && (mode === 'shared' || lock.shared === 0);
    if (signal?.aborted) {
      throw aborted(signal);
    }
    const take = () => {
      lock.exclusive = mode === 'exclusive';
      lock.shared += mode === 'shared' ? 1 : 0;
    };
    const next = () => {
      for (let first = lock.waiting[0]; first !== undefined; first = lock.waiting[0]) {
        if (lock.exclusive || (first.mode === 'exclusive' && lock.shared > 0)) {
          return;
        }
        lock.waiting.shift();
        first.take();
      }
    };
    if (lock.waiting.length === 0 && free()) {
      take();
    } else if (ifAvailable) {
      return undefined;
    } else {
      await new Promise<void>((resolve, reject) => {
        const give = () => {
          lock.waiting.splice(lock.waiting.indexOf(waiting), 1);
          next(); // who came later may have waited for this one alone
          reject(aborted(signal));
        };
        const waiting = {
          mode,
          take: () => {
            signal?.removeEventListener('abort', give);
            take();
            resolve();
          },
        };
        lock.waiting.push(waiting);
        signal?.addEventListener('abort', give, { once: true });
      });
    }
    let released = false;
    return () => {
      if (released) {
        return;
      }
      released = true;
      lock.exclusive = false;
      lock.shared -= mode === 'shared' ? 1 : 0;
      next();
    };
  }
}
