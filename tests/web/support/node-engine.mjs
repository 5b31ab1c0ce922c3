// The real engine in Node, on the processor: the package's own Wasm in this thread.
import { readFileSync } from 'node:fs';
import { createKinglet } from '../../../pkg/dist/index.js';
<<<<<<< HEAD
=======
import { serve } from '../../../pkg/dist/serve.js';
import { loadModel } from '../../../pkg/dist/sources/open.js';
>>>>>>> 116d82c (Downloads go through the store: resumable, checked, and read while they come)

const WASM = new URL('../../../pkg/wasm/kinglet_bg.wasm', import.meta.url);

/** A client of the real engine with the GGUF file at `path`; `close` ends it. */
export async function nodeKinglet(path, options = {}) {
<<<<<<< HEAD
  const { buffer, byteOffset, byteLength } = readFileSync(WASM);
  const kinglet = await createKinglet({
    model: new Blob([readFileSync(path)]),
    wasm: buffer.slice(byteOffset, byteOffset + byteLength),
    backend: 'cpu',
    host: 'here',
    threads: 1,
    ...options,
  });
  return { kinglet, close: () => kinglet.dispose() };
=======
  const glue = await import(new URL('kinglet.js', WASM));
  await glue.default({ module_or_path: readFileSync(new URL('kinglet_bg.wasm', WASM)) });
  const model = new Blob([readFileSync(path)]);
  const load = async ({ sources, options: loading }) => {
    const all = { ...loading, ...options };
    const alone = async () => undefined;
    const engine = await loadModel(sources, { store: 'none' }, (readers) => glue.load([...readers.all], all, () => undefined, alone));
    return {
      start: (kind, body) => engine.start(kind, body),
      prefill: () => engine.prefill(),
      next: () => engine.next(),
      abort: () => engine.abort(),
      info: () => engine.info(),
      stats: () => engine.stats(),
      tokenize: (text, special) => engine.tokenize(text, special),
      detokenize: (ids) => engine.detokenize(ids),
      count: (request) => engine.count(request),
    };
  };
  return connect(undefined, load, model);
>>>>>>> 116d82c (Downloads go through the store: resumable, checked, and read while they come)
}
