// The parts of split files, by their names: `…-00001-of-00003.gguf`.

const PART = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/i;

/** `{base, part, of}` of a part's name; undefined for a file of one piece. */
export function partOf(name) {
  const [, base, part, of, extension] = PART.exec(name) ?? [];
  return base === undefined ? undefined : { base: `${base}${extension}`, part: Number(part), of: Number(of) };
}

/** Files in the order of their parts. */
export function parts(files) {
  return [...files].sort((a, b) => (partOf(a.name)?.part ?? 0) - (partOf(b.name)?.part ?? 0));
}
