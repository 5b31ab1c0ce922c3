// Models in several files: `m-00001-of-00003.gguf` and so on.

/** The naming scheme has five digits, the files' own count sixteen bits. */
const MAX_PARTS = 0xffff;

/** The store's keys for files with names of their own begin with this; those are no addresses. */
const NAMED = 'name:';

/** What the store knows the files by: their addresses, or the caller's name for the model. */
export function keysOf(addresses: readonly string[], name: string | undefined): string[] {
  return addresses.map((address, i) => (name === undefined ? address : NAMED + partName(name, i, addresses.length)));
}

/** The name of a model's part. */
export function partName(name: string, i: number, count: number): string {
  return count === 1 ? name : `${name} (${i + 1} of ${count})`;
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
