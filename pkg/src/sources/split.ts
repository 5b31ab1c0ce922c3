// What files go by, and models in several of them: `m-00001-of-00003.gguf` and so on.

import type { WireSource } from './resolve.js';
import { STREAM } from './supply.js';

/** The naming scheme has five digits, the files' own count sixteen bits. */
const MAX_PARTS = 0xffff;

/** The store's keys for files with names of their own begin with this; those are no addresses. */
const NAMED = 'name:';

/** What the store knows the files by: their addresses, or the caller's name for the model. */
export function keysOf(addresses: readonly string[], name: string | undefined): string[] {
  return addresses.map((address, i) => (name === undefined ? address : NAMED + partName(name, i, addresses.length)));
}

/** What the store knows a file by. */
export function keyOf({ url, key = url, once = false, name = fileName(url) }: Exclude<WireSource, { kind: 'blob' }>): string {
  return once ? `${STREAM}${name}` : key;
}

/** The last part of an address's path. */
export function fileName(url: string): string {
  return /([^/?#]+)(?:[?#].*)?$/.exec(url)?.[1] ?? url;
}

/** The name of a model's part. */
export function partName(name: string, i: number, count: number): string {
  return count === 1 ? name : `${name} (${i + 1} of ${count})`;
}

/** Which part, from 0, of the model `whole` goes by the name `name`; -1: none. */
export function partAt(name: string, whole: string): number {
  const [, no] = (name.startsWith(whole) && /^ \((\d+) of \d+\)$/.exec(name.slice(whole.length))) || [];
  return Number(no ?? 0) - 1;
}

/** `…/m-00001-of-00002.gguf?x` becomes the addresses (or names) of both parts; any other stays alone. */
export function partsOf(address: string): string[] {
  const query = address.search(/[?#]/);
  const path = query < 0 ? address : address.slice(0, query);
  const [, stem, digits] = /^(.*)-00001-of-(\d{5})\.gguf$/s.exec(path) ?? [];
  const count = Number(digits);
  if (stem === undefined || digits === undefined || count < 1 || count > MAX_PARTS) {
    return [address];
  }
  const rest = address.slice(path.length);
  const number = (no: number) => String(no).padStart(5, '0');
  return Array.from({ length: count }, (_, i) => `${stem}-${number(i + 1)}-of-${digits}.gguf${rest}`);
}
