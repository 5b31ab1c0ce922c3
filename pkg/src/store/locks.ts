// Locks between tabs: Web Locks, which end with the tab that holds them. Plain-http pages have none; there they hold in
// this thread only.

/** Gives a lock back. */
export type Release = () => void;

/** How a lock is wanted. */
export interface Want {
  mode: 'exclusive' | 'shared';
  /** Do not wait: undefined where it is taken. */
  ifAvailable?: boolean;
}

/** Locks by name, fair: who asks first gets it first. */
export interface Locks {
  hold(name: string, want: Want & { ifAvailable: true }): Promise<Release | undefined>;
  hold(name: string, want: Want): Promise<Release>;
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

  hold(name: string, want: Want): Promise<Release>;
  hold(name: string, { mode, ifAvailable = false }: Want): Promise<Release | undefined> {
    return new Promise((resolve, reject) => {
      const request = this.locks.request(`kinglet:${name}`, { mode, ifAvailable }, (lock) =>
        lock === null ? resolve(undefined) : new Promise<void>((release) => resolve(release)),
      );
      request.catch(reject);
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
  async hold(name: string, { mode, ifAvailable = false }: Want): Promise<Release | undefined> {
    const lock = this.held.get(name) ?? { shared: 0, exclusive: false, waiting: [] };
    this.held.set(name, lock);
    const free = () => !lock.exclusive && (mode === 'shared' || lock.shared === 0);
    const take = () => {
      lock.exclusive = mode === 'exclusive';
      lock.shared += mode === 'shared' ? 1 : 0;
    };
    if (lock.waiting.length === 0 && free()) {
      take();
    } else if (ifAvailable) {
      return undefined;
    } else {
      await new Promise<void>((resolve) => {
        lock.waiting.push({
          mode,
          take: () => {
            take();
            resolve();
          },
        });
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
      for (let next = lock.waiting[0]; next !== undefined; next = lock.waiting[0]) {
        if (lock.exclusive || (next.mode === 'exclusive' && lock.shared > 0)) {
          return;
        }
        lock.waiting.shift();
        next.take();
      }
    };
  }
}
