// What this page can do here, for the app to know before it loads anything.

/** A module with one SIMD instruction in it. */
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

export async function capabilities(bytes) {
  return {
    bytes,
    gpu: Boolean(await navigator.gpu?.requestAdapter?.().catch(() => null)),
    simd: WebAssembly.validate(SIMD),
    store: await store(),
    isolated: globalThis.crossOriginIsolated === true,
  };
}

/** Where a model would be kept. A browser may have the names of these things and refuse the things. */
async function store() {
  if (await navigator.storage?.getDirectory?.().catch(() => undefined)) return 'opfs';
  return new Promise((resolve) => {
    try {
      const asked = indexedDB.open('kinglet-embed-probe');
      asked.onerror = () => resolve('none');
      asked.onsuccess = () => {
        asked.result.close();
        indexedDB.deleteDatabase('kinglet-embed-probe');
        resolve('indexeddb');
      };
    } catch {
      resolve('none');
    }
  });
}
