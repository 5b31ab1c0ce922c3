// kinglet and wllama behind one interface, `{ name, load, complete, memory, dispose }`, for www/bench.html and for the bench of the
// CPU backend (benches/cpu).
//
// `load({ model, threads, context, gpu })` resolves when the first request could be made, with what the engine says of itself; `model`
// is an address or a Blob. `complete({ prompt, n, top, signal })` continues `prompt` greedily by `n` tokens, and resolves to
// `{ text, prompt_tokens, completion_tokens, cached_tokens, first_ms, last_ms, chunks, top }`: times on the page's clock
// since the call, `top` (asked for with `top > 0`) one list `[{ token, logprob }]` per generated token, best first.

/** Where the peer lies: a development dependency, which no release has. */
const PEER = '../peers/wllama/';

/** The peer's version, or undefined where it is not served. */
export async function peerVersion() {
  const response = await fetch(new URL(`${PEER}package.json`, import.meta.url)).catch(() => undefined);
  return response?.ok ? (await response.json()).version : undefined;
}

/** The package, as a page uses it: the one at `home`, with `more` options of its own. */
export function kinglet(home = '../pkg/', more = {}) {
  let engine;
  return {
    name: 'kinglet',
    async load({ model, threads, context, gpu = false }) {
      const { createKinglet } = await import(`${home}dist/index.js`);
      engine = await createKinglet({ model, backend: gpu ? 'gpu' : 'cpu', context, cacheType: 'f16', threads, ...more });
      return engine.info;
    },
    count: async (text) => (await engine.tokenize(text)).length,
    memory: async () => {
      const { wasm_memory, gpu_bytes } = await engine.stats();
      return { wasm_memory, gpu_bytes };
    },
    stats: () => engine.stats(),
    dispose: async () => engine?.dispose(),
    async complete({ prompt, n, top = 0, signal }) {
      const clock = stopwatch();
      const request = { prompt, max_tokens: n, temperature: 0, stream: true, stream_options: { include_usage: true } };
      if (top > 0) request.logprobs = top;
      let [text, usage, lists] = ['', undefined, []];
      for await (const chunk of await engine.completions.create(request, signal ? { signal } : undefined)) {
        usage = chunk.usage ?? usage;
        const [choice] = chunk.choices;
        if (choice === undefined) continue;
        clock.lap();
        text += choice.text;
        const best = (map) => Object.entries(map).map(([token, logprob]) => ({ token, logprob })).sort((a, b) => b.logprob - a.logprob);
        lists = lists.concat((choice.logprobs?.top_logprobs ?? []).map(best));
      }
      return { text, ...counts(usage), ...clock.read(), top: lists };
    },
  };
}

/** llama.cpp in Wasm; one slot and no reuse of earlier prompts, as kinglet runs. */
export function wllama() {
  let engine;
  return {
    name: 'wllama',
    async load({ model, threads, context, gpu = false }) {
      const { Wllama, LoggerWithoutDebug } = await import(`${PEER}esm/index.js`);
      const logger = { ...LoggerWithoutDebug, log() {}, warn() {} }; // its errors are said
      engine = new Wllama({ default: new URL(`${PEER}esm/wasm/wllama.wasm`, import.meta.url).href }, { logger });
      const file = model instanceof Blob ? model : await (await fetch(model)).blob();
      const options = { n_ctx: context, n_parallel: 1, log_level: 4, ...(threads === 'auto' ? {} : { n_threads: threads }), ...(gpu ? {} : { n_gpu_layers: 0 }) };
      await engine.loadModel([file], { ...options, cache_type_k: 'f16', cache_type_v: 'f16' });
      const { n_batch, n_ubatch, n_ctx } = engine.getLoadedContextInfo();
      const used = engine.isMultithread() ? engine.getNumThreads() : 1;
      return { llama_cpp: Wllama.getLibllamaVersion(), threads: used, n_batch, n_ubatch, n_ctx };
    },
    memory: async () => undefined, // it does not say
    dispose: async () => engine?.exit(),
    async complete({ prompt, n, top = 0, signal }) {
      const clock = stopwatch();
      const request = { prompt, max_tokens: n, temperature: 0, top_k: 1, cache_prompt: false, ...(signal ? { abortSignal: signal } : {}) };
      if (top > 0) {
        const answer = await engine.createCompletion({ ...request, n_probs: top });
        const lists = (answer.choices[0].logprobs?.content ?? []).map((token) => token.top_logprobs.map(plain));
        return { text: answer.choices[0].text, ...counts(answer.usage), ...clock.read(), top: lists };
      }
      let [text, usage] = ['', undefined];
      const onData = (chunk) => {
        const [choice] = chunk.choices;
        if (choice?.finish_reason === null) clock.lap();
        text += choice?.text ?? '';
        usage = chunk.usage ?? usage;
      };
      await engine.createCompletion({ ...request, stream: true, stream_options: { include_usage: true }, onData });
      return { text, ...counts(usage), ...clock.read(), top: [] };
    },
  };
}

const plain = ({ token, logprob }) => ({ token, logprob });

function counts(usage) {
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = usage ?? {};
  return { prompt_tokens, completion_tokens, cached_tokens: prompt_tokens_details?.cached_tokens ?? 0 };
}

/** When the first and the last chunk came. */
function stopwatch() {
  const begin = performance.now();
  let [first, last, laps] = [NaN, NaN, 0];
  return {
    lap() {
      last = performance.now() - begin;
      if (laps++ === 0) first = last;
    },
    read: () => ({ first_ms: first, last_ms: last, chunks: laps }),
  };
}
