// The chunks of one stored file: written with their hashes, and read only after they were checked.

import { concat } from '../sources/bytes.js';
import { truncated } from '../sources/reader.js';
import type { DiskFile } from './disk.js';
import { sizeOf, type Manifest, type Part } from './manifest.js';
import { sha256 } from './sha256.js';
import { CHUNK, type Window } from './window.js';

/** One open file of the store. */
export class Chunks {
  /** Hashes from version 1 were completed: the manifest is worth saving. */
  learnt = false;

  constructor(
    readonly manifest: Manifest,
    /** Opened anew when a chunk is repaired. */
    public file: DiskFile,
    private readonly window: Window,
  ) {}

  /** Whether chunk `n` was written. */
  has(n: number): boolean {
    return (this.manifest.sha[n] ?? '') !== '';
  }

  /** Writes a chunk. It is there when the manifest was saved after a flush. */
  async put(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const sha = await sha256(bytes);
    await this.file.write(n, bytes);
    const { manifest } = this;
    for (let i = manifest.sha.length; i <= n; i++) {
      manifest.sha[i] = '';
      manifest.fast[i] = '';
    }
    manifest.sha[n] = sha;
    manifest.fast[n] = this.window.hashOf(bytes);
  }

  /** Writes what has come of a chunk, of which the bytes before `from` were written already; returns their fast hash. */
  async putPart(n: number, bytes: Uint8Array<ArrayBuffer>, from: number): Promise<string> {
    const fast = this.window.hashOf(bytes);
    await this.file.write(n, bytes, from);
    return fast;
  }

  /** The beginning of a chunk in the memory for all of it; undefined: it is not what was written. */
  async takePart({ chunk, bytes, fast }: Part): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const whole = new Uint8Array(CHUNK);
    const part = whole.subarray(0, bytes);
    const there = await this.file.read(chunk, part).catch(() => 0);
    return there === bytes && this.window.hashOf(part) === fast ? whole : undefined;
  }

  /** Reads a chunk, and checks it; undefined: it is not what was written, and is missing from now on. */
  async take(n: number, size: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { manifest, window } = this;
    const bytes = new Uint8Array(size);
    const there = await this.file.read(n, bytes).catch(() => 0);
    const sound = manifest.fast[n] ? window.hashOf(bytes) === manifest.fast[n] : (await sha256(bytes)) === manifest.sha[n];
    if (there === size && sound) {
      return bytes;
    }
    manifest.sha[n] = '';
    manifest.fast[n] = '';
    return undefined;
  }

  /** Reads a chunk into its slot, and checks it; false: it is not what was written. */
  async load(n: number): Promise<boolean> {
    const { manifest, window } = this;
    if (window.holds(this, n)) {
      return true;
    }
    const size = sizeOf(manifest.length ?? Infinity, n);
    const slot = window.slot(n).subarray(0, size);
    const fast = manifest.fast[n];
    const { file } = this;
    if (!this.has(n)) {
      return false;
    }
    for (let at = 0; at < size; at += file.block ?? CHUNK) {
      const block = slot.subarray(at, at + (file.block ?? CHUNK));
      if ((await file.read(n, block, at)) !== block.length) {
        return false;
      }
      window.hashBlock(n, at, block.length);
    }
    const hash = window.hashSlot(n, size);
    if (fast === '') {
      if ((await sha256(slot)) !== manifest.sha[n]) {
        return false;
      }
      manifest.fast[n] = hash;
      this.learnt = true;
    } else if (hash !== fast) {
      return false;
    }
    window.hold(this, n);
    return true;
  }

  /** Puts a chunk into its slot that came from elsewhere. */
  place(n: number, bytes: Uint8Array): void {
    this.window.slot(n).set(bytes);
    this.window.hold(this, n);
  }

  /**
   * `length` bytes at `offset`; `fetch(n)` makes sure that chunk `n` is in its slot. Good until the next read.
   *
   * @throws KingletError `truncated` beyond the end.
   */
  async read(name: string, offset: number, length: number, fetch: (n: number) => Promise<void>): Promise<Uint8Array> {
    const end = offset + length;
    const check = () => {
      if (this.manifest.length !== null && end > this.manifest.length) {
        throw truncated(name, end, this.manifest.length);
      }
    };
    check();
    const first = Math.floor(offset / CHUNK);
    const after = Math.ceil(end / CHUNK);
    if (after - first <= 2) {
      for (let n = first; n < after; n++) {
        await fetch(n);
      }
      check(); // a length that was learnt meanwhile
      return this.window.view(offset, length);
    }
    const whole: Uint8Array[] = [];
    for (let at = offset; at < end; ) {
      const n = Math.floor(at / CHUNK);
      await fetch(n);
      const part = Math.min(end, (n + 1) * CHUNK) - at;
      whole.push(this.window.view(at, part).slice());
      at += part;
    }
    check();
    return concat(whole, length);
  }
}
