// The exchanges between shards without a browser: worker threads of Node, both transports, 2 to 4 ranks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { sharedMemory } from '../../pkg/dist/exchange.js';
import { patience } from '../../pkg/dist/patience.js';
import { chooseThreads, MESSAGING_FROM, SHARING_FROM } from '../../pkg/dist/threads.js';

const SCRIPT = new URL('./support/rank.mjs', import.meta.url);

/** Runs a team; what each rank said, null for one that ended without a word. */
async function team(mode, ranks, { rounds = 1000, seed = 1, dying, ...options } = {}) {
  const memory = mode === 'shared' ? sharedMemory(ranks) : undefined;
  const ports = Array.from({ length: ranks }, () => Array(ranks).fill(null));
  for (let a = 0; a < ranks && !memory; a++) {
    for (let b = a + 1; b < ranks; b++) {
      const { port1, port2 } = new MessageChannel();
      [ports[a][b], ports[b][a]] = [port1, port2];
    }
  }
  const workers = ports.map((mine, rank) => {
    const die = dying?.rank === rank ? dying : undefined;
    const workerData = { rank, ranks, memory, ports: memory ? undefined : mine, rounds, seed, die, ...options };
    return new Worker(SCRIPT, { workerData, transferList: memory ? [] : mine.filter(Boolean) });
  });
  const said = workers.map(
    (worker) =>
      new Promise((resolve) => {
        worker.on('message', resolve);
        worker.on('error', (error) => resolve({ error: String(error) }));
        worker.on('exit', () => resolve(null));
      }),
  );
  const leader = await said[0];
  // The others may wait for a dead one for ever: in a browser they end with the leader.
  const others = dying?.how === 'exit' ? [] : await Promise.all(said);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return [leader, ...others.slice(1)];
}

for (const mode of ['shared', 'messages']) {
  for (const ranks of [2, 3, 4]) {
    test(`${mode}: ${ranks} ranks exchange parts of random sizes`, async () => {
      const said = await team(mode, ranks, { rounds: 2000, seed: ranks });
      assert.deepEqual(said, Array(ranks).fill({ done: true, wrong: 0 }));
    });
  }

  test(`${mode}: a rank that fails says so to the others`, async () => {
    const said = await team(mode, 3, { dying: { rank: 2, at: 50, how: 'fail' } });
    for (const { code, error } of said.slice(0, 2)) {
      assert.equal(code, 'worker_failed');
      assert.match(error, /thread 2 failed: out of memory/);
    }
  });

  test(`${mode}: a rank that ends in silence is given up after the leader's patience`, async () => {
    const [leader] = await team(mode, 3, { dying: { rank: 1, at: 50, how: 'exit' }, patience: 1 });
    assert.equal(leader.code, 'worker_failed');
    assert.match(leader.error, /thread 1 failed: it does not answer/);
    assert.ok(leader.ms > 900 && leader.ms < 10_000, `${leader.ms} ms`);
  });
}

test('shared: without the barrier the values are wrong, and that is seen', async () => {
  const said = await team('shared', 2, { rounds: 2000, spoil: true });
  assert.ok(said.some(({ wrong }) => wrong > 0), JSON.stringify(said));
});

test('patience: seconds, and as many times as long as the own share took', () => {
  assert.ok(patience(0) >= 5 && patience(0) <= 15);
  assert.ok(patience(60_000) >= 500, 'a long chunk of a prompt on a slow device');
});

test('threads: a number is taken, auto knows cores, isolation and size', () => {
  const large = MESSAGING_FROM;
  const on = (cores, isolated, nested = true) => ({ cores, isolated, nested });
  const auto = (weights, machine) => chooseThreads('auto', weights, machine).threads;
  assert.deepEqual([1, 2, 3, 4, 6, 8, 16, 64].map((cores) => auto(large, on(cores, true))), [1, 2, 3, 4, 4, 4, 8, 8]);
  assert.deepEqual([SHARING_FROM - 1, SHARING_FROM].map((size) => auto(size, on(2, true))), [1, 2]);
  assert.equal(auto(large - 1, on(8, false)), 1);
  assert.equal(auto(large, on(16, false)), 4);
  assert.deepEqual(chooseThreads(3, 1, on(1, false)), { threads: 3 });
  assert.match(chooseThreads(3, 1, on(8, true, false)).why, /cannot start a worker/);
  assert.match(chooseThreads('auto', 1, on(8, false)).why, /not cross-origin isolated/);
  assert.deepEqual(chooseThreads('auto', 1, on(1, false)), { threads: 1 });
});
