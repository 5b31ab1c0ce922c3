// A file of the store on its server, and one chunk fetched alone.

import { httpError } from '../sources/range.js';
import { ask, bodyOf, cut, persistently, type Remote } from '../sources/remote.js';
import type { Patience } from '../sources/retry.js';
import { sizeOf, type Manifest } from './manifest.js';
import { CHUNK } from './window.js';

/** A file to download. */
export interface Origin extends Remote {
  /** What it is known by in the store. */
  key: string;
  /** For people. */
  name: string;
  /** The content that is wanted, and no other: what was loaded before. */
  root?: string | undefined;
}

/** Chunk `n` alone, from a server that may know no ranges. What it is must be checked by its hash. */
export function fetchChunk(
  origin: Origin,
  { length }: Manifest,
  n: number,
  patience: Required<Patience>,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const start = n * CHUNK;
  const bytes = new Uint8Array(sizeOf(length ?? Infinity, n));
  const end = start + bytes.length;
  return persistently(patience, signal, async () => {
    const answer = await ask(origin, start, end, [], patience, signal);
    const { status, statusText } = answer.response;
    if (status !== 200 && status !== 206) {
      answer.stall.end();
      throw httpError(origin.url, status, statusText);
    }
    let at = status === 206 ? start : 0;
    for await (const piece of bodyOf(origin, answer, signal)) {
      const skipped = Math.min(piece.length, Math.max(0, start - at));
      const wanted = piece.subarray(skipped, skipped + Math.max(0, end - at - skipped));
      bytes.set(wanted, at + skipped - start < 0 ? 0 : at + skipped - start);
      at += piece.length;
      if (at >= end) {
        return bytes;
      }
    }
    throw cut(origin, at, end);
  });
}
