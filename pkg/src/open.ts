// Opens the engine: the one place for it, whatever the engine runs in. What differs between those places is a `Place`.

import { adapterNames } from './adapter.js';
import { toWire } from './errors.js';
import { Grammars } from './grammar.js';
import { chooseModule, type Browser, type Recruit } from './module.js';
import { Recruiter } from './recruit.js';
import { RequestCount } from './requests.js';
import type { LoadOptions } from './protocol.js';
import type { Loader } from './serve.js';
import { filesOf, finish, loadModel } from './sources/open.js';
import type { Readers } from './sources/reader.js';
import type { Hire } from './team.js';
import { Trials } from './truth.js';
import type { HostName, Info, Phase } from './types.js';

/** What an engine finds where it runs. */
export interface Place {
  host: HostName;
  /** How the Wasm builds are had. */
  browser: Browser;
  /** How workers for more threads are started, where they can be. */
  hire?: Hire | undefined;
  /** `refused`: models come from what is on the device. */
  downloads?: 'allowed' | 'refused';
}

/** What the build's own self-test compares. */
const SIMD = 'sums of products by SIMD';

/** How to load a model there. */
export function opener({ host, browser, hire, downloads }: Place): Loader {
  return async ({ sources: model, draft, reading, options: asked, wasm, module }, progress, notice, signal) => {
    // One store session for all files, those of a draft model last.
    const sources = draft === undefined ? model : [...filesOf(model), ...filesOf(draft)];
    const options: LoadOptions = draft === undefined ? asked : { ...asked, speculation: { draft: filesOf(draft).length } };
    const requests = new RequestCount();
    const chosen = await chooseModule({ wasm, kind: module }, browser);
    const { glue, kind, memory } = chosen;
    const recruiter = new Recruiter(chosen, hire);
    // What the engine would have done at its end.
    signal.addEventListener('abort', () => toWire(signal.reason).code === 'worker_failed' && recruiter.dispose(), { once: true });
    const fresh = memory.buffer.byteLength;
    progress({ phase: 'download', loaded: 0, total: 0 });
    const report = (phase: Phase, loaded: number, total: number) => progress({ phase, loaded, total });
    const recruit: Recruit = (threads, bytes) => recruiter.recruit(threads, bytes);
    let files: Readers | undefined;
    /** What is known of the GPU that there is now. */
    async function known() {
      const { name: adapter, key } = options.backend === 'cpu' ? { name: '', key: '' } : await adapterNames();
      const trials = new Trials(key, glue.version());
      const wanted = options.tuning ?? 'auto';
      const [tested, measured] = key === '' ? [[]] : await Promise.all([trials.passed(), wanted === 'auto' ? trials.tuning() : undefined]);
      return { adapter, key, trials, tested, tuning: measured ?? wanted };
    }
    let gpu = await known();
    const load = (readers: Readers) => {
      files = readers;
      return glue.load([...readers.all], { ...options, tested: gpu.tested, tuning: gpu.tuning }, report, recruit);
    };
    const engine = await loadModel(sources, { ...reading, downloads, signal }, load, { progress, notice });
    /** Remembers what the GPU has passed, unless it has become another one meanwhile. */
    async function learn() {
      const { tried, tuned } = engine.tried();
      const measured = tuned?.source === 'measured' ? tuned.tuning : undefined;
      if ((tried.length > 0 || measured) && (await adapterNames()).key === gpu.key) {
        await gpu.trials.add(tried);
        await (measured && gpu.trials.tune(measured));
      }
    }
    await learn();
    const describe = (): Info => {
      const info = { ...engine.info(), host, module: kind, ...recruiter.info };
      return info.backend === 'gpu' && gpu.adapter !== '' ? { ...info, adapter: gpu.adapter } : info;
    };
    let info = describe();
    let aborts = 0;
    const grammars = new Grammars(browser.grammar, wasm?.grammar, () => engine.vocabulary());
    requests.begin();
    return {
      start: async (kind, request) => {
        const grammar = engine.grammar(kind, request);
        const next = grammar === undefined ? undefined : await grammars.compile(grammar);
        engine.abort();
        grammars.use(next);
        engine.start(kind, request, next);
      },
      prefill: () => engine.prefill(),
      next: () => engine.next(),
      abort: () => {
        aborts += 1;
        engine.abort();
      },
      restore: async () => {
        const before = aborts;
        try {
          files?.begin();
          const found = await known(); // it may be another one: a laptop that was undocked
          if (aborts > before) {
            return; // nobody waits for it any more; the next request will find that the device is lost
          }
          await engine.restore?.(found.tested, found.tuning);
          if (aborts > before) {
            return; // the old engine is still there
          }
          gpu = found;
          await (files && finish(files, sources));
          await learn();
        } catch (thrown) {
          throw files?.failure ?? thrown;
        } finally {
          await files?.close();
        }
        info = describe();
      },
      test: async () => {
        const tested = await engine.test?.();
        if (tested === undefined || tested.wrong !== undefined) {
          return tested;
        }
        return glue.self_test() ? { ...tested, tried: [...tested.tried, SIMD] } : { ...tested, tried: [], wrong: { op: SIMD, expected: 'the sums of plain integer arithmetic', got: 'others' } };
      },
      notices: () => engine.notices?.() ?? [],
      info: () => info,
      stats: () => ({
        ...engine.stats(),
        wasm_memory: memory.buffer.byteLength + recruiter.memory('now'),
        wasm_memory_fresh: fresh + recruiter.memory('fresh'),
        requests: requests.now + recruiter.requests,
      }),
      tokenize: (text, special) => engine.tokenize(text, special),
      detokenize: (ids) => engine.detokenize(ids),
      count: (request) => engine.count(request),
      context: () => engine.context(),
      free: async () => {
        try {
          engine.free?.();
        } finally {
          await grammars.free();
        }
      },
    };
  };
}
