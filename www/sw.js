// The page's service worker: the page comes from the files that were kept of one version, with and without the network.
//
// A version is kept whole or not at all: each file is held against the digest that offline.json gives (docs/deploying.md). A newer
// one is kept beside it, and waits until the user accepts it or all tabs of the older one are closed. Models are not kept here: the
// engine's store has them.

const SCOPE = registration.scope;
const LIST = 'offline.json';
const VERSION = new URL(location).searchParams.get('version');
/** One origin may hold several sites, and each of them two versions for a while. */
const OURS = `kinglet page ${SCOPE} `;
const NAME = `${OURS}${VERSION}`;
/** Files that are fetched at once. */
const LANES = 6;

/** The engine has two builds, and runs the relaxed one where a module with such an instruction is valid (pkg/src/module.ts). */
const RELAXED = WebAssembly.validate(
  new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 20, 1, 18, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 147, 2, 26, 11,
  ]),
);
const OTHER = RELAXED ? '/kinglet_bg.wasm' : '/kinglet_relaxed_bg.wasm';

/** A file as it is listed. What the browser has already is not asked for again, unless it is of another version. */
async function fetched(address, digest) {
  for (const cache of ['default', 'reload']) {
    const response = await fetch(address, { cache, priority: 'low', credentials: 'same-origin' });
    const bytes = response.ok ? await response.arrayBuffer() : new ArrayBuffer(0);
    if (response.ok && hex(await crypto.subtle.digest('SHA-256', bytes)) === digest) {
      const headers = new Headers(response.headers);
      ['content-encoding', 'content-length'].forEach((name) => headers.delete(name)); // of the bytes on the wire
      return new Response(bytes, { headers });
    }
  }
  throw new Error(`${address} is not the file of version ${VERSION}`);
}

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Keeps the whole version, or throws and keeps nothing of it. */
async function keep() {
  const list = await (await fetch(LIST, { cache: 'no-store' })).json();
  if (list.version !== VERSION) throw new Error(`the site is of version ${list.version} by now`);
  const cache = await caches.open(NAME);
  if (await cache.match(LIST)) return; // put there last: all of it is there
  const wanted = Object.entries(list.files).filter(([address]) => !address.endsWith(OTHER));
  const lane = async () => {
    for (let next = wanted.pop(); next; next = wanted.pop()) await cache.put(next[0], await fetched(...next));
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
    await cache.put(LIST, Response.json(list));
  } catch (error) {
    wanted.length = 0;
    await caches.delete(NAME);
    throw error;
  }
}

/** Lets go of other versions. Pages that were loaded without any are of this one, and need it as soon as the network is gone. */
async function begin() {
  const others = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== NAME);
  if (others.length === 0) await clients.claim();
  await Promise.all(others.map((name) => caches.delete(name)));
}

async function answer(request, address) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(address);
  if (kept) return kept;
  const digest = (await (await cache.match(LIST))?.json())?.files[address];
  if (!digest) return fetch(request);
  try {
    const file = await fetched(address, digest); // the other build after all
    await cache.put(address, file.clone());
    return file;
  } catch {
    return fetch(request);
  }
}

addEventListener('install', (event) => event.waitUntil(keep()));
addEventListener('activate', (event) => event.waitUntil(begin()));
addEventListener('message', ({ data }) => data === 'accepted' && skipWaiting());
addEventListener('fetch', (event) => {
  const { method, url, headers } = event.request;
  if (method !== 'GET' || !url.startsWith(SCOPE) || headers.has('range')) return;
  const address = url.slice(SCOPE.length).split(/[?#]/)[0].replace(/^(index\.html)?$/, '.');
  if (address === LIST || address.endsWith('.gguf')) return;
  event.respondWith(answer(event.request, decodeURI(address)));
});
