// A look at every chunk of a stored file.

import { aborted } from '../errors.js';
import { Chunks } from './chunks.js';
import { chunksOf, sizeOf, type Manifest } from './manifest.js';
import { sha256 } from './sha256.js';
import type { Store } from './store.js';
import { CHUNK, Window } from './window.js';

/** How chunks are looked at. */
export interface Look {
  /** By their SHA-256; else as a load does. */
  thorough: boolean;
  signal?: AbortSignal | undefined;
}

/** Numbers of the chunks that are not what was written; `read` hears of each that was read. */
export async function damagedOf(store: Store, manifest: Manifest, { thorough, signal }: Look, read: (bytes: number) => void): Promise<number[]> {
  const open = await store.disk.openFile(manifest.id, 'read');
  const chunks = open && new Chunks(manifest, open, new Window());
  const damaged: number[] = [];
  try {
    for (let n = 0; n < chunksOf(manifest.length ?? 0); n++) {
      if (signal?.aborted) {
        throw aborted(signal);
      }
      if (!manifest.sha[n]) {
        continue;
      }
      const size = sizeOf(manifest.length ?? 0, n);
      const sound = await (thorough ? isWhole(chunks, n, size) : chunks?.load(n))?.catch(() => false);
      if (!sound) {
        damaged.push(n);
      }
      read(size);
    }
  } finally {
    await open?.close();
  }
  return damaged;
}

async function isWhole(chunks: Chunks | undefined, n: number, size: number): Promise<boolean> {
  const bytes = new Uint8Array(Math.min(size, CHUNK));
  const there = await chunks?.file.read(n, bytes);
  return there === size && (await sha256(bytes)) === chunks?.manifest.sha[n];
}
