// Room: what the browser grants, asked before anything is downloaded.

import { KingletError } from '../errors.js';
import { unreadable } from '../sources/reader.js';
import type { DiskFile } from './disk.js';

/** Bytes that this origin uses, may use, and has left; undefined where the browser does not say. */
export interface Estimate {
  usage: number | undefined;
  quota: number | undefined;
  available: number | undefined;
}

/** What the browser grants this origin. */
export async function estimate(): Promise<Estimate> {
  const storage = (globalThis.navigator as Partial<Navigator> | undefined)?.storage as Partial<StorageManager> | undefined;
  const { usage, quota } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  const available = usage === undefined || quota === undefined ? undefined : Math.max(0, quota - usage);
  return { usage, quota, available };
}

/** The error of a file for which there is no room. */
export function noRoom(name: string, needed: number | undefined, available: number | undefined): KingletError {
  const there = available === undefined ? 'less is left' : `${available} are available`;
  const wants = needed === undefined ? 'nothing can be written any more' : `it needs ${needed} bytes`;
  const message =
    `${name} does not fit into the browser's storage: ${wants}, ${there}; free space on the device, remove other ` +
    "models (modelStore.evict), or load with store: 'none', which keeps nothing";
  return new KingletError('quota_exceeded', message, { needed: needed ?? null, available: available ?? null });
}

/** The room for files that are downloaded together: what one of them will still take is not there for the others. */
export class Room {
  private readonly claims = new Set<() => number>();

  constructor(private readonly ask: () => Promise<Estimate> = estimate) {}

  /**
   * Makes sure that a file of `length` bytes, of which so many are `stored`, has its room; returns how to give up the claim.
   *
   * @throws KingletError `quota_exceeded`.
   */
  async take(name: string, file: DiskFile, length: number, stored: () => number): Promise<() => void> {
    const { available } = await this.ask();
    const size = await file.size?.();
    // What was reserved before counts as used already.
    const needed = Math.max(0, length - Math.max(stored(), size ?? 0));
    const others = [...this.claims].reduce((sum, claim) => sum + claim(), 0);
    if (available !== undefined && needed > 0 && needed + others > available) {
      throw noRoom(name, needed + others, available);
    }
    await file.reserve(length).catch(async (thrown: unknown) => {
      const room = isFull(thrown) ? await file.room?.(length) : undefined;
      throw isFull(thrown) ? noRoom(name, needed, room === undefined ? undefined : Math.max(0, room - length + needed)) : thrown;
    });
    // Where nothing can be reserved, what is still to be written is not used yet.
    const claim = () => (size === undefined ? Math.max(0, length - stored()) : 0);
    this.claims.add(claim);
    return () => this.claims.delete(claim);
  }
}

/** A write that failed for want of room. */
export function isFull(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'QuotaExceededError';
}

/** What a caller hears of a failure of the disk; `needed`: bytes that would still have been written, where that is known. */
export function diskError(name: string, thrown: unknown, needed?: number): KingletError {
  if (thrown instanceof KingletError) {
    return thrown;
  }
  // What the browser says is left cannot be right, then.
  return isFull(thrown) ? noRoom(name, needed, undefined) : unreadable(name, thrown);
}
