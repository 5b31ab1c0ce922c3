// Files that are already on this device: a Blob, a File that the user chose.

import { truncated, unreadable, type Reader } from './reader.js';

/** Reads from `blob` on demand. */
export function blobReader(blob: Blob): Reader {
  const name = 'name' in blob ? String(blob.name) : 'blob';
  return {
    name,
    length: blob.size,
    async read(offset, length) {
      const needed = offset + length;
      if (needed > blob.size) {
        throw truncated(name, needed, blob.size);
      }
      const bytes = await arrived(name, blob.slice(offset, needed).arrayBuffer());
      if (bytes.byteLength !== length) {
        throw truncated(name, needed, offset + bytes.byteLength);
      }
      return new Uint8Array(bytes);
    },
  };
}

/** A file that was changed or removed after it was chosen cannot be read any more. */
async function arrived(name: string, bytes: Promise<ArrayBuffer>): Promise<ArrayBuffer> {
  try {
    return await bytes;
  } catch (thrown) {
    throw unreadable(name, thrown);
  }
}
