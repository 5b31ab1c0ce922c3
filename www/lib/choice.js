// What a model is called, and where it comes from.

import { parts, partOf } from './split.js';

/**
 * A choice: `{id, name, source}`. `source` is what `createKinglet` takes as `model`; `id` is what the choice is kept and found by: an
 * address, or `file:` and the name for files of this device, which cannot be found again.
 *
 * @throws TypeError where the text is no address.
 */
export function choiceOf(text) {
  const address = text.trim();
  if (address.startsWith('hf:')) return { id: address, name: nameIn(address), source: address };
  const { href, pathname, protocol } = new URL(address, document.baseURI);
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`no address of a file: ${protocol}`);
  return { id: href, name: nameIn(pathname), source: href };
}

/** The choice of files that the user has picked or dropped: one file, or all parts of one. */
export function choiceOfFiles(files) {
  const ordered = parts(files);
  const { name } = ordered[0];
  return { id: `file:${name}`, name: partOf(name)?.base ?? name, source: ordered.length === 1 ? ordered[0] : ordered };
}

/** The choice of an entry of the catalogue; what its bytes must be comes with it, where that is known. */
export function choiceOfEntry({ name, repo, file, revision, url, sha256 }) {
  const { id } = choiceOf(url ?? `hf:${repo}${revision ? `@${encodeURIComponent(revision)}` : ''}/${file}`);
  const where = url ? { url: id } : { repo, file, ...(revision ? { revision } : {}) };
  return { id, name, source: sha256 ? { ...where, sha256 } : url ? id : where };
}

function nameIn(path) {
  const last = path.split('/').filter(Boolean).at(-1) ?? path;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** The address of a choice: `hf:owner/name/file` as the package makes it. */
export function addressOf(id) {
  const [, repo, revision, file] = /^hf:([^/@]+\/[^/@]+)(?:@([^/]+))?\/(.+)$/.exec(id) ?? [];
  if (repo === undefined) return id;
  const path = file.split('/').map(encodeURIComponent).join('/');
  return `https://huggingface.co/${repo}/resolve/${revision ?? 'main'}/${path}`;
}
