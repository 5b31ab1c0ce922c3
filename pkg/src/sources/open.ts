// From what the page says about a model to the Readers of its files, in the thread where the engine runs.

import { KingletError } from '../errors.js';
import { blobReader } from './blob.js';
import { HttpReader } from './http.js';
import { Readers, type Reader } from './reader.js';
import type { WireSource } from './resolve.js';
import { partsOf } from './split.js';

/**
 * One reader for each file; the first part's address stands for all of a split model. With `downloads` refused, only what
 * is on the device is read.
 *
 * @throws KingletError when a file cannot be had.
 */
export async function openSources(sources: readonly WireSource[], downloads: 'allowed' | 'refused' = 'allowed'): Promise<Readers> {
  const files = sources.length === 1 ? sources.flatMap(parts) : sources;
  const readers: Reader[] = [];
  for (const file of files) {
    if (file.kind === 'url' && downloads === 'refused') {
      throw notHere(file.url);
    }
    readers.push(file.kind === 'blob' ? blobReader(file.blob) : await HttpReader.open({ url: file.url }));
  }
  return new Readers(readers);
}

/**
 * Runs the engine's `load`. What a reader threw is what the caller gets, whatever the engine made of it; but of the end of
 * a file the engine knows more.
 */
export async function loadFrom<T>(readers: Readers, load: (readers: readonly Reader[]) => Promise<T>): Promise<T> {
  try {
    return await load(readers.all);
  } catch (thrown) {
    const { failure } = readers;
    throw failure === undefined || failure.code === 'truncated' ? thrown : failure;
  }
}

function notHere(name: string): KingletError {
  const message =
    `${name} is not in the store, and a service worker downloads nothing (the browser would end it on the way): ` +
    'load this model once on a page of this origin, then ask again';
  return new KingletError('download_refused', message, { source: name });
}

function parts(source: WireSource): WireSource[] {
  return source.kind === 'url' ? partsOf(source.url).map((url) => ({ ...source, url })) : [source];
}
