// One shard of a team that only exchanges, as a worker thread of Node: the same seeded exchanges on every rank, every
// value checked. Says {done} or {error, wrong, ms}.
import { parentPort, workerData } from 'node:worker_threads';
import { SharedExchange } from '../../../pkg/dist/exchange.js';
import { MessageExchange } from '../../../pkg/dist/messages.js';

const { rank, ranks, memory, ports, rounds, seed, spoil, die, patience } = workerData;

/** The same numbers in [0, 1) on every rank. */
let state = seed;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
/** What `rank` puts at `index` in exchange `round`; exact in an f32. */
const value = (rank, round, index) => ((round * 31 + rank * 7 + index) % 1_000_003) + rank / 8;

function exchange() {
  const limit = patience === undefined ? undefined : () => patience;
  if (memory) {
    return new SharedExchange(memory, rank, ranks, limit);
  }
  const sends = ports.map((port) => port && ((message, transfer) => port.postMessage(message, transfer)));
  const messages = new MessageExchange(rank, ranks, sends, limit);
  ports.forEach((port) => port?.on('message', (message) => messages.receive(message)));
  return messages;
}

const ours = exchange();
if (spoil) {
  ours.arrived = () => undefined; // a barrier that holds nobody back
}

async function run() {
  let wrong = 0;
  for (let round = 0; round < rounds; round++) {
    // Mostly the sizes of a step, now and then nothing at all for somebody, or more than fits into one round.
    const most = random() < 0.02 ? 70_000 : 3000;
    const bounds = new Uint32Array(ranks + 1);
    for (let r = 0; r < ranks; r++) {
      bounds[r + 1] = bounds[r] + (random() < 0.1 ? 0 : Math.floor(random() * most));
    }
    const toLeader = random() < 0.2;
    const all = new Float32Array(bounds[ranks]).fill(-1);
    for (let i = bounds[rank]; i < bounds[rank + 1]; i++) {
      all[i] = value(rank, round, i);
    }
    if (die?.at === round) {
      if (die.how === 'exit') process.exit(0);
      ours.fail('out of memory');
      return { done: true };
    }
    const pending = ours.start(all, bounds, toLeader);
    if (pending !== undefined) {
      await pending;
      ours.finish(all, bounds);
    }
    for (let r = 0; r < ranks && (!toLeader || rank === 0); r++) {
      for (let i = bounds[r]; i < bounds[r + 1]; i++) {
        wrong += all[i] === value(r, round, i) ? 0 : 1;
      }
    }
  }
  return { done: true, wrong };
}

const began = performance.now();
run()
  .catch((error) => ({ error: error.message, code: error.code, ms: performance.now() - began }))
  .then((said) => {
    parentPort.postMessage(said);
    ports?.forEach((port) => port?.unref());
  });
