// What the caller calls a model, made into what a worker can open: on the page, because addresses are relative to it.

import { KingletError } from '../errors.js';
import type { KingletOptions, ModelSource } from '../types.js';
import { huggingFace, isRepoFile, parseHf } from './huggingface.js';
import { keyOf, keysOf, partsOf } from './split.js';
import type { Reading } from './open.js';
import { checkPatience } from './retry.js';
import { STREAM, type Given } from './supply.js';

const STORES: readonly string[] = ['auto', 'opfs', 'indexeddb', 'none'];
const EXPECTED =
  'an address, "hf:owner/name/file.gguf", "desk", a File, a Blob, a stream, a file or directory handle, {url}, {repo, file}, ' +
  '{stream, name}, or a list of them';

type Headers = [string, string][];

/** One file of a model, as it crosses to the worker. */
export type WireSource =
  /** A file behind an absolute address; `key`: what the store knows it by, where that is not the address. */
  | { kind: 'url'; url: string; key?: string | undefined; name?: string | undefined; sha256?: string | undefined; headers?: Headers | undefined; once?: boolean }
  /** A file on this device. */
  | { kind: 'blob'; blob: Blob };

/** Finds the weights of the project's own models. */
export type FindDesk = (name: 'desk' | 'desk-nano') => Promise<string | undefined>;

/** The files of a model, the parts of a split one in their order; streams are added to `given`. */
export async function resolveModel(model: KingletOptions['model'], given: Given, findDesk?: FindDesk): Promise<WireSource[]> {
  const list = (Array.isArray(model) ? model : [model]) as readonly ModelSource[];
  if (list.length === 0) {
    throw invalid('a model', 'an empty list');
  }
  const sources: WireSource[] = [];
  for (const source of list) {
    sources.push(...(await resolve(source, given, findDesk)));
  }
  const [only, ...others] = sources;
  if (only?.kind === 'url' && only.sha256 !== undefined && others.length === 0 && partsOf(only.url).length > 1) {
    throw invalid('a list of all parts, each with its own sha256', 'one sha256 for all parts of a split model');
  }
  const keys = sources.flatMap((source) => (source.kind === 'url' ? [keyOf(source)] : []));
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) {
    throw invalid('an address or a name of its own for each file of a list', `"${twice}" more than once`);
  }
  return sources.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}

async function resolve(source: ModelSource, given: Given, findDesk: FindDesk | undefined): Promise<WireSource[]> {
  if (source === 'desk' || source === 'desk-nano') {
    return [{ kind: 'url', url: await desk(source, findDesk), name: `${source}.gguf` }];
  }
  if (typeof source === 'string' && source.startsWith('hf:')) {
    return [{ kind: 'url', url: huggingFace(parseHf(source)) }];
  }
  if (typeof source === 'string' || source instanceof URL) {
    return [await addressed(absolute(source), {})];
  }
  if (typeof source !== 'object' || source === null) {
    throw invalid(EXPECTED, String(source));
  }
  if (source instanceof Blob) {
    return [{ kind: 'blob', blob: source }];
  }
  if (source instanceof ReadableStream) {
    return [streamed(given, { stream: source })];
  }
  if (isHandle(source)) {
    return (await filesOf(source)).map((blob) => ({ kind: 'blob', blob }));
  }
  if ('stream' in source && source.stream instanceof ReadableStream) {
    return [streamed(given, source)];
  }
  if (isRepoFile(source)) {
    return [await addressed(huggingFace(source), source)];
  }
  if ('url' in source && (typeof source.url === 'string' || source.url instanceof URL)) {
    return [await addressed(absolute(source.url), source)];
  }
  throw invalid(EXPECTED, `an object with ${Object.keys(source).join(', ') || 'nothing'}`);
}

type Said = { name?: string; sha256?: string; headers?: HeadersInit };

async function addressed(url: string, { name, sha256, headers }: Said): Promise<WireSource> {
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw invalid('a name that is not empty', JSON.stringify(name));
  }
  if (/^(blob|data):/.test(url)) {
    return { kind: 'blob', blob: await onDevice(url, sha256) };
  }
  const known = name === undefined ? {} : { name, key: keysOf([url], name)[0] };
  return { kind: 'url', url, ...known, sha256: hash(sha256), headers: plain(headers) };
}

/** What such an address stands for is on this device already: nothing to keep, and the address means nothing tomorrow. */
async function onDevice(url: string, sha256: string | undefined): Promise<Blob> {
  const short = url.length > 60 ? `${url.slice(0, 60)}…` : url;
  if (sha256 !== undefined) {
    throw invalid('no sha256 with a file that is on this device', `one with ${short}`);
  }
  try {
    return await (await fetch(url)).blob();
  } catch (thrown) {
    throw new KingletError('io', `reading ${short} failed: it was revoked, or the page's CSP (connect-src) does not allow it`, { source: short }, { cause: thrown });
  }
}

/** Its file's name, where it has one. */
function nameOf(source: WireSource): string {
  return source.kind === 'url' ? source.url : 'name' in source.blob ? String(source.blob.name) : '';
}

type Stream = { stream: ReadableStream<Uint8Array>; name?: string; length?: number; sha256?: string };

function streamed(given: Given, { stream, name, length, sha256 }: Stream): WireSource {
  const count = given.streams.push({ stream, length });
  const own = name ?? (count === 1 ? 'stream' : `stream ${count}`);
  return { kind: 'url', url: `${STREAM}${count - 1}/${encodeURIComponent(own)}`, name: own, sha256: hash(sha256), once: true };
}

async function desk(name: 'desk' | 'desk-nano', find: FindDesk | undefined): Promise<string> {
  const url = await find?.(name);
  if (url === undefined) {
    const message = `the model "${name}" is in a package of its own, which is not there; install it: npm install kinglet-desk`;
    throw new KingletError('package_missing', message, { package: 'kinglet-desk', install: 'npm install kinglet-desk' });
  }
  return url;
}

function isHandle(source: object): source is FileSystemFileHandle | FileSystemDirectoryHandle {
  return 'kind' in source && (source.kind === 'file' || source.kind === 'directory') && 'isSameEntry' in source;
}

/** The file of a handle; of a directory, all parts of the one model in it. */
async function filesOf(handle: FileSystemFileHandle | FileSystemDirectoryHandle): Promise<File[]> {
  if (handle.kind === 'file') {
    return [await handle.getFile()];
  }
  const names: string[] = [];
  for await (const name of (handle as unknown as { keys(): AsyncIterable<string> }).keys()) {
    names.push(...(name.endsWith('.gguf') ? [name] : []));
  }
  const models = new Set(names.map((name) => name.replace(/-\d{5}(-of-\d{5}\.gguf)$/, '$1')));
  if (models.size !== 1) {
    const got = models.size === 0 ? `no .gguf file in the directory "${handle.name}"` : `several: ${names.sort().join(', ')}`;
    throw invalid('a directory with one model', got);
  }
  return Promise.all(names.map(async (name) => (await handle.getFileHandle(name)).getFile()));
}

function absolute(address: string | URL): string {
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  try {
    return new URL(address, base).href;
  } catch {
    throw invalid('an address', `"${address}"`);
  }
}

function hash(sha256: string | undefined): string | undefined {
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw invalid('64 hexadecimal digits as sha256', `"${sha256}"`);
  }
  return sha256;
}

function plain(headers: HeadersInit | undefined): Headers | undefined {
  return headers === undefined ? undefined : [...new Headers(headers)];
}

/** The error of a model that is not understood. */
function invalid(expected: string, got: string): KingletError {
  const message = `invalid request: model: expected ${expected}, got ${got}`;
  return new KingletError('invalid_request', message, { param: 'model' });
}

/** How the files are read, checked. */
export function readingOf({ store = 'auto', retry, headers }: Pick<KingletOptions, 'store' | 'retry' | 'headers'>): Reading {
  if (!STORES.includes(store)) {
    const message = `invalid request: store: expected ${STORES.map((s) => `"${s}"`).join(', ')}, got ${String(store)}`;
    throw new KingletError('invalid_request', message, { param: 'store' });
  }
  const sent = plain(headers);
  return { store, ...(retry === undefined ? {} : { retry: checkPatience(retry) }), ...(sent === undefined ? {} : { headers: sent }) };
}
