// The real engine in Node, on the processor: the package's own Wasm, behind the real server and the real client.
import { readFileSync } from 'node:fs';
import { createKinglet } from '../../../pkg/dist/index.js';
import { serve } from '../../../pkg/dist/serve.js';
import { loadFrom, openSources } from '../../../pkg/dist/sources/open.js';

const WASM = new URL('../../../pkg/wasm/', import.meta.url);

/** Two ends of a connection, each a `Port` of the protocol; `close` ends it. */
export function portPair() {
  const { port1, port2 } = new MessageChannel();
  const port = (end) => {
    end.start();
    return {
      postMessage: (message) => end.postMessage(message),
      addEventListener: (type, listener) => end.addEventListener(type, listener),
      terminate: () => end.close(),
    };
  };
  return { page: port(port1), worker: port(port2), close: () => port1.close() };
}

/** A client of `engine` (a stand-in), or of what `load` gives. */
export async function connect(engine, load = async () => engine, model = 'http://localhost/m.gguf') {
  const { page, worker, close } = portPair();
  serve(worker, load);
  const kinglet = await createKinglet({ model, backend: 'cpu', worker: page });
  return { kinglet, close };
}

/** A client of the real engine with the GGUF file at `path`. */
export async function nodeKinglet(path, options = {}) {
  const glue = await import(new URL('kinglet.js', WASM));
  await glue.default({ module_or_path: readFileSync(new URL('kinglet_bg.wasm', WASM)) });
  const model = new Blob([readFileSync(path)]);
  const load = async ({ sources, options: loading }) => {
    const all = { ...loading, ...options };
    const alone = async () => undefined;
    const readers = await openSources(sources);
    const engine = await loadFrom(readers, (each) => glue.load([...each], all, () => undefined, alone));
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
}
