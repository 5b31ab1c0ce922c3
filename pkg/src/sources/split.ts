// Models in several files: `m-00001-of-00003.gguf` and so on.

/** The naming scheme has five digits, the files' own count sixteen bits. */
const MAX_PARTS = 0xffff;

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
