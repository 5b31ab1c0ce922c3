// Which requests are of a sample: it follows from their names, so that the same ones are drawn whenever that is asked.

import { fnv32 } from '../hash.js';

/** Whether a request is of a sample of this share. */
export function drawn(id: string, share: number): boolean {
  return fraction(id) < share;
}

/** From 0 to 1, evenly, and always the same for one name (FNV-1a). */
export function fraction(id: string): number {
  const plain = fnv32(id);
  const hash = Math.imul(plain ^ (plain >>> 16), 0x85ebca6b); // its last step alone leaves the high bits alike
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
