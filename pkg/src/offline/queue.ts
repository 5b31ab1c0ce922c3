// Requests that wait for the network, across reloads and tabs. Each is marked before it is sent and removed after: a tab that
// dies in between leaves the mark, and nobody sends that one again unasked.

import { count } from '../check.js';
import { openDrawer, type Drawer } from '../drawer.js';
import { KingletError } from '../errors.js';
import { invalid } from '../params.js';
import { Redactor } from '../privacy/redact.js';
import type { Vault } from '../privacy/vault.js';
import { LocalLocks, locked, type Locks } from '../store/locks.js';
import { findLocks } from '../store/places.js';
import { bytesOf, checked, read, shown, written, type Stored } from './record.js';
import type { Flushed, Queued, QueueItem, QueueOptions, Send } from './types.js';
import { watch, type WatchOptions } from './watch.js';

const TTL_MS = 86_400_000;
const MOST = 50;
const MOST_BYTES = 1_000_000;
/** Held to change records, for a moment. */
const RECORDS = 'queue';
/** Held by who sends, until it has done so. */
const FLUSH = 'queue-flush';
/** Cancelled elsewhere, while this tab sends it. */
const CHANNEL = 'kinglet-queue';

/** The queue of this origin. */
export class Queue {
  private readonly vaults = new Map<string, Vault>();
  private readonly sending = new Map<string, AbortController>();
  private readonly end = new AbortController();
  private readonly channel: BroadcastChannel | undefined;

  /** @throws KingletError `store_unavailable`, `store_newer`. */
  static async open({ store = 'auto', ...options }: QueueOptions = {}): Promise<Queue> {
    const drawer = await openDrawer('queue', store);
    // What is in memory is this queue's alone.
    return Queue.over(drawer, drawer.kind === 'memory' ? new LocalLocks() : findLocks(), options);
  }

  /** @internal The queue in a drawer, under these locks. */
  static over(drawer: Drawer, locks: Locks, { ttlMs, most, mostBytes, now = Date.now, redactor = new Redactor() }: Omit<QueueOptions, 'store'> = {}): Queue {
    const bounds = { ttl: count('queue.ttlMs', ttlMs, TTL_MS), most: count('queue.most', most, MOST), bytes: count('queue.mostBytes', mostBytes, MOST_BYTES) };
    return new Queue(drawer, locks, bounds, now, redactor);
  }

  private constructor(
    private readonly drawer: Drawer,
    private readonly locks: Locks,
    private readonly bounds: { ttl: number; most: number; bytes: number },
    private readonly now: () => number,
    private readonly redactor: Redactor,
  ) {
    this.channel = drawer.kind === 'memory' || typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(CHANNEL);
    this.channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      this.stop(String(data));
    });
  }

  /**
   * Puts a request in. `vault`: what its placeholders stand for, kept in memory only.
   *
   * @throws KingletError `invalid_request` (not redacted, a field that holds a key, an id that is there already), `too_large`,
   * `quota_exceeded` (full).
   */
  async add(item: QueueItem, vault?: Vault): Promise<void> {
    const now = this.now();
    const fresh = { state: 'waiting', at: now, expires: now + this.bounds.ttl, key: crypto.randomUUID(), attempts: 0 } as const;
    const record = written({ ...checked(item, this.redactor), ...fresh });
    const bytes = bytesOf(record);
    if (bytes > this.bounds.bytes) {
      const message = `the request takes ${bytes} bytes, and the queue holds ${this.bounds.bytes}; it was not kept`;
      throw new KingletError('too_large', message, { bytes, most: this.bounds.bytes });
    }
    await locked(this.locks, RECORDS, async () => {
      const { stored, records } = await this.all();
      if (records.some(([id]) => id === item.id)) {
        throw invalid('queue.id', 'that of a request that is not queued', item.id);
      }
      const gone = stored.filter((one) => one.expires <= now && one.state === 'waiting');
      const kept = stored.filter((one) => !gone.includes(one));
      const used = kept.reduce((sum, one) => sum + bytesOf(written(one)), 0);
      if (kept.length >= this.bounds.most || used + bytes > this.bounds.bytes) {
        const message = `the queue is full (${kept.length} requests, ${used} bytes); cancel some, or let it be flushed`;
        throw new KingletError('quota_exceeded', message, { requests: kept.length, bytes: used, most: this.bounds.most, mostBytes: this.bounds.bytes });
      }
      await this.drawer.write([[item.id, record], ...gone.map(({ id }): [string, undefined] => [id, undefined])]);
    });
    if (vault !== undefined) {
      this.vaults.set(item.id, vault);
    }
  }

  /** Takes a request out, also one that is being sent, which is then aborted. False: it is not there. */
  async cancel(id: string): Promise<boolean> {
    const there = await locked(this.locks, RECORDS, async () => {
      const found = (await this.drawer.all()).some(([name]) => name === id);
      await this.drawer.write([[id, undefined]]);
      return found;
    });
    this.vaults.delete(id);
    this.stop(id);
    this.channel?.postMessage(id);
    return there;
  }

  /** What waits, the oldest first. */
  async list(): Promise<Queued[]> {
    // Whoever sends holds the lock: where nobody does, who marked a request as being sent is gone.
    const free = await this.locks.hold(FLUSH, { mode: 'shared', ifAvailable: true });
    try {
      const now = this.now();
      const { stored } = await this.all();
      return stored
        .filter((one) => one.state !== 'waiting' || one.expires > now)
        .map((one) => shown(one, this.vaults.get(one.id), one.state === 'sending' && free !== undefined ? 'interrupted' : one.state));
    } finally {
      free?.();
    }
  }

  /** Sends an interrupted request again, because the user says so: it may then arrive twice. False: it is not there. */
  async requeue(id: string): Promise<boolean> {
    const release = await this.locks.hold(FLUSH, { mode: 'exclusive', signal: this.end.signal });
    try {
      return await this.changed(id, (one) => (one.state === 'waiting' ? one : { ...one, state: 'waiting', expires: this.now() + this.bounds.ttl }));
    } finally {
      release();
    }
  }

  /** Sends what waits, one after the other, the oldest first; one tab at a time. @throws KingletError `aborted`. */
  async flush(send: Send, { signal }: { signal?: AbortSignal } = {}): Promise<Flushed> {
    const ends = signal === undefined ? this.end.signal : AbortSignal.any([this.end.signal, signal]);
    const release = await this.locks.hold(FLUSH, { mode: 'exclusive', signal: ends });
    try {
      return await this.flushed(send, ends);
    } finally {
      release();
    }
  }

  /** Flushes now and whenever it may help, until the function that comes back is called: see {@link watch}. */
  watch(send: Send, options: WatchOptions = {}): () => void {
    return watch(this, send, this.end.signal, options);
  }

  /** Ends flushes; what is being sent is aborted. */
  close(): void {
    this.end.abort();
    this.sending.forEach((controller) => controller.abort());
    this.channel?.close();
    this.drawer.close();
  }

  private async flushed(send: Send, ends: AbortSignal): Promise<Flushed> {
    const done: Flushed = { sent: [], later: [], dropped: [], cancelled: [], expired: [], interrupted: [] };
    for (const { id, state, idempotency } of (await this.all()).stored) {
      if (state === 'sending') {
        await this.changed(id, (one) => ({ ...one, state: idempotency === true ? 'waiting' : 'interrupted' }));
      }
    }
    for (const { id, state, expires } of (await this.all()).stored) {
      if (ends.aborted) {
        break;
      }
      if (state === 'interrupted') {
        done.interrupted.push(id);
      } else if (expires <= this.now()) {
        await this.changed(id, () => undefined);
        this.vaults.delete(id);
        done.expired.push(id);
      } else if ((await this.sendOne(id, send, ends, done)) === 'later') {
        break;
      }
    }
    return done;
  }

  private async sendOne(id: string, send: Send, ends: AbortSignal, done: Flushed): Promise<'later' | 'next'> {
    const controller = new AbortController();
    this.sending.set(id, controller);
    try {
      let marked: Stored | undefined;
      const mark = (one: Stored) => (marked = { ...one, state: 'sending', attempts: one.attempts + 1 });
      await this.changed(id, mark);
      if (marked === undefined) {
        done.cancelled.push(id); // since the list was made
        return 'next';
      }
      const came = await outcome(send, shown(marked, this.vaults.get(id)), AbortSignal.any([ends, controller.signal]));
      const end = came === 'unknown' ? (marked.idempotency === true ? 'later' : 'interrupted') : came;
      const there = await this.changed(id, (one) => (end === 'later' ? { ...one, state: 'waiting' } : end === 'interrupted' ? { ...one, state: end } : undefined));
      done[there ? end : 'cancelled'].push(id);
      if (!there || end === 'sent' || end === 'dropped') {
        this.vaults.delete(id);
      }
      return end === 'later' ? 'later' : 'next';
    } finally {
      this.sending.delete(id);
    }
  }

  private stop(id: string): void {
    this.sending.get(id)?.abort();
  }

  /** Writes what becomes of a record (undefined: it goes); false where it is not there. */
  private changed(id: string, change: (one: Stored) => Stored | undefined): Promise<boolean> {
    return locked(this.locks, RECORDS, async () => {
      const one = (await this.all()).stored.find((other) => other.id === id);
      if (one !== undefined) {
        const next = change(one);
        await this.drawer.write([[id, next === undefined ? undefined : written(next)]]);
      }
      return one !== undefined;
    });
  }

  private async all(): Promise<{ stored: Stored[]; records: [string, unknown][] }> {
    const records = await this.drawer.all();
    const stored = records.map(([, record]) => read(record)).filter((one) => one !== undefined);
    return { stored: stored.toSorted((a, b) => a.at - b.at), records };
  }
}

/** What came of it; `unknown`: it failed in a way that leaves open whether it was sent. */
async function outcome(send: Send, item: Queued, signal: AbortSignal): Promise<'sent' | 'later' | 'dropped' | 'unknown'> {
  try {
    const came: unknown = await send(item, signal);
    return came === 'sent' || came === 'later' || came === 'dropped' ? came : 'unknown';
  } catch {
    return 'unknown';
  }
}
