// One request for a file behind an address: what is asked, how long for, and what of its failures may pass.

import { aborted, KingletError } from '../errors.js';
import { httpError } from './range.js';
import { unreadable } from './reader.js';
import { isOffline, mayPass, Passing, pause, retryAfter, Stall, type Patience } from './retry.js';

/** Of an extension's own files. Browsers answer a range of one with the status of the whole, and its length is the part's. */
const EXTENSION = /^[a-z]+(-[a-z]+)*-extension:/i;

/** The browser's `fetch`, or the caller's own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Where a file is, and how to ask for it. */
export interface Remote {
  url: string;
  /** Sent with every request. */
  headers?: readonly (readonly [string, string])[] | undefined;
  fetch?: Fetch | undefined;
  /** Ends it all. */
  signal?: AbortSignal | undefined;
  /** SHA-256 of the whole file, where the caller knows it. */
  sha256?: string | undefined;
  /** It can be read once, from the beginning: a stream. */
  once?: boolean;
}

/** Asks for bytes `start` to `end` (exclusive; `Infinity`: all from `start`). */
function request(remote: Remote, start: number, end: number, more: RequestInit): Promise<Response> {
  const ask = remote.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));
  const range = ['range', `bytes=${start}-${end === Infinity ? '' : end - 1}`];
  const headers = [...(remote.headers ?? []), ...(EXTENSION.test(remote.url) ? [] : [range])];
  const init = { ...more, headers: [...headers, ...((more.headers as string[][] | undefined) ?? [])] as [string, string][] };
  return ask(remote.url, init);
}

/** An answer, and who watches that it does not stall. */
export interface Answer {
  response: Response;
  stall: Stall;
}

/** Sends one request; failures that may pass are {@link Passing}. The caller ends `stall`. */
export async function ask(
  remote: Remote,
  start: number,
  end: number,
  headers: [string, string][],
  patience: Required<Patience>,
  signal: AbortSignal,
  cache: RequestCache = 'no-store', // the browser's own cache would keep the file a second time
): Promise<Answer> {
  const stall = new Stall(patience.stallMs, signal);
  try {
    const asked = request(remote, start, end, { signal: stall.signal, cache, headers });
    const response = await Promise.race([asked, stall.over]);
    if (mayPass(response.status)) {
      throw new Passing(httpError(remote.url, response.status, response.statusText), retryAfter(response.headers));
    }
    stall.rest();
    return { response, stall };
  } catch (thrown) {
    stall.end();
    throw broken(remote, thrown, stall, signal);
  }
}

/** The pieces of a body. */
export async function* bodyOf(remote: Remote, { response, stall }: Answer, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      stall.expect();
      const { value } = (await Promise.race([reader?.read(), stall.over])) ?? {};
      stall.rest();
      if (value === undefined) {
        return;
      }
      yield value;
    }
  } catch (thrown) {
    throw broken(remote, thrown, stall, signal);
  } finally {
    reader?.cancel().catch(() => undefined);
    stall.end();
  }
}

/** A connection that ended before it should. */
export function cut(remote: Remote, at: number, end: number): Passing {
  return new Passing(unreadable(remote.url, `the connection broke off at byte ${at} of ${end}`));
}

function broken(remote: Remote, thrown: unknown, stall: Stall, signal: AbortSignal): unknown {
  if (thrown instanceof Passing || thrown instanceof KingletError) {
    return thrown;
  }
  if (signal.aborted) {
    return aborted(signal);
  }
  const why = stall.stalled ? 'nothing came any more' : thrown;
  return new Passing(unreadable(remote.url, why));
}

/**
 * Tries again while failures may pass and `work` makes progress, which it says by calling its argument. Without a network
 * that goes on until there is one: only the caller's signal ends it.
 */
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
      const offline = isOffline() && thrown.error.code === 'io';
      failed += offline ? 0 : 1;
      if (failed >= patience.attempts) {
        throw thrown.error;
      }
      await pause(Math.max(1, failed), patience.backoffMs, thrown.after, signal);
    }
  }
}

/** The error of a file that changed while it was read. */
export function fileChanged(name: string): KingletError {
  const message = `${name} was changed on the server while it was being read; load the model again`;
  return new KingletError('file_changed', message, { url: name });
}
