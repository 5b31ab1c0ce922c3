// The two builds where `import()` exists: only the chosen one is downloaded.

import type { Browser } from './module.js';

/** Everywhere but in a service worker. */
export const LAZY: Browser = {
  validate: (bytes) => WebAssembly.validate(bytes),
  // Bundlers follow an `import()` only when its address is written out.
  glue: {
    relaxed: () => import('../wasm/kinglet_relaxed.js'),
    baseline: () => import('../wasm/kinglet.js'),
  },
};
