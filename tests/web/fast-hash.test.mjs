// The fast hash of stored chunks: against a plain computation of the same, whole and block by block, and what it finds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK, CHUNK, Window } from '../../pkg/dist/store/window.js';

const [P1, P2, P3, P4, P5] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n];
const u64 = (x) => x & 0xffffffffffffffffn;
const rotl = (x, n) => u64(x << n) | (x >> (64n - n));

/** Word by word, as the comment over the Wasm function says it. */
function plain(bytes) {
  const lanes = Uint32Array.from({ length: 32 }, (_, lane) => Math.imul(lane + 1, 0x9e3779b1));
  const whole = bytes.length - (bytes.length % 128);
  const words = new Uint32Array(bytes.slice(0, whole).buffer);
  words.forEach((word, i) => {
    const mixed = Math.imul(lanes[i % 32] ^ word, 0x9e3779b1) >>> 0;
    lanes[i % 32] = mixed ^ (mixed >>> 15);
  });
  let h = u64(P5 + BigInt(bytes.length));
  const fold = (view) => {
    let at = 0;
    for (; at + 8 <= view.byteLength; at += 8) {
      h = u64(rotl(h ^ u64(rotl(u64(view.getBigUint64(at, true) * P2), 31n) * P1), 27n) * P1 + P4);
    }
    for (; at < view.byteLength; at++) h = u64(rotl(h ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1);
  };
  fold(new DataView(lanes.buffer));
  fold(new DataView(bytes.buffer, bytes.byteOffset + whole, bytes.length - whole));
  h = u64((h ^ (h >> 33n)) * P2);
  h = u64((h ^ (h >> 29n)) * P3);
  return `m${(h ^ (h >> 32n)).toString(16).padStart(16, '0')}`;
}

/** Repeatable bytes. */
function noise(length, seed = 1) {
  let x = seed;
  return Uint8Array.from({ length }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x >>> 24;
  });
}

test('it is what it is said to be, for every length of the last piece, also block by block in two slots at once', () => {
  const window = new Window();
  const all = noise(2 * BLOCK + 300);
  const lengths = [...Array(300).keys(), BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 127, BLOCK + 128, 2 * BLOCK, all.length];
  for (const length of lengths) {
    const bytes = all.subarray(0, length);
    const expected = plain(bytes);
    assert.equal(window.hashOf(bytes), expected, `${length}`);
    const [slot, other] = [window.slot(2), window.slot(3)];
    for (let at = 0; at < length; at += BLOCK) {
      const block = bytes.subarray(at, at + BLOCK);
      slot.set(block, at);
      other.set(block, at);
      window.hashBlock(2, at, block.length);
      window.hashBlock(3, at, block.length);
    }
    assert.deepEqual([window.hashSlot(2, length), window.hashSlot(3, length)], [expected, expected], `${length}`);
  }
});

test('it finds what happens to chunks: a bit, a missing block, old bytes, bytes in another place', () => {
  const window = new Window();
  const good = noise(CHUNK);
  const hash = window.hashOf(good);
  const damaged = (change) => {
    const bytes = good.slice();
    change(bytes);
    return window.hashOf(bytes);
  };
  const short = noise(3 * 128 + 77);
  const hashes = new Set([window.hashOf(short)]);
  for (let bit = 0; bit < short.length * 8; bit++) {
    const bytes = short.slice();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    hashes.add(window.hashOf(bytes));
  }
  assert.equal(hashes.size, short.length * 8 + 1, 'every bit makes a hash of its own');
  for (const size of [4, 128, 512, 4096, BLOCK]) {
    for (const at of [0, 4096, CHUNK - size]) {
      assert.notEqual(damaged((bytes) => bytes.fill(0, at, at + size)), hash, `${size} zeros at ${at}`);
      assert.notEqual(damaged((bytes) => bytes.set(noise(size, 7), at)), hash, `${size} old bytes at ${at}`);
    }
    assert.notEqual(damaged((bytes) => bytes.copyWithin(0, size)), hash, `shifted by ${size}`);
    const swapped = (bytes) => (bytes.set(good.subarray(size, 2 * size), 0), bytes.set(good.subarray(0, size), size));
    assert.notEqual(damaged(swapped), hash, `${size} bytes swapped`);
  }
  // The top bits of two words of one lane, which a sum or a product alone would not tell apart.
  assert.notEqual(damaged((bytes) => ((bytes[3] ^= 128), (bytes[3 + 128] ^= 128))), hash);
  // Zeros: another number of them is another hash.
  const zeros = new Set(Array.from({ length: 64 }, (_, i) => window.hashOf(new Uint8Array(i * 128))));
  assert.equal(zeros.size, 64);
});

test('a read from the last slot on into the first is one piece', () => {
  const window = new Window();
  const file = {};
  const bytes = noise(2 * CHUNK);
  for (const [i, n] of [3, 4].entries()) {
    window.slot(n).set(bytes.subarray(i * CHUNK, (i + 1) * CHUNK));
    window.hold(file, n);
  }
  for (const [from, length] of [[0, CHUNK], [1, CHUNK], [CHUNK - 1, 2], [CHUNK - 5, CHUNK], [CHUNK, 9]]) {
    assert.equal(Buffer.compare(window.view(3 * CHUNK + from, length), bytes.subarray(from, from + length)), 0, `${from}`);
  }
});
