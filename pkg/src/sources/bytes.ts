// Bytes that came in pieces.

/** `parts` one after the other, `length` bytes in all, in a buffer of their own. */
export function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
