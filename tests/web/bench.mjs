// node tests/web/bench.mjs FILE BACKEND PROMPT TOKENS [CONTEXT]: loads FILE in headless Chromium, continues PROMPT
// greedily, prints one JSON line. For `cargo xtask bench`, which compares the text before it believes the times.
import { launch, missing, openPage } from './support/browser.mjs';
import { peakMemory } from './support/processes.mjs';
import { fileModel, startServer } from './support/server.mjs';

const [file, backend, prompt, tokens, context] = process.argv.slice(2);

/** Runs on the page. */
async function run({ backend, prompt, tokens, context }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const begin = performance.now();
  const kinglet = await createKinglet({ model: '/models/model.gguf', backend, context, cacheType: 'f32', store: 'none' });
  const load_ms = performance.now() - begin;
  const before = await kinglet.stats();
  const asked = performance.now();
  const times = [];
  let text = '';
  const stream = await kinglet.completions.create({ prompt, max_tokens: tokens, temperature: 0, stream: true });
  for await (const chunk of stream) {
    times.push(performance.now() - asked);
    text += chunk.choices[0]?.text ?? '';
  }
  const after = await kinglet.stats();
  return { info: kinglet.info, load_ms, times, text, before, after };
}

const problem = missing();
if (problem) throw new Error(problem);
const server = await startServer(new Map([['model.gguf', fileModel(file)]]));
const browser = await launch();
try {
  const { page } = await openPage(browser, server.origin);
  const asked = { backend, prompt, tokens: Number(tokens), context: Number(context ?? 512) };
  const { info, load_ms, times, text, before, after } = await page.evaluate(run, asked);
  const decode_ms = times.at(-1) - times[0];
  const line = {
    where: 'browser',
    backend: info.backend,
    adapter: info.adapter,
    text,
    load_ms,
    time_to_first_token_ms: times[0],
    decode_tokens_per_s: times.length > 1 ? ((times.length - 1) / decode_ms) * 1000 : null,
    dispatches: after.dispatches - before.dispatches,
    wasm_memory_bytes: after.wasm_memory,
    peak_memory_bytes: peakMemory(),
  };
  console.log(JSON.stringify(line));
} finally {
  await browser.close();
  await server.close();
}
