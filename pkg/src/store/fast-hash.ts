// The fast hash of a stored chunk. It finds accidents, not intent: 32 lanes of 32 bits side by side, in each of which every
// word changes the state one to one, so that one wrong word is always found; at the end the lanes and the bytes that are
// left over are folded together as XXH64 ends. The lanes are a Wasm function over the memory in which the bytes already lie.

/** Bytes that the lanes take at once. */
export const STRIPE = 128;
/** Told apart from hashes that this code no longer computes. */
export const MARK = 'm';

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;
/** Odd: multiplying with it loses nothing. */
const FACTOR = 0x9e3779b1;
const SHIFT = 15;

const u64 = (x: bigint) => BigInt.asUintN(64, x);
const rotl = (x: bigint, n: bigint) => u64(x << n) | (x >> (64n - n));
const round = (acc: bigint, lane: bigint) => u64(rotl(u64(acc + lane * P2), 31n) * P1);

/** What the lanes begin with: no two the same, none zero. */
const BEGINNING = Uint32Array.from({ length: STRIPE / 4 }, (_, lane) => Math.imul(lane + 1, FACTOR));

/** Hashes in a memory of its own. The state of a hash under way is in that memory, too: `STRIPE` bytes at an address that is a multiple of 16. */
export class FastHash {
  readonly memory: WebAssembly.Memory;
  private readonly stripes: (begin: number, end: number, state: number) => void;

  /** With memory of so many bytes, a multiple of 64 KiB. */
  constructor(bytes: number) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(bytes / PAGE)));
    this.memory = exports['memory'] as WebAssembly.Memory;
    this.stripes = exports['stripes'] as (begin: number, end: number, state: number) => void;
  }

  /** Begins a hash. */
  begin(state: number): void {
    new Uint32Array(this.memory.buffer, state, BEGINNING.length).set(BEGINNING);
  }

  /** Goes on with the whole stripes of the `length` bytes at `begin`; only the last piece of a hash may have more than those. */
  update(state: number, begin: number, length: number): void {
    if (length >= STRIPE) {
      this.stripes(begin, begin + length - (length % STRIPE), state);
    }
  }

  /** The hash of `length` bytes, whose last ones, that are no whole stripe, end at `end`. */
  digest(state: number, end: number, length: number): string {
    const { buffer } = this.memory;
    const rest = length % STRIPE;
    const lanes = fold(u64(P5 + BigInt(length)), new DataView(buffer, state, STRIPE));
    const h = fold(lanes, new DataView(buffer, end - rest, rest));
    const once = u64((h ^ (h >> 33n)) * P2);
    const twice = u64((once ^ (once >> 29n)) * P3);
    return MARK + (twice ^ (twice >> 32n)).toString(16).padStart(16, '0');
  }
}

function fold(start: bigint, bytes: DataView): bigint {
  let h = start;
  let at = 0;
  for (; at + 8 <= bytes.byteLength; at += 8) {
    h = u64(rotl(h ^ round(0n, bytes.getBigUint64(at, true)), 27n) * P1 + P4);
  }
  for (; at < bytes.byteLength; at++) {
    h = u64(rotl(h ^ u64(BigInt(bytes.getUint8(at)) * P5), 11n) * P1);
  }
  return h;
}

// ---- the Wasm function, assembled here: some 400 bytes ----------------------------------------------------------------

const PAGE = 65536;
const [I32, V128] = [0x7f, 0x7b];
const [LOOP, END, BR_IF] = [[0x03, 0x40], [0x0b], [0x0d, 0x00]];
const [GET, SET, TEE] = [0x20, 0x21, 0x22];
const [I32_ADD, I32_LT_U] = [0x6a, 0x49];

function leb(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...leb(value >>> 7)];
}

function signedLeb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  return (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40) ? [low] : [low | 0x80, ...signedLeb(rest)];
}

const i32 = (value: number) => [0x41, ...signedLeb(value | 0)];
const simd = (op: number) => [0xfd, ...leb(op)];
const section = (id: number, bytes: number[]) => [id, ...leb(bytes.length), ...bytes];
const text = (name: string) => [name.length, ...Array.from(name, (c) => c.charCodeAt(0))];
const [LOAD, STORE, SPLAT, XOR, SHR_U, MUL] = [simd(0x00), simd(0x0b), simd(0x11), simd(0x51), simd(0xad), simd(0xb5)];

/** Four lanes each. */
const VECTORS = Array.from({ length: STRIPE / 16 }, (_, k) => k);
/** Parameters 0 to 2: begin, end and the state's address; then the accumulators, and the factor. */
const local = (k: number) => k + 3;
const TIMES = local(VECTORS.length);

/** `do { acc[k] = (acc[k] ^ word[k]) * FACTOR; acc[k] ^= acc[k] >> SHIFT } while ((begin += STRIPE) < end)` */
const BODY = [
  ...VECTORS.flatMap((k) => [GET, 2, ...LOAD, 4, ...leb(16 * k), SET, local(k)]),
  ...[...i32(FACTOR), ...SPLAT, SET, TIMES],
  ...LOOP,
  ...VECTORS.flatMap((k) => [
    ...[GET, local(k), GET, 0, ...LOAD, 0, ...leb(16 * k), ...XOR, GET, TIMES, ...MUL],
    ...[TEE, local(k), GET, local(k), ...i32(SHIFT), ...SHR_U, ...XOR, SET, local(k)],
  ]),
  ...[GET, 0, ...i32(STRIPE), I32_ADD, TEE, 0, GET, 1, I32_LT_U, ...BR_IF, ...END],
  ...VECTORS.flatMap((k) => [GET, 2, GET, local(k), ...STORE, 4, ...leb(16 * k)]),
];
const FUNCTION = [1, VECTORS.length + 1, V128, ...BODY, ...END];

function moduleOf(pages: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...leb(pages)]),
    ...section(7, [2, ...text('memory'), 2, 0, ...text('stripes'), 0, 0]),
    ...section(10, [1, ...leb(FUNCTION.length), ...FUNCTION]),
  ]);
}
