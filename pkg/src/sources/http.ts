// A file behind an address, read as it is needed: range requests that grow, and servers that know no ranges.

import { aborted } from '../errors.js';
import { extentOf, httpError, replyOf } from './range.js';
import { truncated, unreadable, type Reader } from './reader.js';

/** Length of the first request; each later one in the same direction is twice as long. */
const FIRST_REQUEST_BYTES = 1 << 20;
/** Longest request. Long enough that the pauses between requests do not matter. */
const MAX_REQUEST_BYTES = 64 << 20;
/** A gap up to this is read and dropped; a larger one is skipped with a new request. */
const MAX_DROPPED_BYTES = 1 << 20;

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
  signal?: AbortSignal | undefined;
}

/** Asks for bytes `start` to `end` (exclusive; `Infinity`: all from `start`). */
export function request(remote: Remote, start: number, end: number, more: RequestInit = {}): Promise<Response> {
  const ask = remote.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));
  const range = ['range', `bytes=${start}-${end === Infinity ? '' : end - 1}`];
  const headers = [...(remote.headers ?? []), ...(EXTENSION.test(remote.url) ? [] : [range])];
  const init = { ...more, headers: [...headers, ...((more.headers as string[][] | undefined) ?? [])] as [string, string][] };
  return ask(remote.url, remote.signal === undefined ? init : { signal: remote.signal, ...init });
}

/** A body that is being received. */
interface Body {
  reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Offset in the file of the next byte. */
  at: number;
  /** Where the body ends at the latest. */
  end: number;
  /** The answer's headers promise that end: an earlier one is a broken connection, not the end of the file. */
  endIsPromised: boolean;
  /** What was received but not yet handed out. */
  rest: Uint8Array | undefined;
}

/**
 * A file behind an address. Reads that move forward share one streamed answer, so memory holds one read at a time.
 *
 * A server that ignores `Range` sends the whole file once; then only forward reads (and a second look at the bytes of the
 * last read) are possible, which is all that opening and loading a model need.
 */
export class HttpReader implements Reader {
  private known: number | undefined;
  private ranged = true;
  private requestBytes = FIRST_REQUEST_BYTES;
  private body: Body | undefined;
  /**
   * The bytes of the last read that took anything from the body, and their offset. They end where the body goes on.
   * Reading a header ends somewhere in the first tensors; without ranges those bytes could not be asked for again.
   */
  private last: { start: number; bytes: Uint8Array } | undefined;

  private constructor(private readonly remote: Remote) {}

  /**
   * Sends the first request.
   *
   * @throws KingletError `http` for a status other than success, `io` when nothing answers.
   */
  static async open(remote: Remote): Promise<HttpReader> {
    const reader = new HttpReader(remote);
    reader.body = await reader.request(0, 0);
    return reader;
  }

  get name(): string {
    return this.remote.url;
  }

  get length(): number | undefined {
    return this.known;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.remote.signal?.aborted) {
      throw aborted(this.remote.signal);
    }
    const needed = offset + length;
    if (this.known !== undefined && needed > this.known) {
      throw truncated(this.name, needed, this.known);
    }
    const parts: Uint8Array[] = [];
    let have = 0;
    const { last } = this;
    if (last !== undefined && offset >= last.start && offset < last.start + last.bytes.length) {
      const skip = offset - last.start;
      parts.push(last.bytes.subarray(skip, skip + length));
      have = parts[0]?.length ?? 0;
      if (have === length) {
        return parts[0] as Uint8Array; // and `last` stays: its remainder may be wanted next
      }
    }
    while (have < length) {
      const at = offset + have;
      const body = await this.bodyFor(at, length - have);
      const before = at - body.at; // a gap, to be dropped
      const chunk = await this.next(body, before + length - have);
      if (chunk === undefined) {
        this.body = undefined;
        if (!body.endIsPromised) {
          this.known = body.at; // the end of the file, learnt only now; a shorter read may follow
          this.last = { start: offset, bytes: joined(parts, have) };
        }
        throw truncated(this.name, needed, body.at);
      }
      const wanted = chunk.subarray(Math.min(before, chunk.length));
      parts.push(wanted);
      have += wanted.length;
    }
    const bytes = joined(parts, have);
    this.last = { start: offset, bytes };
    return bytes;
  }

  async close(): Promise<void> {
    this.drop();
    this.last = undefined;
  }

  /** The open body, when reading on in it arrives at `at` without too many bytes to drop; else a new one. */
  private async bodyFor(at: number, missing: number): Promise<Body> {
    const { body } = this;
    if (body !== undefined && at >= body.at && at < body.end && (at - body.at <= MAX_DROPPED_BYTES || !this.ranged)) {
      return body;
    }
    if (!this.ranged && at > 0) {
      throw httpError(this.name, 200, `the server ignores ranges, and the bytes from ${at} have already passed`);
    }
    this.drop();
    this.body = await this.request(at, missing);
    return this.body;
  }

  /** Asks for the file from `offset`, at least `length` bytes where it has them. */
  private async request(offset: number, length: number): Promise<Body> {
    const size = this.requestBytes;
    this.requestBytes = Math.min(size * 2, MAX_REQUEST_BYTES);
    const end = Math.min(offset + Math.max(size, length), this.known ?? Infinity);
    const response = await request(this.remote, offset, end).catch((thrown: unknown) => {
      throw this.failed(thrown);
    });
    const extent = extentOf(this.name, offset, end, this.known, replyOf(response));
    this.ranged = extent.ranged;
    this.known ??= extent.total;
    if (response.body === null) {
      throw unreadable(this.name, 'the answer has no body');
    }
    return {
      reader: response.body.getReader(),
      at: extent.start,
      end: extent.end ?? (extent.ranged ? end : Infinity),
      endIsPromised: extent.end !== undefined,
      rest: undefined,
    };
  }

  /** Up to `max` bytes, none after the body's `end`; undefined when it ends before. */
  private async next(body: Body, max: number): Promise<Uint8Array | undefined> {
    const most = Math.min(max, body.end - body.at);
    let chunk = body.rest;
    body.rest = undefined;
    if (chunk === undefined) {
      const { done, value } = await body.reader.read().catch((thrown: unknown) => {
        this.body = undefined;
        throw this.failed(thrown);
      });
      if (done) {
        return undefined;
      }
      chunk = value;
    }
    const taken = chunk.subarray(0, most);
    if (taken.length < chunk.length) {
      body.rest = chunk.subarray(taken.length);
    }
    body.at += taken.length;
    return taken;
  }

  private failed(thrown: unknown): Error {
    const { signal } = this.remote;
    return signal?.aborted ? aborted(signal) : unreadable(this.name, thrown);
  }

  /** The open answer is not wanted any more; how its end goes does not matter. */
  private drop(): void {
    this.body?.reader.cancel().catch(() => undefined);
    this.body = undefined;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) {
    return parts[0].slice(); // its buffer may be a larger one
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
