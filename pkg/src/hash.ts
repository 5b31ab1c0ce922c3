// FNV-1a: tells texts apart, and protects against nobody.

/** 32 bits, of a text's UTF-16 units; `hash`: of what stands before it. */
export function fnv32(text: string, hash = 0x811c9dc5): number {
  let now = hash;
  for (let i = 0; i < text.length; i++) {
    now = Math.imul(now ^ text.charCodeAt(i), 0x01000193);
  }
  return now >>> 0;
}

/** 64 bits of its UTF-8, in hexadecimal digits, as the crate that decides has it. */
export function digest(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
