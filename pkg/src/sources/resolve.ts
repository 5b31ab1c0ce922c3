// What the caller calls a model, made into what a worker can open: on the page, because addresses are relative to it.

import { KingletError } from '../errors.js';
import type { KingletOptions, ModelSource } from '../types.js';
import type { Reading } from './open.js';

const STORES: readonly string[] = ['auto', 'opfs', 'indexeddb', 'none'];

/** One file of a model, as it crosses to the worker. */
export type WireSource =
  /** A file behind an absolute address. */
  | { kind: 'url'; url: string; name?: string | undefined; sha256?: string | undefined; headers?: [string, string][] | undefined }
  /** A file on this device. */
  | { kind: 'blob'; blob: Blob };

/** The files of a model, the parts of a split one in their order. */
export async function resolveModel(model: KingletOptions['model']): Promise<WireSource[]> {
  const list = (Array.isArray(model) ? model : [model]) as readonly ModelSource[];
  if (list.length === 0) {
    throw invalid('a URL or a file', 'none');
  }
  const sources = list.map(resolve);
  return sources.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}

function resolve(source: ModelSource): WireSource {
  if (source instanceof Blob) {
    return { kind: 'blob', blob: source };
  }
  if (typeof source === 'string' || source instanceof URL) {
    return { kind: 'url', url: absolute(source) };
  }
  throw invalid('a URL, a File, a Blob or an array of them', String(source));
}

/** Its file's name, where it has one. */
export function nameOf(source: WireSource): string {
  return source.kind === 'url' ? source.url : 'name' in source.blob ? String(source.blob.name) : '';
}

function absolute(address: string | URL): string {
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  try {
    return new URL(address, base).href;
  } catch {
    throw invalid('an address', `"${address}"`);
  }
}

function invalid(expected: string, got: string): KingletError {
  const message = `invalid request: model: expected ${expected}, got ${got}`;
  return new KingletError('invalid_request', message, { param: 'model' });
}

/** How the files are read, checked. */
export function readingOf({ store = 'auto', retry }: KingletOptions): Reading {
  if (!STORES.includes(store)) {
    const message = `invalid request: store: expected ${STORES.map((s) => `"${s}"`).join(', ')}, got ${String(store)}`;
    throw new KingletError('invalid_request', message, { param: 'store' });
  }
  return { store, ...(retry === undefined ? {} : { retry }) };
}
