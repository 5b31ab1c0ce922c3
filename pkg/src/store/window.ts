// Memory through which stored chunks are read, and hashed where they lie, so that a chunk is read, checked and handed on
// without being copied.

import { FastHash, STRIPE } from './fast-hash.js';

/** Bytes of a stored chunk. Also the longest read of the engine. */
export const CHUNK = 4 << 20;
/** What is read and hashed at a time: it is still in the processor's cache when it is hashed. */
export const BLOCK = 256 << 10;
/** Chunks in memory at once; two are what one read of the engine may touch. After them lies room for the end of a read that goes from the last slot to the first. */
const SLOTS = 4;
/** Where the slots begin; before them lie the states of hashes under way. */
const BASE = 65536;
/** Bytes that are elsewhere are hashed here. */
const SCRATCH = BASE + (SLOTS + 1) * CHUNK;

/** A few chunks' worth of memory. */
export class Window {
  /** What is in each slot: a file, and the chunk of it. */
  private readonly held: ({ file: unknown; n: number } | undefined)[] = [];
  private readonly hash = new FastHash(SCRATCH + BLOCK);

  /** Whether chunk `n` of `file` is in its slot. */
  holds(file: unknown, n: number): boolean {
    const held = this.held[n % SLOTS];
    return held !== undefined && held.file === file && held.n === n;
  }

  /** The memory for chunk `n`; what was there before is gone, and nothing is held there until `hold`. */
  slot(n: number): Uint8Array<ArrayBuffer> {
    this.held[n % SLOTS] = undefined;
    this.hash.begin(stateOf(n));
    return this.bytes(slotOf(n), CHUNK);
  }

  /** Chunk `n` of `file` is in its slot now, checked. */
  hold(file: unknown, n: number): void {
    this.held[n % SLOTS] = { file, n };
  }

  /** `length` bytes from `offset` in a file whose one or two chunks there are held. Good until the next `slot` or `view`. */
  view(offset: number, length: number): Uint8Array {
    const first = Math.floor(offset / CHUNK);
    const within = offset - first * CHUNK;
    const beyond = within + length - CHUNK;
    if (beyond > 0 && (first + 1) % SLOTS === 0) {
      this.bytes(BASE + SLOTS * CHUNK, beyond).set(this.bytes(BASE, beyond));
    }
    return this.bytes(slotOf(first) + within, length);
  }

  /** The fast hash of bytes that are elsewhere. */
  hashOf(bytes: Uint8Array): string {
    const state = SLOTS * STRIPE;
    const { length } = bytes;
    this.hash.begin(state);
    let end = SCRATCH;
    for (let at = 0; at < length; at += BLOCK) {
      const block = bytes.subarray(at, at + BLOCK);
      this.bytes(SCRATCH, block.length).set(block);
      this.hash.update(state, SCRATCH, block.length);
      end = SCRATCH + block.length;
    }
    return this.hash.digest(state, end, length);
  }

  /** `length` bytes from `from` have come into chunk `n`'s slot: its hash goes on with them. */
  hashBlock(n: number, from: number, length: number): void {
    this.hash.update(stateOf(n), slotOf(n) + from, length);
  }

  /** The fast hash of the `length` bytes that have come into chunk `n`'s slot, block by block. */
  hashSlot(n: number, length: number): string {
    return this.hash.digest(stateOf(n), slotOf(n) + length, length);
  }

  private bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.hash.memory.buffer as ArrayBuffer, at, length);
  }
}

const slotOf = (n: number) => BASE + (n % SLOTS) * CHUNK;
const stateOf = (n: number) => (n % SLOTS) * STRIPE;
