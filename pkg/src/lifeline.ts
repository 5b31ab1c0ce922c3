// How one side learns that the other is gone, whatever ended it (a crash, memory, the browser, a closed tab): it held a
// Web Lock, and the browser gives the lock to whoever waits for it. Only secure contexts have them.

/** The browser's locks, or what a test has instead. */
type Locks = Pick<LockManager, 'request'>;

function locks(): Locks | undefined {
  return typeof navigator === 'undefined' ? undefined : (navigator as { locks?: Locks }).locks;
}

/** There are Web Locks here. */
export function haveLocks(): boolean {
  return locks() !== undefined;
}

/** A lock that is held. */
export interface Held {
  name: string;
  release: () => void;
}

/** Takes a lock of a name that nobody else has, and holds it until `release`, or the end of this thread. */
export async function hold(kind: string): Promise<Held | undefined> {
  const manager = locks();
  if (manager === undefined) {
    return undefined;
  }
  const random = crypto.getRandomValues(new Uint32Array(4));
  const name = `kinglet ${kind} ${Array.from(random, (part) => part.toString(36)).join('')}`;
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve({ name, release }));
    manager.request(name, held).catch(reject);
  });
}

/** Calls `gone` when the lock is no longer held; returns how to stop watching. */
export function watch(name: string, gone: () => void): () => void {
  const control = new AbortController();
  locks()
    ?.request(name, { signal: control.signal }, gone)
    .catch(() => undefined); // stopped
  return () => control.abort();
}
