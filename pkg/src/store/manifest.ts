// What the store knows of one file: where it came from, what each of its chunks hashes to, what of it is there.

import { MARK } from './fast-hash.js';
import { CHUNK } from './window.js';

/**
 * The version that this code writes. Version 1 had no fast hashes and one address for each file; code that wrote version 2 knows
 * only fast hashes without a mark, and takes other records for none.
 */
export const SCHEMA = 3;
/** The record that says which version a store has. */
export const SCHEMA_RECORD = 'schema';
/** More than any file has: 1 TiB. */
const MAX_CHUNKS = 1 << 18;

/** A fast hash, of the kind that is computed now or of an earlier one. */
const FAST = /^[a-z]?[0-9a-f]{16}$/;

/** More beginnings of chunks than a download leaves. */
export const MAX_PARTS = 8;

/** A chunk of which only the beginning is there. */
export interface Part {
  chunk: number;
  bytes: number;
  /** Fast hash of these. */
  fast: string;
}

/** One file of the store. */
export interface Manifest {
  schema: typeof SCHEMA;
  id: string;
  /** Addresses whose content this is. */
  keys: string[];
  /** The file's name, for people. */
  name: string;
  /** Bytes; null as long as the server has not said. */
  length: number | null;
  /** A strong ETag, and Last-Modified, of the answer that the chunks came with. */
  etag: string | null;
  modified: string | null;
  /** SHA-256 and fast hash of each chunk that is there, else empty. The second is computed anew where it is missing or of another kind. */
  sha: string[];
  fast: string[];
  /** Of an incomplete file: what else has come. Records of before have none. */
  parts: Part[];
  /** Every chunk is there, and an expected hash was the right one. */
  complete: boolean;
  /** Of a complete file: the SHA-256 of its chunks' hashes and length. What has the same is the same content. */
  root: string | null;
  /** SHA-256 of the whole file, where it was computed. */
  sha256: string | null;
  /** How far that is computed: chunks, and the state after them. */
  whole: { chunks: number; state: number[] } | null;
  /** Milliseconds since 1970: first written, last opened. */
  created: number;
  used: number;
}

/** A file of which nothing is there yet. */
export function fresh(id: string, key: string, name: string): Manifest {
  const now = Date.now();
  const nothing = { length: null, etag: null, modified: null, root: null, sha256: null, whole: null };
  return { schema: SCHEMA, id, keys: [key], name, ...nothing, sha: [], fast: [], parts: [], complete: false, created: now, used: now };
}

/** Name of a file's record. */
export const recordOf = (id: string) => `file-${id}`;

/** How many chunks a file of this length has. */
export const chunksOf = (length: number) => Math.ceil(length / CHUNK);

/** Bytes of chunk `n` of a file of this length. */
export const sizeOf = (length: number, n: number) => Math.max(0, Math.min(CHUNK, length - n * CHUNK));

/** Bytes that are there. */
export function stored({ sha, length, parts }: Manifest): number {
  const chunks = sha.reduce((sum, hash, n) => sum + (hash ? sizeOf(length ?? Infinity, n) : 0), 0);
  return parts.reduce((sum, { chunk, bytes }) => sum + (sha[chunk] ? 0 : bytes), chunks);
}

/** Reads a record of this version or one before. Undefined: it is none that this code could have written. */
export function parse(text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const { schema } = value;
    return schema === 1 ? upgraded(value) : sound(schema === 2 ? { ...value, schema: SCHEMA } : value);
  } catch {
    return undefined;
  }
}

/** A record of version 1: `{schema, id, url, name, length, etag, modified, sha, complete, created}`. */
function upgraded(old: Record<string, unknown>): Manifest | undefined {
  const { url, id, name, length, etag, modified, sha, complete, created } = old;
  const kept = { id, name, length, etag, modified, sha, complete, created, used: created };
  const fast = Array.isArray(sha) ? sha.map(() => '') : [];
  return sound({ schema: SCHEMA, keys: [url], ...kept, fast, root: null, sha256: null, whole: null });
}

function sound(value: Record<string, unknown>): Manifest | undefined {
  const m = { ...value } as unknown as Manifest;
  const nullable = (x: unknown) => x === null || typeof x === 'string';
  const hashes = (list: unknown, digits: RegExp) => Array.isArray(list) && list.length <= MAX_CHUNKS && list.every((h) => digits.test(h));
  const whole = m.whole === null || (Number.isInteger(m.whole?.chunks) && m.whole.chunks <= m.sha.length && m.whole.state.length === 8);
  const good =
    m.schema === SCHEMA &&
    /^[0-9a-f]{32}$/.test(m.id) &&
    Array.isArray(m.keys) && m.keys.every((key) => typeof key === 'string') &&
    typeof m.name === 'string' &&
    (m.length === null || (Number.isSafeInteger(m.length) && m.length >= 0)) &&
    nullable(m.etag) && nullable(m.modified) && nullable(m.root) && nullable(m.sha256) &&
    hashes(m.sha, /^([0-9a-f]{64})?$/) && hashes(m.fast, /^([a-z]?[0-9a-f]{16})?$/) && m.sha.length === m.fast.length &&
    whole && typeof m.complete === 'boolean' && Number.isFinite(m.created) && Number.isFinite(m.used);
  if (!good || (m.length !== null && m.sha.length > chunksOf(m.length))) {
    return undefined;
  }
  m.fast = m.fast.map((hash) => (hash.startsWith(MARK) ? hash : ''));
  const every = m.length !== null && m.sha.length === chunksOf(m.length) && m.sha.every((hash) => hash !== '');
  m.parts = Array.isArray(m.parts) && !m.complete ? m.parts.filter((part) => isPart(part, m)).slice(0, MAX_PARTS) : [];
  return m.complete && !every ? undefined : m;
}

function isPart(value: unknown, { length }: Manifest): boolean {
  const { chunk, bytes, fast } = (value ?? {}) as Partial<Record<keyof Part, unknown>>;
  const whole = (x: unknown, least: number): x is number => Number.isInteger(x) && (x as number) >= least;
  const fits = whole(chunk, 0) && whole(bytes, 1) && bytes < sizeOf(length ?? Infinity, chunk);
  return fits && typeof fast === 'string' && fast.startsWith(MARK) && FAST.test(fast);
}
