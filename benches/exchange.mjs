// node benches/exchange.mjs [RUNS]: what an all-gather between workers costs in headless Chromium, by shared memory and by
// messages, with work between the exchanges as a decode step has it. Needs pkg/dist (cargo xtask pkg). One JSON line per
// case: microseconds in the exchange, as the leader sees them; the median over RUNS of each run's mean and quantiles.
import { launch } from '../tests/web/support/browser.mjs';
import { startServer } from '../tests/web/support/server.mjs';

const runs = Number(process.argv[2] ?? 7);
const ROUNDS = 1000;
/** Iterations of an integer loop: none, about 40 us, about 200 us. */
const WORK = [0, 9_000, 45_000];
const BYTES = [3 * 1024, 12 * 1024, 32 * 1024];

const RANK = `
import { SharedExchange } from '/pkg/dist/exchange.js';
import { MessageExchange } from '/pkg/dist/messages.js';

let sink = 1;
function work(iterations) {
  let x = sink;
  for (let i = 0; i < iterations; i++) x = (x * 1664525 + 1013904223) | 0;
  sink = x;
}

export function join({ mode, rank, ranks, memory, ports }) {
  if (mode === 'shared') return new SharedExchange(memory, rank, ranks);
  const exchange = new MessageExchange(rank, ranks, ports.map((port) => port && ((m, transfer) => port.postMessage(m, transfer))));
  ports.forEach((port) => {
    port?.addEventListener('message', ({ data }) => data.tag === 'part' && exchange.receive(data));
    port?.start?.();
  });
  return exchange;
}

export async function run(exchange, { rank, ranks, bytes, rounds, iterations }) {
  const all = new Float32Array(bytes / 4);
  const bounds = Uint32Array.from({ length: ranks + 1 }, (_, r) => Math.round((all.length * r) / ranks));
  const times = [];
  for (let round = 0; round < rounds; round++) {
    work(iterations);
    const before = performance.now();
    const pending = exchange.start(all, bounds, false);
    if (pending) {
      await pending;
      exchange.finish(all, bounds);
    }
    times.push(performance.now() - before);
  }
  return times;
}

if (self.name === 'follower') {
  self.addEventListener('message', async function begin({ data }) {
    if (data.tag !== 'join') return;
    const ports = data.ports.map((port, rank) => (rank === 0 ? self : port));
    const exchange = join({ ...data, ports });
    self.postMessage({ tag: 'ready' });
    await run(exchange, { ...data, rounds: 200 });
    await run(exchange, data);
  });
}
`;

const LEADER = `
import { join, run } from './rank.js';
self.addEventListener('message', async ({ data: options }) => {
  const { ranks, memory } = options;
  const workers = Array.from({ length: ranks - 1 }, () => new Worker('/bench/rank.js', { type: 'module', name: 'follower' }));
  const ports = Array.from({ length: ranks }, () => Array(ranks).fill(null));
  for (let a = 1; a < ranks; a++) {
    for (let b = a + 1; b < ranks; b++) {
      const { port1, port2 } = new MessageChannel();
      [ports[a][b], ports[b][a]] = [port1, port2];
    }
  }
  const ready = workers.map((worker) => new Promise((resolve) => worker.addEventListener('message', resolve, { once: true })));
  workers.forEach((worker, i) => {
    const mine = ports[i + 1];
    worker.postMessage({ ...options, tag: 'join', rank: i + 1, ports: mine }, mine.filter(Boolean));
  });
  const exchange = join({ ...options, rank: 0, ports: [null, ...workers] });
  await Promise.all(ready);
  await run(exchange, { ...options, rounds: 200 });
  const times = await run(exchange, { ...options, rank: 0 });
  workers.forEach((worker) => worker.terminate());
  self.postMessage(times);
});
`;

/** Runs on the page. Shared memory can be had, and the clock is fine, because the page is isolated. */
function measure(options) {
  const memory = options.mode === 'shared' ? new SharedArrayBuffer(4 * 1024 * 1024) : undefined;
  return new Promise((resolve, reject) => {
    const worker = new Worker('/bench/leader.js', { type: 'module' });
    worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ ...options, memory });
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const us = (ms) => Math.round(ms * 10_000) / 10;

const scripts = new Map([['/bench/rank.js', RANK], ['/bench/leader.js', LEADER]]);
const server = await startServer(new Map(), { isolated: true, scripts });
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(server.origin);
  for (const ranks of [2, 4]) {
    for (const iterations of WORK) {
      for (const bytes of BYTES) {
        const times = { shared: [], messages: [] };
        for (let i = 0; i < runs; i++) {
          for (const mode of Object.keys(times)) {
            times[mode].push(await page.evaluate(measure, { mode, ranks, bytes, iterations, rounds: ROUNDS }));
          }
        }
        for (const [mode, all] of Object.entries(times)) {
          const quantile = (q) => us(median(all.map((run) => run.toSorted((a, b) => a - b)[Math.floor(q * ROUNDS)])));
          const mean = us(median(all.map((run) => run.reduce((a, b) => a + b, 0) / ROUNDS)));
          console.log(JSON.stringify({ ranks, work: iterations, bytes, mode, mean_us: mean, p50_us: quantile(0.5), p90_us: quantile(0.9) }));
        }
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
