// The real engine in Node, on the processor: the package's own Wasm in this thread.
import { readFileSync } from 'node:fs';
import { createKinglet } from '../../../pkg/dist/index.js';

const WASM = new URL('../../../pkg/wasm/kinglet_bg.wasm', import.meta.url);

/** A client of the real engine with a GGUF file, its path or its bytes; `close` ends it. */
export async function nodeKinglet(file, options = {}) {
  const { buffer, byteOffset, byteLength } = readFileSync(WASM);
  const kinglet = await createKinglet({
    model: new Blob([typeof file === 'string' ? readFileSync(file) : file]),
    wasm: buffer.slice(byteOffset, byteOffset + byteLength),
    backend: 'cpu',
    host: 'here',
    threads: 1,
    ...options,
  });
  return { kinglet, close: () => kinglet.dispose() };
}
