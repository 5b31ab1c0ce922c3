// The hash of a whole file, computed as its chunks come, in their order, and gone on with after an interruption.

import type { Chunks } from './chunks.js';
import { sizeOf } from './manifest.js';
import { Sha256 } from './sha256.js';
import { CHUNK } from './window.js';

/** SHA-256 of a file on its way. How far it is stands in the manifest. */
export class WholeHash {
  private hash: Sha256 | undefined;
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly chunks: Chunks) {}

  /** Chunk `n` is there: goes on as far as that allows. */
  add(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.last = this.last.then(() => this.advance(n, bytes));
    return this.last;
  }

  /** The hash, when everything is there; else the chunk that turned out to be damaged, which is missing from now on. */
  async finish(): Promise<string | number> {
    const { chunks } = this;
    const { manifest } = chunks;
    await this.advance();
    const done = manifest.whole?.chunks ?? 0;
    const rest = (manifest.length ?? 0) - done * CHUNK;
    const last = rest > 0 ? chunks.has(done) && (await chunks.take(done, rest)) : new Uint8Array();
    return last ? (this.hash ?? new Sha256()).update(last).digest() : done;
  }

  /** Everything begins anew. */
  reset(): void {
    this.hash = undefined;
  }

  private async advance(n = -1, bytes?: Uint8Array<ArrayBuffer>): Promise<void> {
    const { chunks } = this;
    const { manifest } = chunks;
    this.hash ??= manifest.whole === null ? new Sha256() : Sha256.resume(manifest.whole.state, manifest.whole.chunks * CHUNK);
    let done = manifest.whole?.chunks ?? 0;
    for (; chunks.has(done) && sizeOf(manifest.length ?? Infinity, done) === CHUNK; done++) {
      const next = done === n ? bytes : await chunks.take(done, CHUNK);
      if (next === undefined) {
        return; // it will be fetched again
      }
      this.hash.update(next);
      manifest.whole = { chunks: done + 1, state: this.hash.state };
    }
  }
}
