// A file behind an address, read as it is needed and kept nowhere: range requests that grow, and servers that know no ranges.

import { aborted, KingletError } from '../errors.js';
import { Sha256 } from '../store/sha256.js';
import { concat } from './bytes.js';
import { UNKEPT, type Openable } from './lasting.js';
import { extentOf, httpError, replyOf } from './range.js';
import { truncated } from './reader.js';
import { ask, bodyOf, cut, fileChanged, persistently, type Answer, type Remote } from './remote.js';
import { Passing, type Patience } from './retry.js';
import { ifRange, otherNode, same, telling, validatorsOf, type Validators } from './validators.js';

/** Length of the first request; each later one in the same direction is twice as long. */
const FIRST_REQUEST_BYTES = 1 << 20;
/** Longest request. Long enough that the pauses between requests do not matter. */
const MAX_REQUEST_BYTES = 64 << 20;
/** A gap up to this is read and dropped; a larger one is skipped with a new request. */
const MAX_DROPPED_BYTES = 1 << 20;

/** A body that is being received. */
interface Body {
  answer: Answer;
  pieces: AsyncGenerator<Uint8Array>;
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
 * All bytes are of one version of the file: every answer is compared with the first one, by ETag, date and length. What
 * breaks off, stalls or is refused for the moment is asked for again, where that comparison or the file's hash can tell
 * that it goes on with the same file. A server that ignores `Range` sends the whole file, of which the beginning is then
 * dropped; where nothing can tell, only forward reads (and a second look at the bytes of the last read) are possible there,
 * which is all that opening and loading a model need.
 */
export class HttpReader implements Openable {
  private readonly ending = new AbortController();
  private readonly abort = () => this.ending.abort(this.remote.signal?.reason);
  private known: number | undefined;
  private version: Validators | undefined;
  private ranged = true;
  private requestBytes = FIRST_REQUEST_BYTES;
  private most = MAX_REQUEST_BYTES;
  private body: Body | undefined;
  /** How the last body ended too early. */
  private broke: KingletError | undefined;
  /**
   * The bytes of the last read that took anything from the body, and their offset. They end where the body goes on.
   * Reading a header ends somewhere in the first tensors; without ranges those bytes could not be asked for again.
   */
  private last: { start: number; bytes: Uint8Array } | undefined;
  /** Of the bytes before `hashed`, where the file's hash was given. */
  private readonly hash: Sha256 | undefined;
  private hashed = 0;

  private constructor(
    private readonly remote: Remote,
    private readonly patience: Required<Patience>,
  ) {
    this.hash = remote.sha256 === undefined ? undefined : new Sha256();
    remote.signal?.addEventListener('abort', this.abort);
    if (remote.signal?.aborted) {
      this.abort();
    }
  }

  /**
   * Sends the first request.
   *
   * @throws KingletError `http` for a status other than success, `io` when nothing answers.
   */
  static async open(remote: Remote, patience: Required<Patience>): Promise<HttpReader> {
    const reader = new HttpReader(remote, patience);
    try {
      await reader.persistently(async () => reader.bodyFor(0, 0));
      return reader;
    } catch (thrown) {
      await reader.close();
      throw thrown;
    }
  }

  get name(): string {
    return this.remote.url;
  }

  get length(): number | undefined {
    return this.known;
  }

  /** What the server calls the version, where it does. */
  get root(): string | undefined {
    const { etag, modified } = this.version ?? { etag: null, modified: null };
    return (etag ?? modified) === null ? undefined : `${UNKEPT}${etag ?? modified}`;
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
    await this.persistently(async (progressed) => {
      while (have < length) {
        const at = offset + have;
        const body = await this.bodyFor(at, length - have);
        const before = body === undefined ? 0 : at - body.at; // a gap, to be dropped
        const piece = body && (await this.next(body, before + length - have));
        if (piece === undefined) {
          this.last = { start: offset, bytes: concat(parts, have) }; // a shorter read may follow
          throw truncated(this.name, needed, this.known ?? at);
        }
        const wanted = piece.subarray(Math.min(before, piece.length));
        if (wanted.length > 0) {
          parts.push(wanted);
          have += wanted.length;
          progressed();
        }
      }
    });
    const bytes = concat(parts, have);
    this.last = { start: offset, bytes };
    return bytes;
  }

  /** Where the file's hash was given: reads what was not read, and compares. */
  async finish(): Promise<void> {
    const { hash, remote } = this;
    if (hash === undefined || this.ending.signal.aborted) {
      return;
    }
    await this.persistently(async (progressed) => {
      while (this.known === undefined || this.hashed < this.known) {
        const before = this.hashed;
        const body = await this.bodyFor(before, 1);
        const piece = body && (await this.next(body, Infinity));
        if (piece === undefined) {
          return;
        }
        if (this.hashed > before) {
          progressed();
        }
      }
    });
    const got = hash.digest();
    await this.close();
    if (got !== remote.sha256) {
      const message = `${remote.url} is not the file that was expected: its SHA-256 is ${got}, expected ${remote.sha256}; nothing of it was kept`;
      throw new KingletError('hash_mismatch', message, { url: remote.url, expected: remote.sha256, got });
    }
  }

  async close(): Promise<void> {
    this.remote.signal?.removeEventListener('abort', this.abort);
    this.ending.abort();
    this.drop();
    this.last = undefined;
  }

  /** What is asked for again can be told from another version of the file, now or at the end. */
  private get resumable(): boolean {
    const { remote, version } = this;
    return !remote.once && (version === undefined || telling(version) || remote.sha256 !== undefined);
  }

  private persistently<T>(work: (progressed: () => void) => Promise<T>): Promise<T> {
    return persistently(this.patience, this.ending.signal, work);
  }

  /** The open body, when reading on in it arrives at `at` without too many bytes to drop; else a new one. */
  private async bodyFor(at: number, missing: number): Promise<Body | undefined> {
    const { body } = this;
    // With a hash to compute all bytes have to come in any case.
    const gap = this.ranged && this.hash === undefined ? MAX_DROPPED_BYTES : Infinity;
    if (body !== undefined && at >= body.at && at < body.end && at - body.at <= gap) {
      return body;
    }
    if (at > 0 && !this.resumable) {
      if (this.broke !== undefined) {
        throw this.broke;
      }
      if (!this.ranged) {
        throw httpError(this.name, 200, `the server ignores ranges, and the bytes from ${at} have already passed`);
      }
    }
    this.drop();
    this.body = await this.request(at, missing);
    return this.body;
  }

  /** Asks for the file from `offset`, at least `length` bytes where it has them; undefined: it ends there. */
  private async request(offset: number, length: number): Promise<Body | undefined> {
    const { remote, version } = this;
    const end = Math.min(offset + Math.max(this.requestBytes, length), this.known ?? Infinity);
    const condition = version === undefined ? [] : ifRange(remote.url, version);
    const asked = ask(remote, offset, end, condition, this.patience, this.ending.signal, 'default');
    const answer = await asked.catch((thrown: unknown) => {
      // A wrong address, no network, no permission (CORS): trying again at once would only hide it.
      throw thrown instanceof Passing && thrown.error.code === 'io' && version === undefined ? thrown.error : thrown;
    });
    try {
      return this.meaning(answer, offset, end);
    } catch (thrown) {
      answer.stall.end();
      throw thrown;
    }
  }

  /** Checks an answer. */
  private meaning(answer: Answer, offset: number, end: number): Body | undefined {
    const { remote, version, known } = this;
    const reply = replyOf(answer.response);
    const found = validatorsOf(answer.response.headers);
    if (reply.status === 416 && offset > 0) {
      if (known !== undefined && telling(found)) {
        throw fileChanged(remote.url);
      }
      if (known === undefined) {
        answer.stall.end();
        return undefined;
      }
    }
    const whole = reply.status === 200 && this.resumable;
    const extent = extentOf(remote.url, whole ? 0 : offset, whole ? Infinity : end, undefined, reply);
    if (version !== undefined && otherNode(version, found) && (known ?? extent.total) === extent.total) {
      this.requestBytes = this.most = Infinity; // as few requests as possible
      throw new Passing(fileChanged(remote.url));
    }
    if (version !== undefined && telling(version) && !same(version, found)) {
      throw fileChanged(remote.url);
    }
    if (known !== undefined && extent.total !== undefined && known !== extent.total) {
      throw fileChanged(remote.url);
    }
    this.version ??= found;
    this.known ??= extent.total;
    this.ranged = extent.ranged;
    this.broke = undefined;
    this.requestBytes = Math.min(this.requestBytes * 2, this.most);
    return {
      answer,
      pieces: bodyOf(remote, answer, this.ending.signal),
      at: extent.start,
      end: extent.end ?? (extent.ranged ? end : Infinity),
      endIsPromised: extent.end !== undefined,
      rest: undefined,
    };
  }

  /** Up to `max` bytes, none after the body's `end`; undefined when the file ends before. */
  private async next(body: Body, max: number): Promise<Uint8Array | undefined> {
    const most = Math.min(max, body.end - body.at);
    const piece = body.rest ?? (await this.received(body));
    body.rest = undefined;
    if (piece === undefined) {
      return undefined;
    }
    const taken = piece.subarray(0, most);
    if (taken.length < piece.length) {
      body.rest = piece.subarray(taken.length);
    }
    if (body.at <= this.hashed && this.hashed < body.at + taken.length) {
      this.hash?.update(taken.subarray(this.hashed - body.at));
      this.hashed = body.at + taken.length;
    }
    body.at += taken.length;
    return taken;
  }

  /** The next piece that comes; undefined when the file ends before. */
  private async received(body: Body): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await body.pieces.next();
      if (!done) {
        return value;
      }
      const end = body.endIsPromised ? body.end : (this.known ?? body.at);
      if (body.at < end) {
        throw cut(this.remote, body.at, end);
      }
    } catch (thrown) {
      this.broke = thrown instanceof Passing ? thrown.error : undefined;
      this.drop();
      throw thrown;
    }
    this.drop();
    this.known ??= body.at; // the end of the file, learnt only now
    return undefined;
  }

  /** The open answer is not wanted any more; how its end goes does not matter. */
  private drop(): void {
    const { body } = this;
    this.body = undefined;
    body?.answer.stall.end();
    body?.answer.response.body?.cancel().catch(() => undefined); // refused where it is being read: that ends by itself
    body?.pieces.return(undefined).catch(() => undefined);
  }
}
