// node benches/threads.mjs FILE [RUNS] [TOKENS] [PROMPT_TOKENS]: one GGUF file on the processor in headless Chromium, with 1 and 2
// threads, on an isolated page (shared memory) and on a plain one (messages), in alternation. The text must be the same
// everywhere. One JSON line per case: median tokens/s of decoding, and of reading the prompt.
import { launch, openPage } from '../tests/web/support/browser.mjs';
import { fileModel, startServer } from '../tests/web/support/server.mjs';

const [file, runs = '7', tokens = '32', promptTokens = '128'] = process.argv.slice(2);
const CASES = [
  { isolated: true, threads: 1 },
  { isolated: true, threads: 2 },
  { isolated: false, threads: 1 },
  { isolated: false, threads: 2 },
];

/** Runs on the page: loads once, and says how long a request takes. */
async function load({ threads }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  globalThis.kinglet = await createKinglet({ model: '/models/model.gguf', backend: 'cpu', context: 512, threads });
  return globalThis.kinglet.info;
}

async function ask({ prompt, tokens }) {
  const began = performance.now();
  const times = [];
  let text = '';
  const request = { prompt, max_tokens: tokens, temperature: 0, stream: true };
  for await (const chunk of await globalThis.kinglet.completions.create(request)) {
    times.push(performance.now() - began);
    text += chunk.choices[0].text;
  }
  const last = times.at(-1);
  return { text, first: times[0], rest: last - times[0], pieces: times.length };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const models = new Map([['model.gguf', fileModel(file)]]);
const browser = await launch();
const servers = [];
try {
  for (const one of CASES) {
    const server = await startServer(models, { isolated: one.isolated });
    servers.push(server);
    const { page } = await openPage(browser, server.origin);
    page.setDefaultTimeout(600_000);
    Object.assign(one, { page, decode: [], prefill: [], info: await page.evaluate(load, { threads: one.threads }) });
  }
  let text;
  for (let run = -1; run < Number(runs); run++) {
    // Another first word each time, so that nothing of the prompt is in the cache.
    const prompt = `${'bcdefghijklmn'[run + 1] ?? 'z'} ` + 'a '.repeat(Number(promptTokens) / 2 - 1);
    text = undefined;
    for (const one of CASES) {
      const answer = await one.page.evaluate(ask, { prompt, tokens: Number(tokens) });
      text ??= answer.text;
      if (answer.text !== text) throw new Error(`${JSON.stringify(one.info)} says something else`);
      if (run < 0) continue; // compiled meanwhile
      one.decode.push(((Number(tokens) - 1) / answer.rest) * 1000);
      one.prefill.push((Number(promptTokens) / answer.first) * 1000);
    }
  }
  for (const { isolated, info, decode, prefill } of CASES) {
    const rounded = (values) => Number(median(values).toFixed(1));
    console.log(JSON.stringify({ isolated, threads: info.threads, module: info.module, decode: rounded(decode), prefill: rounded(prefill) }));
  }
} finally {
  await browser.close();
  await Promise.all(servers.map((server) => server.close()));
}
