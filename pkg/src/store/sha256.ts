// SHA-256 in pieces: WebCrypto has only whole messages, and on plain-http pages nothing at all.

// Signed, because engines compute with signed 32-bit integers: unsigned ones are four times as slow.
const K = new Int32Array(64);
const INITIAL = new Int32Array(8);
{
  // The first 32 bits of the fractional parts of the cube and square roots of the first primes.
  const fraction = (x: number) => Math.floor((x - Math.floor(x)) * 2 ** 32);
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) {
      prime &&= n % d !== 0;
    }
    if (prime) {
      K[found] = fraction(Math.cbrt(n));
      if (found < 8) {
        INITIAL[found] = fraction(Math.sqrt(n));
      }
      found += 1;
    }
  }
}

/** Bytes that are hashed together. */
const BLOCK = 64;

/** The hash of bytes that come one after the other. */
export class Sha256 {
  private readonly h = Int32Array.from(INITIAL);
  private readonly w = new Int32Array(BLOCK);
  private readonly rest = new Uint8Array(BLOCK);
  private resting = 0;
  private length = 0;

  /** Goes on from a `state` after `length` bytes, a multiple of 64. */
  static resume(state: readonly number[], length: number): Sha256 {
    const hash = new Sha256();
    hash.h.set(state);
    hash.length = length;
    return hash;
  }

  /** For {@link Sha256.resume}, after a multiple of 64 bytes. */
  get state(): number[] {
    return [...this.h];
  }

  /** Adds bytes. */
  update(bytes: Uint8Array): this {
    this.length += bytes.length;
    let at = 0;
    if (this.resting > 0) {
      at = Math.min(BLOCK - this.resting, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.resting);
      this.resting += at;
      if (this.resting < BLOCK) {
        return this;
      }
      this.blocks(this.rest, 0, BLOCK);
      this.resting = 0;
    }
    const end = bytes.length - ((bytes.length - at) % BLOCK);
    this.blocks(bytes, at, end);
    this.rest.set(bytes.subarray(end));
    this.resting = bytes.length - end;
    return this;
  }

  /** The hash of everything so far, in hexadecimal; nothing can be added afterwards. */
  digest(): string {
    const { length } = this;
    const padding = new Uint8Array(((this.resting < 56 ? 56 : 120) - this.resting) + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(padding.length - 4, (length * 8) >>> 0);
    this.update(padding);
    return Array.from(this.h, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private blocks(bytes: Uint8Array, from: number, to: number): void {
    const { h, w } = this;
    for (let at = from; at < to; at += BLOCK) {
      for (let t = 0, p = at; t < 16; t++, p += 4) {
        w[t] = (bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!;
      }
      for (let t = 16; t < 64; t++) {
        const x = w[t - 15]!;
        const y = w[t - 2]!;
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
      }
      let a = h[0]!;
      let b = h[1]!;
      let c = h[2]!;
      let d = h[3]!;
      let e = h[4]!;
      let f = h[5]!;
      let g = h[6]!;
      let i = h[7]!;
      for (let t = 0; t < 64; t++) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (i + s1 + ((e & f) ^ (~e & g)) + K[t]! + w[t]!) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        i = g;
        g = f;
        f = e;
        e = (d + t1) | 0;
        d = c;
        c = b;
        b = a;
        a = (t1 + t2) | 0;
      }
      h[0]! += a;
      h[1]! += b;
      h[2]! += c;
      h[3]! += d;
      h[4]! += e;
      h[5]! += f;
      h[6]! += g;
      h[7]! += i;
    }
  }
}

/** The hash of one piece: by WebCrypto where there is one, which is several times as fast. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto as { subtle?: SubtleCrypto };
  if (subtle === undefined) {
    return new Sha256().update(bytes).digest();
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
