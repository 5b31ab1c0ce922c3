// The page's service worker: with the network everything comes from there, without it from the files that it has kept.

const query = new URL(location).searchParams;
/** One origin may hold several sites, and each the files of one version. */
const OURS = `kinglet page ${registration.scope} `;
const NAME = `${OURS}${query}`;
/** Of the Wasm modules only the one that the engine has chosen. */
const MODULE = `/${query.get('module') === 'relaxed' ? 'kinglet_relaxed' : 'kinglet'}_bg.wasm`;

/** The site's files, as long as they are those of this version. */
async function list() {
  const { version, files } = await (await fetch('offline.json', { cache: 'no-store' })).json();
  if (version !== query.get('version')) {
    throw new Error('the site has changed since the page was loaded: the next load keeps it');
  }
  return files;
}

async function keep() {
  const wanted = (await list()).filter((file) => !file.endsWith('.wasm') || file.endsWith(MODULE));
  await (await caches.open(NAME)).addAll(wanted.map((file) => new Request(file, { cache: 'no-cache' })));
  try {
    await list(); // a site that was deployed meanwhile has given files of two versions
  } catch (error) {
    await caches.delete(NAME);
    throw error;
  }
}

async function drop() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== NAME).map((name) => caches.delete(name)));
}

async function answer(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(NAME)).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

addEventListener('install', (event) => event.waitUntil(keep().then(() => skipWaiting())));
addEventListener('activate', (event) => event.waitUntil(drop()));
addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && request.url.startsWith(registration.scope) && !request.headers.has('range')) {
    event.respondWith(answer(request));
  }
});
