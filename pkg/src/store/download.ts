// One file on its way into the store: several range requests at once, what arrives is handed to the engine and written to
// the disk in the same go, and after any interruption the download goes on where it was.
//
// A file that has changed on the server is never mixed with what came before: every answer must be of the version (ETag,
// Last-Modified, length) of the first one, else everything begins anew. Where a server says nothing of versions there is
// one request, and no resuming, unless the caller knows the file's hash.

import { KingletError } from '../errors.js';
import { unreadable } from '../sources/reader.js';
import { fileChanged } from '../sources/remote.js';
import type { Patience } from '../sources/retry.js';
import { Arrival, type Home } from './arrival.js';
import type { Origin } from './ask.js';
import type { Chunks } from './chunks.js';
import { Crew } from './crew.js';
import { chunksOf } from './manifest.js';
import { diskError, isFull } from './quota.js';
import { Anew, Requests } from './requests.js';
import { Runs } from './runs.js';
import { sha256 } from './sha256.js';

/** How often a file may change while it is downloaded. */
const MAX_RESTARTS = 3;

/** What a download finds around it. */
export interface Surroundings extends Home {
  patience: Required<Patience>;
}

/** A file on its way. */
export class Download {
  /** Settles when the server has answered for the first time. */
  readonly opened: Promise<void>;
  /** Settles when everything is there, or will not be. */
  readonly finished: Promise<void>;
  private readonly ending = new AbortController();
  private readonly arrival: Arrival;
  private readonly runs: Runs;
  private readonly requests: Requests;
  private crew: Crew | undefined;
  private bells: (() => void)[] = [];
  private readonly answered: () => void;
  /** When more than the first chunks may be asked for. */
  private readonly turn: Promise<void>;
  private demand: () => void = () => undefined;
  private handedOut: boolean;
  /** Bytes that an earlier download left. */
  private before = 0;
  /** Why nothing more comes. */
  failure: KingletError | undefined;
  /** Everything is there. */
  complete = false;
  /** Another file of the store has the same content: this one is not needed beyond this load. */
  superfluous = false;

  /**
   * Begins; `turn`: when more than the first chunks may be asked for without being wanted; `root`: of a file of which some
   * is read already, what it must turn out to be; null: that is not known.
   */
  constructor(
    private readonly origin: Origin,
    private readonly chunks: Chunks,
    private readonly around: Surroundings,
    turn: Promise<void> = Promise.resolve(),
    private readonly root?: string | null,
  ) {
    this.handedOut = root !== undefined;
    let answered = () => undefined as void;
    this.opened = new Promise((resolve) => (answered = resolve));
    this.answered = answered;
    this.turn = Promise.race([turn, new Promise<void>((resolve) => (this.demand = resolve))]);
    this.arrival = new Arrival(origin, chunks, around, () => this.ring());
    this.runs = new Runs(this.arrival);
    this.requests = new Requests(this.arrival, this.runs, around.patience, (run) => {
      if (run !== undefined && this.runs.narrow(run)) {
        this.crew?.hire();
      }
      this.answered();
    });
    this.finished = this.run();
  }

  /** Chunk `n`, when it is there: its bytes, or undefined when they are on the disk or the file ends before it. */
  async chunk(n: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.arrival.wanted = n;
    for (let waited = false; ; waited = true) {
      const bytes = this.arrival.recently(n);
      if (bytes !== undefined || this.chunks.has(n)) {
        this.handedOut = true;
        return bytes;
      }
      if (this.failure !== undefined) {
        throw this.failure;
      }
      const { length } = this.arrival;
      if (this.complete || (length !== null && n >= chunksOf(length))) {
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

  private async run(): Promise<void> {
    try {
      await this.arrival.resume();
      const { loaded, length } = this.arrival;
      this.before = loaded;
      if (this.root === undefined && length !== null && loaded < length) {
        await this.arrival.learn(length);
      }
      await this.everything();
      await this.end();
    } catch (thrown) {
      const { name, url } = this.origin;
      const needed = (this.chunks.manifest.length ?? 0) - this.arrival.loaded;
      this.failure = isFull(thrown) ? diskError(name, thrown, Math.max(0, needed) || undefined) : diskError(url, thrown);
      await this.keepOrDrop(this.failure).catch(() => undefined);
    }
    this.arrival.giveUp();
    this.answered();
    this.ring();
  }

  private async everything(): Promise<void> {
    const { arrival, runs, requests } = this;
    const reset = async () => {
      await arrival.reset();
      runs.reset();
    };
    if (!arrival.resumable && arrival.loaded > 0) {
      await reset();
    }
    for (let restarts = 0; ; restarts++) {
      try {
        this.crew = new Crew(runs, requests, this.around.patience, this.turn);
        return await this.crew.run(this.ending.signal);
      } catch (thrown) {
        const anew = thrown instanceof Anew ? (thrown.error ?? fileChanged(this.origin.url)) : undefined;
        if (anew === undefined && !(thrown instanceof KingletError && thrown.code === 'file_changed')) {
          throw thrown;
        }
        if (this.handedOut || restarts >= MAX_RESTARTS || this.origin.once) {
          throw anew ?? thrown;
        }
        await reset();
      }
    }
  }

  /** The hash of the whole file; chunks that turn out to be damaged are fetched again. */
  private async wholeHash(): Promise<string> {
    for (let damaged = 0; ; damaged++) {
      const found = await this.arrival.wholeHash();
      if (typeof found === 'string') {
        return found;
      }
      if (damaged >= MAX_RESTARTS || this.origin.once) {
        const { name } = this.origin;
        const message = `chunk ${found} of ${name} cannot be read as it was written: the disk may be damaged; load with store: 'none'`;
        throw new KingletError('store_damaged', message, { name, chunk: found });
      }
      await this.everything();
    }
  }

  /** Every chunk is there: is it the file? Then it is complete. */
  private async end(): Promise<void> {
    const { origin, around: { store }, chunks: { manifest, file } } = this;
    if (manifest.length === null || manifest.sha.filter((hash) => hash !== '').length < chunksOf(manifest.length)) {
      throw unreadable(origin.url, 'it ended before all of it was there');
    }
    if (origin.sha256 !== undefined) {
      manifest.sha256 = await this.wholeHash();
      if (manifest.sha256 !== origin.sha256) {
        const message =
          `${origin.url} is not the file that was expected: its SHA-256 is ${manifest.sha256}, expected ${origin.sha256}; ` +
          'nothing of it was kept';
        throw new KingletError('hash_mismatch', message, { url: origin.url, expected: origin.sha256, got: manifest.sha256 });
      }
    }
    manifest.root = await sha256(new TextEncoder().encode(`${manifest.length} ${manifest.sha.join(' ')}`));
    if (typeof this.root === 'string' && this.root !== manifest.root) {
      throw fileChanged(origin.url);
    }
    manifest.whole = null;
    manifest.parts = [];
    this.superfluous = await store.join(manifest);
    if (!this.superfluous) {
      await file.flush();
      manifest.complete = true;
      await store.save(manifest);
    }
    this.complete = true;
  }

  /** After a failure: what can be resumed stays. */
  private async keepOrDrop({ code }: KingletError): Promise<void> {
    const { manifest, file } = this.chunks;
    const { loaded, resumable } = this.arrival;
    // Of what there was no room for, that stays which fitted before.
    const worthless = (code === 'quota_exceeded' && loaded !== this.before) || code === 'hash_mismatch' || code === 'file_changed';
    if (worthless || !resumable || loaded === 0) {
      await file.close();
      await this.around.store.drop(manifest.id);
    } else {
      await this.arrival.save();
    }
  }

  private ring(): void {
    const bells = this.bells;
    this.bells = [];
    bells.forEach((bell) => bell());
  }
}
