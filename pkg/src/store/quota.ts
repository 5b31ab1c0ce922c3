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

/**
 * Makes sure that a file of `length` bytes, of which so many are `stored`, has its room.
 *
 * @throws KingletError `quota_exceeded`.
 */
export async function takeRoom(name: string, file: DiskFile, length: number, stored: number, { available }: Estimate): Promise<void> {
  // What was reserved before counts as used already.
  const needed = Math.max(0, length - Math.max(stored, (await file.size?.()) ?? 0));
  if (available !== undefined && needed > available) {
    throw noRoom(name, needed, available);
  }
  await file.reserve(length).catch(async (thrown: unknown) => {
    const room = isFull(thrown) ? await file.room?.(length) : undefined;
    throw isFull(thrown) ? noRoom(name, needed, room === undefined ? undefined : Math.max(0, room - length + needed)) : thrown;
  });
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
