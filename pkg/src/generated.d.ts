// Stands in for wasm-bindgen's output where it has not been generated; `worker.ts` states the types it relies on.
declare module '*/wasm/kinglet.js';
declare module '*/wasm/kinglet_relaxed.js';
