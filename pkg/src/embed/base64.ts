// Bytes as text, for transports that carry nothing else.

import { EmbedError } from './error.js';

/** So many bytes at a time: arguments of a call have a bound. */
const STEP = 8192;

/** Base64 of bytes. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += STEP) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + STEP)));
  }
  return btoa(parts.join(''));
}

/** The bytes. @throws EmbedError `bad_piece`. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new EmbedError('bad_piece', 'bad piece: expected base64, got another text');
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) {
    bytes[i] = binary.charCodeAt(i);
  }
  return bytes;
}
