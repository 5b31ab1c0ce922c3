// Which requests are of a sample: it follows from their names, so that the same ones are drawn whenever that is asked.

/** Whether a request is of a sample of this share. */
export function drawn(id: string, share: number): boolean {
  return fraction(id) < share;
}

/** From 0 to 1, evenly, and always the same for one name (FNV-1a). */
export function fraction(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b); // its last step alone leaves the high bits alike
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
