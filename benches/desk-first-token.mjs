// node benches/desk-first-token.mjs [ROUNDS]: the default page's model on the processor in Chromium, Firefox and WebKitGTK:
// milliseconds from a request of 64 tokens to its first piece, after warm-up, as a page sees it. Served as `cargo xtask
// start` does it. Prints one JSON line for each browser and writes all to benches/results/desk-first-token.json.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { EXPOSE, LAUNCHERS, ready } from '../tests/web/support/browsers.mjs';
import { DESK, deskServer, firstToken } from '../tests/web/support/desk.mjs';

const TOKENS = 64;
const WARMUP = 10;
const rounds = Number(process.argv[2] ?? 41);
const RESULT = new URL('./results/desk-first-token.json', import.meta.url);

const rounded = (ms) => Number(ms.toFixed(1));
const model = readFileSync(DESK);
const result = {
  command: 'node benches/desk-first-token.mjs',
  date: new Date().toISOString().slice(0, 10),
  machine: `${availableParallelism()} ${process.arch} cores, load ${loadavg()[0].toFixed(1)} before`,
  model: { bytes: model.length, sha256: createHash('sha256').update(model).digest('hex') },
  prompt_tokens: TOKENS,
  warmup: WARMUP,
  rounds,
  browsers: {},
};
for (const [name, { missing, launch }] of Object.entries(LAUNCHERS)) {
  if (missing()) {
    console.log(JSON.stringify({ browser: name, missing: missing() }));
    continue;
  }
  const server = await deskServer({ scripts: new Map([['/expose.js', EXPOSE]]), preset: { url: null } });
  const browser = await launch();
  try {
    await browser.goto(server.origin);
    await browser.evaluate(ready);
    const agent = await browser.evaluate(() => navigator.userAgent);
    const { info, times } = await browser.evaluate(firstToken, { tokens: TOKENS, warmup: WARMUP, rounds });
    times.sort((a, b) => a - b);
    const at = (part) => rounded(times[Math.min(Math.floor(part * rounds), rounds - 1)]);
    const ms = { median: at(0.5), p90: at(0.9), min: at(0), max: at(1) };
    result.browsers[name] = { agent, adapter: info.adapter, isolated: info.isolated, threads: info.threads, first_token_ms: ms };
    console.log(JSON.stringify({ browser: name, ...ms }));
  } finally {
    await browser.close();
    await server.close();
  }
}
writeFileSync(RESULT, `${JSON.stringify(result, null, 1)}\n`);
