// Memory through which stored chunks are read, and the fast hash over them: XXH64, whose inner loop is a Wasm function
// over that same memory, so that a chunk is read, checked and handed on without being copied.

/** Bytes of a stored chunk. Also the longest read of the engine. */
export const CHUNK = 4 << 20;
/** Chunks in memory at once; two are what one read of the engine may touch. One more slot is for hashing alone. */
const SLOTS = 4;
const PAGE = 65536;
/** Where the slots begin; before them lie the four accumulators. */
const BASE = PAGE;
/** Bytes that the inner loop takes at once. */
const STRIPE = 32;

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const u64 = (x: bigint) => BigInt.asUintN(64, x);
const rotl = (x: bigint, n: bigint) => u64(x << n) | (x >> (64n - n));
const round = (acc: bigint, lane: bigint) => u64(rotl(u64(acc + lane * P2), 31n) * P1);

/** A few chunks' worth of memory. */
export class Window {
  /** What is in each slot: a file, and the chunk of it. */
  private readonly held: ({ file: unknown; n: number } | undefined)[] = [];
  private readonly memory: WebAssembly.Memory;
  private readonly stripes: (begin: number, end: number) => void;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE));
    this.memory = exports['memory'] as WebAssembly.Memory;
    this.stripes = exports['stripes'] as (begin: number, end: number) => void;
  }

  /** Whether chunk `n` of `file` is in its slot. */
  holds(file: unknown, n: number): boolean {
    const held = this.held[n % SLOTS];
    return held !== undefined && held.file === file && held.n === n;
  }

  /** The memory for chunk `n`; what was there before is gone, and nothing is held there until `hold`. */
  slot(n: number): Uint8Array<ArrayBuffer> {
    this.held[n % SLOTS] = undefined;
    return this.at(n % SLOTS);
  }

  /** Chunk `n` of `file` is in its slot now, checked. */
  hold(file: unknown, n: number): void {
    this.held[n % SLOTS] = { file, n };
  }

  /** `length` bytes from `offset` in a file whose one or two chunks there are held. Good until the next `slot`. */
  view(offset: number, length: number): Uint8Array {
    const first = Math.floor(offset / CHUNK);
    const within = offset - first * CHUNK;
    if (within + length <= CHUNK || (first + 1) % SLOTS !== 0) {
      return new Uint8Array(this.memory.buffer, BASE + (first % SLOTS) * CHUNK + within, length);
    }
    const joined = new Uint8Array(length);
    joined.set(this.at(first % SLOTS).subarray(within));
    joined.set(this.at(0).subarray(0, within + length - CHUNK), CHUNK - within);
    return joined;
  }

  /** The fast hash of bytes that are elsewhere. */
  hashOf(bytes: Uint8Array): string {
    this.at(SLOTS).set(bytes);
    return this.hash(SLOTS, bytes.length);
  }

  /** The fast hash of the first `length` bytes in chunk `n`'s slot. */
  hashSlot(n: number, length: number): string {
    return this.hash(n % SLOTS, length);
  }

  private at(slot: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer as ArrayBuffer, BASE + slot * CHUNK, CHUNK);
  }

  /** XXH64 (seed 0) of the first `length` bytes of a slot, as 16 hexadecimal digits. */
  private hash(slot: number, length: number): string {
    const begin = BASE + slot * CHUNK;
    const full = length - (length % STRIPE);
    const accumulators = new BigUint64Array(this.memory.buffer, 0, 4);
    let h = P5;
    if (full > 0) {
      accumulators.set([u64(P1 + P2), P2, 0n, u64(-P1)]);
      this.stripes(begin, begin + full);
      const [a, b, c, d] = accumulators as unknown as [bigint, bigint, bigint, bigint];
      h = u64(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n));
      for (const acc of [a, b, c, d]) {
        h = u64((h ^ round(0n, acc)) * P1 + P4);
      }
    }
    return finish(u64(h + BigInt(length)), new DataView(this.memory.buffer, begin + full, length - full));
  }
}

/** The last bytes, and the final mixing. */
function finish(start: bigint, tail: DataView): string {
  let h = start;
  let at = 0;
  for (; at + 8 <= tail.byteLength; at += 8) {
    h = u64(rotl(h ^ round(0n, tail.getBigUint64(at, true)), 27n) * P1 + P4);
  }
  if (at + 4 <= tail.byteLength) {
    h = u64(rotl(h ^ u64(BigInt(tail.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < tail.byteLength; at++) {
    h = u64(rotl(h ^ u64(BigInt(tail.getUint8(at)) * P5), 11n) * P1);
  }
  h = u64((h ^ (h >> 33n)) * P2);
  h = u64((h ^ (h >> 29n)) * P3);
  return (h ^ (h >> 32n)).toString(16).padStart(16, '0');
}

// ---- the Wasm function, assembled here: some 300 bytes ----------------------------------------------------------------

const I32 = 0x7f;
const I64 = 0x7e;
const [LOOP, END, BR_IF] = [[0x03, 0x40], [0x0b], [0x0d, 0x00]];
const [GET, SET, TEE] = [0x20, 0x21, 0x22];
const [LOAD, STORE] = [0x29, 0x37];
const [I64_ADD, I64_MUL, I64_ROTL] = [0x7c, 0x7e, 0x89];
const [I32_ADD, I32_LT_U] = [0x6a, 0x49];

function leb(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...leb(value >>> 7)];
}

function signedLeb(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  return (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40) ? [low] : [low | 0x80, ...signedLeb(rest)];
}

const i32 = (value: number) => [0x41, ...signedLeb(BigInt(value))];
const i64 = (value: bigint) => [0x42, ...signedLeb(BigInt.asIntN(64, value))];
const section = (id: number, bytes: number[]) => [id, ...leb(bytes.length), ...bytes];
const LANES = [0, 1, 2, 3];
/** Parameters 0 and 1: begin and end; then one accumulator for each lane. */
const local = (lane: number) => lane + 2;

/** `do { acc[k] = rotl(acc[k] + lane[k] * P2, 31) * P1 } while ((begin += 32) < end)`, the accumulators at address 0. */
const BODY = [
  ...LANES.flatMap((k) => [...i32(0), LOAD, 3, 8 * k, SET, local(k)]),
  ...LOOP,
  ...LANES.flatMap((k) => [
    ...[GET, local(k), GET, 0, LOAD, 0, 8 * k, ...i64(P2), I64_MUL, I64_ADD],
    ...[...i64(31n), I64_ROTL, ...i64(P1), I64_MUL, SET, local(k)],
  ]),
  ...[GET, 0, ...i32(STRIPE), I32_ADD, TEE, 0, GET, 1, I32_LT_U, ...BR_IF, ...END],
  ...LANES.flatMap((k) => [...i32(0), GET, local(k), STORE, 3, 8 * k]),
];
const FUNCTION = [1, LANES.length, I64, ...BODY, ...END];
const text = (name: string) => [name.length, ...Array.from(name, (c) => c.charCodeAt(0))];
const MODULE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...section(1, [1, 0x60, 2, I32, I32, 0]),
  ...section(3, [1, 0]),
  ...section(5, [1, 0, ...leb((BASE + (SLOTS + 1) * CHUNK) / PAGE)]),
  ...section(7, [2, ...text('memory'), 2, 0, ...text('stripes'), 0, 0]),
  ...section(10, [1, ...leb(FUNCTION.length), ...FUNCTION]),
]);
