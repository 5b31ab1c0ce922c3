// The one file that both engines get, from the same bytes.

/** Beyond this a digest would need more memory at once than a page should take. */
const MOST_HASHED = 600e6;

/** A Blob of an address, with its name; `say(loaded, total)` hears how far it is. */
export async function fetched(url, { say, signal }) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url}: the server answers ${response.status}`);
  const total = Number(response.headers.get('content-length')) || 0;
  const chunks = [];
  let loaded = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    // Blobs of many bytes go to the disk; arrays do not.
    chunks.push(new Blob([value]));
    loaded += value.length;
    say(loaded, total);
  }
  return new File(chunks, decodeURIComponent(new URL(url, document.baseURI).pathname.split('/').at(-1)) || 'model.gguf');
}

/** `{name, bytes, sha256}`; no digest of what is too large for one. */
export async function described(file) {
  if (file.size > MOST_HASHED) return { name: file.name, bytes: file.size, sha256: null };
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return { name: file.name, bytes: file.size, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}
