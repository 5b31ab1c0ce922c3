// Whether an answer belongs to the same version of a file as the answers before it.

/** What a server says of a version. */
export interface Validators {
  /** A strong ETag. */
  etag: string | null;
  /** `Last-Modified`. */
  modified: string | null;
}

/** The strong ETag and the date of an answer. A weak ETag promises no equal bytes. */
export function validatorsOf(headers: Headers): Validators {
  const etag = headers.get('etag');
  return { etag: etag === null || etag.startsWith('W/') ? null : etag, modified: headers.get('last-modified') };
}

/** Whether answers can be told from those of another version at all. */
export function telling({ etag, modified }: Validators): boolean {
  return etag !== null || modified !== null;
}

/** Whether two answers are known to be of one version. Servers behind one address may differ in what they say. */
export function same(a: Validators, b: Validators): boolean {
  if (a.etag !== null && b.etag !== null) {
    return a.etag === b.etag;
  }
  return a.modified !== null && a.modified === b.modified;
}

/** Whether they differ as those of two servers behind one address do that have the same file, each with an ETag of its own. */
export function otherNode(a: Validators, b: Validators): boolean {
  return a.etag !== null && b.etag !== null && a.etag !== b.etag && a.modified !== null && a.modified === b.modified;
}

/**
 * `If-Range`, so that a server whose file has changed sends the whole of the new one at once. Only to this page's own
 * origin: elsewhere the header would make the browser ask for permission first, which many servers refuse. The answer's
 * own validators are compared in any case.
 */
export function ifRange(url: string, { etag, modified }: Validators): [string, string][] {
  const value = etag ?? modified;
  const own = globalThis.location?.origin;
  return value !== null && own !== undefined && new URL(url).origin === own ? [['if-range', value]] : [];
}
