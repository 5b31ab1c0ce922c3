// The real engine in Node, on the processor: the package's own Wasm in this thread.
import { readFileSync } from 'node:fs';
import { createKinglet } from '../../../pkg/dist/index.js';

/** A module of the package. */
export function wasmBytes(name) {
  const { buffer, byteOffset, byteLength } = readFileSync(new URL(`../../../pkg/wasm/${name}_bg.wasm`, import.meta.url));
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** A client of the real engine with a GGUF file, its path or its bytes; `close` ends it. */
export async function nodeKinglet(file, options = {}) {
  const kinglet = await createKinglet({
    model: new Blob([typeof file === 'string' ? readFileSync(file) : file]),
    wasm: { baseline: wasmBytes('kinglet'), grammar: wasmBytes('kinglet_grammar') },
    backend: 'cpu',
    host: 'here',
    threads: 1,
    ...options,
  });
  return { kinglet, close: () => kinglet.dispose() };
}
