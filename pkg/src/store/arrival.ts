// What arrives of a file: pieces become chunks, which are hashed, written to the disk, and kept for a moment for the
// engine, which reads them about now.

import { telling } from '../sources/validators.js';
import type { Origin } from './ask.js';
import type { Chunks } from './chunks.js';
import { MAX_PARTS, sizeOf, stored, type Manifest, type Part } from './manifest.js';
import type { Room } from './quota.js';
import type { Store } from './store.js';
import { WholeHash } from './whole.js';
import { CHUNK } from './window.js';

/** Chunks that are kept in memory for the engine. */
const RECENT = 4;
/** Bytes that a chunk has grown by when its beginning is written again as a whole. */
const REWRITE_BYTES = 1 << 20;
/** How often it is said how much has come. */
const TELL_MS = 50;
/** The manifest is saved when so many milliseconds have passed: what a crash costs at most. */
const SAVE_MS = 1000;

/** Where what arrives is put, and who hears of it. */
export interface Home {
  store: Store;
  room: Room;
  /** Bytes that are there, of how many, where that is known. */
  progress(name: string, loaded: number, total: number | undefined): void;
}

/** A chunk of which only the beginning has come. */
interface Begun {
  bytes: Uint8Array<ArrayBuffer>;
  have: number;
  /** Of these so many are on the disk, with this fast hash. */
  written: number;
  fast: string;
}

/** The content of a file that is on its way. */
export class Arrival {
  /** The chunk that the engine reads. */
  wanted = 0;
  private readonly begun = new Map<number, Begun>();
  private readonly recent = new Map<number, Uint8Array<ArrayBuffer>>();
  private readonly hash: WholeHash;
  private saved = 0;
  /** Nothing more comes: the room that it would have taken is there for others. */
  giveUp: () => void = () => undefined;
  private told = 0;

  /** `ring`: another chunk is there. */
  constructor(
    readonly origin: Origin,
    readonly chunks: Chunks,
    private readonly home: Home,
    private readonly ring: () => void,
  ) {
    this.hash = new WholeHash(chunks);
  }

  get manifest(): Manifest {
    return this.chunks.manifest;
  }

  get length(): number | null {
    return this.manifest.length;
  }

  /** A part that is there can be completed later. */
  get resumable(): boolean {
    return !this.origin.once && (telling(this.manifest) || this.origin.sha256 !== undefined);
  }

  /** Takes up what an earlier download left of chunks. */
  async resume(): Promise<void> {
    for (const part of this.manifest.parts) {
      const bytes = this.chunks.has(part.chunk) ? undefined : await this.chunks.takePart(part);
      if (bytes !== undefined) {
        this.begun.set(part.chunk, { bytes, have: part.bytes, written: part.bytes, fast: part.fast });
      }
    }
    this.manifest.parts = this.parts();
  }

  /** A chunk that came just now. */
  recently(n: number): Uint8Array<ArrayBuffer> | undefined {
    return this.recent.get(n);
  }

  /** Bytes of chunk `n` that have come, while it is not there. */
  come(n: number): number {
    return this.begun.get(n)?.have ?? 0;
  }

  /** Bytes that have come. */
  get loaded(): number {
    const begun = [...this.begun.values()].reduce((sum, { have }) => sum + have, 0);
    return begun + stored({ ...this.manifest, parts: [] });
  }

  /** Goes on with chunk `n`; how many of the bytes belonged to it, and whether it is there now. */
  async fill(n: number, piece: Uint8Array): Promise<{ taken: number; whole: boolean }> {
    const chunk = this.begun.get(n) ?? { bytes: new Uint8Array(CHUNK), have: 0, written: 0, fast: '' };
    this.begun.set(n, chunk);
    const size = sizeOf(this.length ?? Infinity, n);
    const part = piece.subarray(0, size - chunk.have);
    chunk.bytes.set(part, chunk.have);
    chunk.have += part.length;
    const whole = chunk.have === size && size > 0;
    if (whole) {
      await this.keep(n, chunk.bytes.subarray(0, size));
    }
    if (Date.now() - this.told >= TELL_MS) {
      this.tell();
    }
    if (Date.now() - this.saved >= SAVE_MS) {
      await this.save(REWRITE_BYTES);
    }
    return { taken: part.length, whole };
  }

  /** The end of a file whose length nobody said; true: its last chunk, `n`, is there. */
  async endsAt(n: number, length: number): Promise<boolean> {
    await this.learn(length);
    const last = this.begun.get(n);
    if (last === undefined || last.have === 0) {
      return false;
    }
    await this.keep(n, last.bytes.subarray(0, last.have));
    return true;
  }

  /** The length is known: is there room? */
  async learn(length: number): Promise<void> {
    const { manifest, origin, home } = this;
    manifest.length = length;
    this.giveUp();
    this.giveUp = await home.room.take(origin.name, this.chunks.file, length, () => stored(manifest));
    this.tell();
  }

  /** See {@link WholeHash.finish}. */
  wholeHash(): Promise<string | number> {
    return this.hash.finish();
  }

  /** What has come survives from now on; less than `rewrite` more bytes of a chunk are not worth writing it again. */
  async save(rewrite = 1): Promise<void> {
    this.saved = Date.now();
    const { file } = this.chunks;
    const step = file.rewrites ? rewrite : 1;
    for (const [n, chunk] of this.begun) {
      const { have } = chunk;
      if (have - chunk.written >= step && have < sizeOf(this.length ?? Infinity, n)) {
        chunk.fast = await this.chunks.putPart(n, chunk.bytes.subarray(0, have), chunk.written);
        chunk.written = have;
      }
    }
    await file.flush();
    this.manifest.parts = this.parts();
    await this.home.store.save(this.manifest);
  }

  /** Begins anew. */
  async reset(): Promise<void> {
    const nothing = { length: null, etag: null, modified: null, whole: null, sha: [], fast: [], parts: [] };
    Object.assign(this.manifest, nothing);
    this.begun.clear();
    this.recent.clear();
    this.hash.reset();
    await this.save();
  }

  private async keep(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { origin, recent } = this;
    await this.chunks.put(n, bytes);
    this.begun.delete(n);
    recent.set(n, bytes);
    for (const old of recent.keys()) {
      if (recent.size > RECENT && (old < this.wanted || old >= this.wanted + RECENT)) {
        recent.delete(old);
      }
    }
    if (origin.sha256 !== undefined) {
      await this.hash.add(n, bytes);
    }
    this.tell();
    this.ring();
  }

  private tell(): void {
    this.told = Date.now();
    this.home.progress(this.origin.name, this.loaded, this.length ?? undefined);
  }

  private parts(): Part[] {
    const written = [...this.begun].filter(([, chunk]) => chunk.written > 0);
    return written.slice(0, MAX_PARTS).map(([chunk, { written, fast }]) => ({ chunk, bytes: written, fast }));
  }
}
