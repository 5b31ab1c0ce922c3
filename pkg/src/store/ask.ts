// One request of a download, and one chunk fetched alone.

import { aborted, KingletError } from '../errors.js';
import { request, type Remote } from '../sources/http.js';
import { httpError } from '../sources/range.js';
import { unreadable } from '../sources/reader.js';
import { sizeOf, type Manifest } from './manifest.js';
import { mayPass, Passing, pause, retryAfter, Stall, type Patience } from './retry.js';
import { CHUNK } from './window.js';

/** A file to download. */
export interface Origin extends Remote {
  /** What it is known by in the store. */
  key: string;
  /** For people. */
  name: string;
  /** SHA-256 of the whole file, where the caller knows it. */
  sha256?: string | undefined;
  /** It can be read once, from the beginning: a stream. */
  once?: boolean;
  /** The content that is wanted, and no other: what was loaded before. */
  root?: string | undefined;
}

/** An answer, and who watches that it does not stall. */
export interface Answer {
  response: Response;
  stall: Stall;
}

/** Sends one request; failures that may pass are {@link Passing}. The caller ends `stall`. */
export async function ask(
  origin: Origin,
  start: number,
  end: number,
  headers: [string, string][],
  patience: Required<Patience>,
  signal: AbortSignal,
): Promise<Answer> {
  const stall = new Stall(patience.stallMs, signal);
  try {
    // The browser's own cache would keep the file a second time.
    const asked = request(origin, start, end, { signal: stall.signal, cache: 'no-store', headers });
    const response = await Promise.race([asked, stall.over]);
    if (mayPass(response.status)) {
      throw new Passing(httpError(origin.url, response.status, response.statusText), retryAfter(response.headers));
    }
    return { response, stall };
  } catch (thrown) {
    stall.end();
    throw broken(origin, thrown, stall, signal);
  }
}

/** The pieces of a body. */
export async function* bodyOf(origin: Origin, { response, stall }: Answer, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { value } = (await Promise.race([reader?.read(), stall.over])) ?? {};
      stall.heard();
      if (value === undefined) {
        return;
      }
      yield value;
    }
  } catch (thrown) {
    throw broken(origin, thrown, stall, signal);
  } finally {
    reader?.cancel().catch(() => undefined);
    stall.end();
  }
}

/** A connection that ended before it should. */
export function cut(origin: Origin, at: number, end: number): Passing {
  return new Passing(unreadable(origin.url, `the connection broke off at byte ${at} of ${end}`));
}

function broken(origin: Origin, thrown: unknown, stall: Stall, signal: AbortSignal): unknown {
  if (thrown instanceof Passing || thrown instanceof KingletError) {
    return thrown;
  }
  if (signal.aborted) {
    return aborted(signal);
  }
  const why = stall.stalled ? 'nothing came any more' : thrown;
  return new Passing(unreadable(origin.url, why));
}

/** Tries again while failures may pass and `work` makes progress, which it says by calling its argument. */
export async function persistently<T>(
  patience: Required<Patience>,
  signal: AbortSignal,
  work: (progressed: () => void) => Promise<T>,
): Promise<T> {
  for (let failed = 0; ; ) {
    try {
      return await work(() => (failed = 0));
    } catch (thrown) {
      if (!(thrown instanceof Passing)) {
        throw thrown;
      }
      failed += 1;
      if (failed >= patience.attempts) {
        throw thrown.error;
      }
      await pause(failed, patience.backoffMs, thrown.after, signal);
    }
  }
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
