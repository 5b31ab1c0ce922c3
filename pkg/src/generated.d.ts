// Stands in for wasm-bindgen's output where it has not been generated; `worker.ts` states the types it relies on.
declare module '*/wasm/kinglet.js';
declare module '*/wasm/kinglet_relaxed.js';
declare module '*/wasm/kinglet_grammar.js';
declare module '*/wasm/kinglet_route.js';
declare module '*/wasm/kinglet_calibrate.js';
// The weights' package, which is optional: what of it desk.ts uses.
declare module 'kinglet-desk' {
  export const desk: URL;
  export const nano: URL;
}
