// One file on its way into the store: several range requests at once, what arrives is handed to the engine and written to
// the disk in the same go, and after any interruption the download goes on where it was.
//
// A file that has changed on the server is never mixed with what came before: every answer must be of the version (ETag,
// Last-Modified, length) of the first one, else everything begins anew. Where a server says nothing of versions there is
// one request, and no resuming, unless the caller knows the file's hash.

import { KingletError } from '../errors.js';
import { extentOf, httpError, replyOf } from '../sources/range.js';
import { unreadable } from '../sources/reader.js';
import { ask, bodyOf, cut, fileChanged, persistently, type Answer } from '../sources/remote.js';
import { Passing, type Patience } from '../sources/retry.js';
import { ifRange, same, telling, validatorsOf } from '../sources/validators.js';
import type { Origin } from './ask.js';
import type { Chunks } from './chunks.js';
import { chunksOf, sizeOf, stored, type Manifest } from './manifest.js';
import { diskError, isFull, noRoom, type Estimate } from './quota.js';
import { sha256, Sha256 } from './sha256.js';
import type { Store } from './store.js';
import { CHUNK } from './window.js';

/** Requests at once. */
const CONNECTIONS = 4;
/** Chunks of one request. */
const RUN = 4;
/** Chunks that are kept in memory for the engine, which reads them about now. */
const RECENT = 4;
/** How often a file may change while it is downloaded. */
const MAX_RESTARTS = 3;
/** Failures in a row after which a connection leaves its work to the others: many servers allow each client only a few. */
const SIDE_ATTEMPTS = 2;
/** The manifest is saved when so many milliseconds have passed: what a crash costs at most. */
const SAVE_MS = 1000;

/** What a download finds around it. */
export interface Surroundings {
  store: Store;
  patience: Required<Patience>;
  estimate(): Promise<Estimate>;
  /** Bytes that are there, of how many, where that is known. */
  progress(name: string, loaded: number, total: number | undefined): void;
}

/** Chunks `from` to `to` (exclusive), asked for together. */
interface Run {
  from: number;
  to: number;
}

/** What has come cannot be gone on with: the server has another version of the file now, or may have. */
class Anew extends Error {
  constructor(
    /** Why, if not that the file has changed. */
    readonly error?: KingletError,
  ) {
    super();
  }
}

/** A file on its way. */
export class Download {
  /** Settles when the server has answered for the first time. */
  readonly opened: Promise<void>;
  /** Settles when everything is there, or will not be. */
  readonly finished: Promise<void>;
  private readonly ending = new AbortController();
  private readonly busy = new Set<number>();
  /** Chunks of which only the beginning has come. */
  private readonly begun = new Map<number, { bytes: Uint8Array<ArrayBuffer>; have: number }>();
  private readonly recent = new Map<number, Uint8Array<ArrayBuffer>>();
  private bells: (() => void)[] = [];
  private readonly answered: () => void;
  private readonly demanded: Promise<void>;
  private demand: () => void = () => undefined;
  private crew: Promise<void>[] = [];
  /** How many of them are at work, or wait for their turn. */
  private working = 0;
  /** What might have passed, but did not. */
  private readonly passing = new WeakSet<KingletError>();
  private hire: () => void = () => undefined;
  /** The chunk that the engine reads. */
  private wanted = 0;
  private handedOut = false;
  private ranged = true;
  private heard = false;
  /** How the last answer ended too early. */
  private broke: KingletError | undefined;
  private saved = 0;
  private hash: Sha256 | undefined;
  private hashing: Promise<void> = Promise.resolve();
  /** Why nothing more comes. */
  failure: KingletError | undefined;
  /** Everything is there. */
  complete = false;
  /** Another file of the store has the same content: this one is not needed beyond this load. */
  superfluous = false;

  /** Begins; `turn`: when more than the first chunks may be asked for without being wanted. */
  constructor(
    private readonly origin: Origin,
    private readonly chunks: Chunks,
    private readonly around: Surroundings,
    private readonly turn: Promise<void> = Promise.resolve(),
  ) {
    let answered = () => undefined as void;
    this.opened = new Promise((resolve) => (answered = resolve));
    this.answered = answered;
    this.demanded = new Promise((resolve) => (this.demand = resolve));
    this.finished = this.run();
  }

  /** Chunk `n`, when it is there: its bytes, or undefined when they are on the disk or the file ends before it. */
  async chunk(n: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.wanted = n;
    for (let waited = false; ; waited = true) {
      const bytes = this.recent.get(n);
      if (bytes !== undefined || this.chunks.has(n)) {
        this.handedOut = true;
        return bytes;
      }
      if (this.failure !== undefined) {
        throw this.failure;
      }
      if (this.complete || (this.length !== null && n >= chunksOf(this.length))) {
        return undefined;
      }
      if (!waited) {
        this.demand();
      }
      await new Promise<void>((resolve) => this.bells.push(resolve));
    }
  }

  /** Stops; what is there is kept. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.finished;
  }

  private get manifest() {
    return this.chunks.manifest;
  }

  private get length(): number | null {
    return this.manifest.length;
  }

  /** A part that is there can be completed later. */
  private get resumable(): boolean {
    return !this.origin.once && (telling(this.manifest) || this.origin.sha256 !== undefined);
  }

  private async run(): Promise<void> {
    try {
      await this.everything();
      await this.complete_();
    } catch (thrown) {
      const { name, url } = this.origin;
      this.failure = isFull(thrown) ? diskError(name, thrown, (this.length ?? 0) - stored(this.manifest)) : diskError(url, thrown);
      await this.keepOrDrop(this.failure).catch(() => undefined);
    }
    this.answered();
    this.ring();
  }

  private async everything(): Promise<void> {
    if (!this.resumable && this.manifest.sha.length > 0) {
      await this.reset();
    }
    for (let restarts = 0; ; restarts++) {
      try {
        return await this.round();
      } catch (thrown) {
        if (!(thrown instanceof Anew)) {
          throw thrown;
        }
        if (this.handedOut || restarts >= MAX_RESTARTS || this.origin.once) {
          throw thrown.error ?? fileChanged(this.origin.url);
        }
        await this.reset();
      }
    }
  }

  /** Connections side by side until every chunk is there; the first failure ends all. */
  private async round(): Promise<void> {
    const control = new AbortController();
    const end = () => control.abort(this.ending.signal.reason);
    this.ending.signal.addEventListener('abort', end);
    if (this.ending.signal.aborted) {
      end();
    }
    let failure: unknown;
    const one = () => {
      this.working += 1;
      return this.connection(control.signal, this.crew.length === 0).catch((thrown: unknown) => {
        failure ??= thrown;
        control.abort();
      });
    };
    this.crew = [];
    this.hire = () => {
      while (this.crew.length < CONNECTIONS) {
        this.crew.push(one());
      }
    };
    this.crew.push(one());
    for (let i = 0; i < this.crew.length; i++) {
      await this.crew[i];
    }
    this.ending.signal.removeEventListener('abort', end);
    if (failure !== undefined) {
      throw failure;
    }
  }

  private async connection(signal: AbortSignal, first: boolean): Promise<void> {
    try {
      if (!first) {
        await this.patience(signal);
      }
      await this.fetchRuns(signal);
    } finally {
      this.working -= 1; // at once, so that two that fail at the same time do not both leave their work to the other
    }
  }

  private async fetchRuns(signal: AbortSignal): Promise<void> {
    for (let run = this.take(); run !== undefined && !signal.aborted; run = this.take()) {
      try {
        await this.fetchRun(run, signal);
      } catch (thrown) {
        // The last one decides; the others leave to it what they could not get.
        if (this.working === 1 || !this.passing.has(thrown as KingletError)) {
          throw thrown;
        }
        return;
      } finally {
        for (let n = run.from; n < Math.min(run.to, run.from + RUN); n++) {
          this.busy.delete(n);
        }
      }
      await this.patience(signal);
    }
  }

  private async fetchRun(run: Run, signal: AbortSignal): Promise<void> {
    const { patience } = this.around;
    const done = () => run.from >= Math.min(run.to, this.length === null ? Infinity : chunksOf(this.length));
    while (!done()) {
      const alone = this.working === 1;
      const attempts = alone ? patience.attempts : Math.min(SIDE_ATTEMPTS, patience.attempts);
      try {
        await persistently({ ...patience, attempts }, signal, (progressed) => this.attempt(run, signal, progressed));
      } catch (thrown) {
        // The others have left meanwhile: now it is worth being patient.
        if (alone || this.working > 1 || !this.passing.has(thrown as KingletError)) {
          throw thrown;
        }
      }
    }
  }

  /** The next chunks that nobody has asked for, those first that the engine wants. */
  private take(): Run | undefined {
    const alone = !this.ranged || !this.resumable || this.length === null;
    if (alone && this.busy.size > 0) {
      return undefined;
    }
    const count = this.length === null ? this.manifest.sha.length + 1 : chunksOf(this.length);
    const free = (n: number) => n < count && !this.chunks.has(n) && !this.busy.has(n);
    const next = (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        if (free(n)) {
          return n;
        }
      }
      return undefined;
    };
    const from = alone ? next(0, count) : (next(this.wanted, count) ?? next(0, Math.min(this.wanted, count)));
    if (from === undefined) {
      return undefined;
    }
    const run = { from, to: alone ? Infinity : from + 1 };
    while (!alone && run.to < from + RUN && free(run.to)) {
      run.to += 1;
    }
    this.reserve(run);
    return run;
  }

  private reserve(run: Run): void {
    for (let n = run.from; n < Math.min(run.to, run.from + RUN); n++) {
      this.busy.add(n);
    }
  }

  private async attempt(run: Run, signal: AbortSignal, progressed: () => void): Promise<void> {
    try {
      await this.fetch(run, signal, progressed);
    } catch (thrown) {
      if (thrown instanceof Passing) {
        this.broke = thrown.error;
        this.passing.add(thrown.error);
      }
      throw thrown;
    }
  }

  /** One request for what is missing of a run. */
  private async fetch(run: Run, signal: AbortSignal, progressed: () => void): Promise<void> {
    const { origin, manifest } = this;
    const start = run.from * CHUNK + (this.begun.get(run.from)?.have ?? 0);
    const end = Math.min(run.to * CHUNK, this.length ?? Infinity);
    const beginning = !telling(manifest) && manifest.sha.length === 0 && start === 0;
    if (!beginning && !this.resumable) {
      throw origin.once ? unreadable(origin.url, 'a stream can be read only once') : new Anew(this.broke);
    }
    const condition = beginning ? [] : ifRange(origin.url, manifest);
    const answer = await ask(origin, start, end, condition, this.around.patience, signal).catch((thrown: unknown) => {
      // A wrong address, no network, no permission (CORS): trying again at once would only hide it.
      throw thrown instanceof Passing && thrown.error.code === 'io' && !this.heard && start === 0 ? thrown.error : thrown;
    });
    this.heard = true;
    try {
      const from = await this.meaning(answer.response, beginning, start, end);
      if (from === undefined) {
        await this.endsAt(run, start);
      } else {
        this.spread(run);
        this.answered();
        await this.receive(run, answer, from, start, signal, progressed);
      }
    } finally {
      answer.stall.end();
    }
    this.answered();
  }

  /** Checks an answer. Where its body begins and must end; undefined: the file ends where it was to begin. */
  private async meaning(response: Response, beginning: boolean, start: number, end: number) {
    const { origin, manifest } = this;
    const found = validatorsOf(response.headers);
    const reply = replyOf(response);
    if (reply.status === 416 && start > 0) {
      if (this.length !== null) {
        throw new Anew();
      }
      return undefined;
    }
    const whole = reply.status === 200;
    const extent = extentOf(origin.url, whole ? 0 : start, whole ? Infinity : end, undefined, reply);
    if (reply.status === 206 && (reply.contentEncoding ?? 'identity') !== 'identity') {
      throw httpError(origin.url, 206, `a part of an answer compressed with ${reply.contentEncoding} cannot be used`);
    }
    if (beginning) {
      Object.assign(manifest, found);
    } else if (telling(manifest) ? !same(manifest, found) : origin.sha256 === undefined) {
      throw new Anew();
    }
    if (this.length !== null && extent.total !== undefined && this.length !== extent.total) {
      throw new Anew();
    }
    this.ranged = extent.ranged;
    if (this.length === null && extent.total !== undefined) {
      await this.learn(extent.total);
    }
    return { at: extent.start, end: extent.end };
  }

  /** The answer tells that the file can be had in parts: from here on it is. */
  private spread(run: Run): void {
    if (this.ranged && this.resumable && this.length !== null) {
      run.to = Math.min(run.to, run.from + RUN, chunksOf(this.length));
      this.reserve(run);
      this.hire();
    }
  }

  /** Until more than the first chunks may be asked for. */
  private async patience(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) {
      const ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
      await Promise.race([this.turn, this.demanded, ended]);
    }
  }

  /** Fills chunks from a body that begins at `from.at`, of which the bytes from `start` on are wanted. */
  private async receive(
    run: Run,
    answer: Answer,
    from: { at: number; end: number | undefined },
    start: number,
    signal: AbortSignal,
    progressed: () => void,
  ): Promise<void> {
    let { at } = from;
    for await (let piece of bodyOf(this.origin, answer, signal)) {
      const skipped = Math.min(piece.length, Math.max(0, start - at));
      at += skipped;
      for (piece = piece.subarray(skipped); piece.length > 0; ) {
        const chunk = this.begun.get(run.from) ?? { bytes: new Uint8Array(CHUNK), have: 0 };
        this.begun.set(run.from, chunk);
        const size = sizeOf(this.length ?? Infinity, run.from);
        const part = piece.subarray(0, size - chunk.have);
        if (part.length === 0) {
          throw httpError(this.origin.url, answer.response.status, `more than the file's ${this.length} bytes were sent`);
        }
        chunk.bytes.set(part, chunk.have);
        chunk.have += part.length;
        at += part.length;
        piece = piece.subarray(part.length);
        progressed();
        if (chunk.have === size) {
          await this.keep(run.from, chunk.bytes.subarray(0, size));
          run.from += 1;
          if (run.from >= run.to) {
            return;
          }
        }
      }
    }
    if (from.end !== undefined ? at < from.end : this.length !== null && at < Math.min(this.length, run.to * CHUNK)) {
      throw cut(this.origin, at, from.end ?? this.length ?? at);
    }
    if (from.end === undefined && this.length === null) {
      await this.endsAt(run, at);
    }
  }

  /** The end of a file whose length nobody said. */
  private async endsAt(run: Run, length: number): Promise<void> {
    await this.learn(length);
    const last = this.begun.get(run.from);
    if (last !== undefined && last.have > 0) {
      await this.keep(run.from, last.bytes.subarray(0, last.have));
      run.from += 1;
    }
  }

  /** The length is known: is there room? */
  private async learn(length: number): Promise<void> {
    const { manifest, origin, around } = this;
    manifest.length = length;
    const { file } = this.chunks;
    // What was reserved before counts as used already.
    const needed = Math.max(0, length - Math.max(stored(manifest), (await file.size?.()) ?? 0));
    const { available } = await around.estimate();
    if (available !== undefined && needed > available) {
      throw noRoom(origin.name, needed, available);
    }
    await file.reserve(length).catch(async (thrown: unknown) => {
      const room = isFull(thrown) ? await file.room?.(length) : undefined;
      throw isFull(thrown) ? noRoom(origin.name, needed, room === undefined ? undefined : Math.max(0, room - length + needed)) : thrown;
    });
    around.progress(origin.name, stored(manifest), length);
  }

  private async keep(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.chunks.put(n, bytes);
    this.begun.delete(n);
    this.busy.delete(n);
    this.recent.set(n, bytes);
    for (const old of this.recent.keys()) {
      if (this.recent.size > RECENT && (old < this.wanted || old >= this.wanted + RECENT)) {
        this.recent.delete(old);
      }
    }
    this.hashing = this.hashing.then(() => this.hashOn(n, bytes));
    await this.hashing;
    this.around.progress(this.origin.name, stored(this.manifest), this.length ?? undefined);
    this.ring();
    if (Date.now() - this.saved >= SAVE_MS) {
      await this.save();
    }
  }

  /** Goes on with the hash of the whole file, in order. */
  private async hashOn(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { manifest, chunks } = this;
    if (this.origin.sha256 === undefined) {
      return;
    }
    this.hash ??= manifest.whole === null ? new Sha256() : Sha256.resume(manifest.whole.state, manifest.whole.chunks * CHUNK);
    let done = manifest.whole?.chunks ?? 0;
    for (; chunks.has(done) && sizeOf(this.length ?? Infinity, done) === CHUNK; done++) {
      const next = done === n ? bytes : await chunks.take(done, CHUNK);
      if (next === undefined) {
        return; // it will be fetched again
      }
      this.hash.update(next);
      manifest.whole = { chunks: done + 1, state: this.hash.state };
    }
  }

  /** The hash of the whole file; chunks that turn out to be damaged are fetched again. */
  private async wholeHash(): Promise<string> {
    for (let damaged = 0; ; damaged++) {
      await this.hashOn(-1, new Uint8Array());
      const done = this.manifest.whole?.chunks ?? 0;
      const rest = (this.length ?? 0) - done * CHUNK;
      const last = rest > 0 ? this.chunks.has(done) && (await this.chunks.take(done, rest)) : new Uint8Array();
      if (last) {
        return (this.hash ?? new Sha256()).update(last).digest();
      }
      if (damaged >= MAX_RESTARTS || this.origin.once) {
        const { name } = this.origin;
        const message = `chunk ${done} of ${name} cannot be read as it was written: the disk may be damaged; load with store: 'none'`;
        throw new KingletError('store_damaged', message, { name, chunk: done });
      }
      await this.everything();
    }
  }

  private async complete_(): Promise<void> {
    const { manifest, origin } = this;
    const { store } = this.around;
    if (origin.sha256 !== undefined) {
      manifest.sha256 = await this.wholeHash();
      if (manifest.sha256 !== origin.sha256) {
        const message =
          `${origin.url} is not the file that was expected: its SHA-256 is ${manifest.sha256}, expected ${origin.sha256}; ` +
          'nothing of it was kept';
        throw new KingletError('hash_mismatch', message, { url: origin.url, expected: origin.sha256, got: manifest.sha256 });
      }
    }
    manifest.root = await sha256(new TextEncoder().encode(`${this.length} ${manifest.sha.join(' ')}`));
    manifest.whole = null;
    this.superfluous = await this.joinsTwin();
    if (!this.superfluous) {
      await this.chunks.file.flush();
      manifest.complete = true;
      await store.save(manifest);
    }
    this.complete = true;
  }

  /** Where another file of the store has the same content, this one's addresses become that one's. */
  private async joinsTwin(): Promise<boolean> {
    const { manifest, around: { store } } = this;
    const isTwin = (m: Manifest) => m.complete && m.root === manifest.root && m.id !== manifest.id;
    for (const { id } of (await store.manifests()).filter(isTwin)) {
      const release = await store.hold(id);
      try {
        const twin = (await store.manifests()).find((m) => m.id === id && isTwin(m)); // it may have been removed meanwhile
        if (twin !== undefined) {
          twin.keys = [...new Set([...twin.keys, ...manifest.keys])];
          twin.sha256 ??= manifest.sha256;
          await store.save(twin);
          return true;
        }
      } finally {
        release();
      }
    }
    return false;
  }

  private async save(): Promise<void> {
    this.saved = Date.now();
    await this.chunks.file.flush();
    await this.around.store.save(this.manifest);
  }

  /** After a failure: what can be resumed stays. */
  private async keepOrDrop({ code }: KingletError): Promise<void> {
    const { manifest } = this;
    const worthless = code === 'quota_exceeded' || code === 'hash_mismatch' || code === 'file_changed';
    if (worthless || !this.resumable || stored(manifest) === 0) {
      await this.chunks.file.close();
      await this.around.store.drop(manifest.id);
    } else {
      await this.save();
    }
  }

  /** Begins anew. */
  private async reset(): Promise<void> {
    const nothing = { length: null, etag: null, modified: null, whole: null, sha: [], fast: [] };
    Object.assign(this.manifest, nothing);
    [this.busy, this.begun, this.recent].forEach((kept) => kept.clear());
    this.hash = undefined;
    this.ranged = true;
    await this.save();
  }

  private ring(): void {
    const bells = this.bells;
    this.bells = [];
    bells.forEach((bell) => bell());
  }
}
