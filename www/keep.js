// A reload without the network: a service worker keeps the page's own files. The model is kept by the engine's store.

/** Milliseconds that the page waits for it; without it the page works, too, as long as its host is there. */
const PATIENCE = 5000;

/**
 * Keeps the files of this version, with the Wasm module that runs here; resolves when they are kept, and when they cannot be.
 * Only a released site has a list of its files (docs/releasing.md): elsewhere `version` is undefined, and nothing is done.
 */
export async function keepPage(version, module) {
  if (version === undefined || !navigator.serviceWorker) {
    return;
  }
  const address = `sw.js?${new URLSearchParams({ version, module })}`;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  await Promise.race([late, navigator.serviceWorker.register(address).then(settled).catch(() => undefined)]);
}

/** Resolves when a registration's newest worker has begun or given up. */
function settled({ installing, waiting, active }) {
  const worker = installing ?? waiting ?? active;
  return new Promise((resolve) => {
    const look = () => ['activated', 'redundant'].includes(worker.state) && resolve();
    worker.addEventListener('statechange', look);
    look();
  });
}
