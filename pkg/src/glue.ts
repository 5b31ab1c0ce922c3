// The Wasm modules where `import()` exists: of the engine's two builds only the chosen one is downloaded, and that for
// grammars when one is asked for.

import type { Browser } from './module.js';

/** Everywhere but in a service worker. */
export const LAZY: Browser = {
  validate: (bytes) => WebAssembly.validate(bytes),
  // Bundlers follow an `import()` only when its address is written out.
  glue: {
    relaxed: () => import('../wasm/kinglet_relaxed.js'),
    baseline: () => import('../wasm/kinglet.js'),
  },
  grammar: () => import('../wasm/kinglet_grammar.js'),
};
