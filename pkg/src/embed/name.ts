// Names that nobody else has, also where the context is not secure and `randomUUID` is missing.

/** 32 hexadecimal digits. */
export function freshName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
