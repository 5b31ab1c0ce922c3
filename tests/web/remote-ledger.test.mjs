// The remote client, the ledger and a server that does what good ones will not do, together: what the ledger says was spent is what
// the server would bill, to the micro-unit, wherever that was counted; and never less where nobody counted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openLedger } from '../../pkg/dist/ledger/index.js';
import { checkEndpoints, RemoteModel } from '../../pkg/dist/remote/index.js';
import { notBuilt } from './support/browser.mjs';
import { seeded, startLlmFaults } from './support/faults-llm.mjs';

const skip = notBuilt() ?? false;
const SOAK = process.env.KINGLET_SOAK !== undefined;
const PRICE = { inputPerMillion: 2_500_003, outputPerMillion: 10_000_007, cachedPerMillion: 250_001, perRequest: 11, currency: 'USD', asOf: '2026-11-22' };
const PAYLOAD = { messages: [{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'Where is my parcel 48213?' }], max_tokens: 50 };
/** Of `PAYLOAD`, as the app would count them, a little more than the server does. */
const INPUT = 20;
/** A request must have arrived before it is given up: else the server knows of none. */
const FAST = { connectMs: 1000, firstTokenMs: 200, idleMs: 200 };

/** What happens to requests. Those that wait for nothing keep the long times. */
const ORDERS = {
  plain: ['ok', 'json', 'n=40,split=3', 'cached=5', 'cached=5,json', 'think=7', 'usage=beside', 'usage=early', 'usage=each', 'usage=twice', 'usage=null', 'nodone', 'cutend', 'duplicate', 'tools', 'length', 'filter', 'filter=0', 'gzip', 'comments'],
  uncounted: ['usage=no', 'usage=zero', 'usage=bad', 'usage=start', 'json,usage=no', 'cut=3', 'stop=2', 'error=2', 'nofinish', 'garbage', 'usage=each,cut=2', 'html', 'jsonerror', 'close', 'redirect=307'],
  refused: ['status=400', 'status=401', 'status=404', 'overflow', 'filter=400', 'status=422', 'status=429,after=99', 'status=503', 'status=529'],
  again: ['status=503;ok', 'status=429;status=500;ok', 'error=0;ok', 'close;n=9', 'stop=0;stop=0;usage=no', 'status=502;cut=1'],
  waiting: ['head=stall;ok', 'stall=0;ok', 'stall=2', 'nodone,linger'],
};

let server;
before(async () => {
  server = await startLlmFaults();
});
after(() => server.close());

/** Divided once, rounded up, without the ledger's code. */
function bill({ input, output, cached, status }) {
  if (input === 0 && output === 0 && status !== 200) return 0;
  const millionths = BigInt(input - cached) * 2_500_003n + BigInt(cached) * 250_001n + BigInt(output) * 10_000_007n;
  return Number((millionths + 999_999n) / 1_000_000n) + 11;
}

/** Asks; each attempt is reserved and settled. */
async function ask(ledger, id, endpoint, signal, onPart) {
  const model = new RemoteModel(checkEndpoints([{ name: 'strong', price: PRICE, model: 'large', ...endpoint }])[0], { random: () => 0 });
  let attempt = 0;
  const account = {
    begin: () => ledger.reserve({ id, attempt: ++attempt, remote: 'strong', price: PRICE, input: INPUT, output: PAYLOAD.max_tokens }),
    end: (spent) => ledger.settle(id, attempt, { spent, provider: model.provider }),
  };
  try {
    for await (const part of model.ask(PAYLOAD, { id, account, signal })) await onPart?.(part);
  } catch (error) {
    assert.ok(['remote_failed', 'rate_limited', 'aborted'].includes(error.code), error.stack);
  }
}

/** Holds rows against the server's truth, request by request. Returns how many were reported. */
function compare(rows, truth, what) {
  assert.equal(rows.length, truth.length, `${what}: a row for each request`);
  return rows.filter((row, i) => {
    const owed = bill(truth[i]);
    if (row.tokens === 'reported' && row.cost > 0) {
      assert.deepEqual([row.cost, row.input_tokens, row.output_tokens], [owed, truth[i].input, truth[i].output], `${what}, request ${i}`);
      return true;
    }
    assert.ok(row.cost >= owed, `${what}, request ${i}: ${row.cost} for ${owed}`);
    assert.ok(row.cost === 0 ? owed === 0 : row.cost === row.reserved, what);
    return false;
  }).length;
}

test('every fault, over both protocols: the ledger is the server’s truth, or more where nobody counted', { skip, timeout: 300_000 }, async () => {
  const ledger = await openLedger({ store: 'memory' });
  let reported = 0;
  for (const api of ['openai', 'anthropic']) {
    for (const [kind, orders] of Object.entries(ORDERS)) {
      for (const order of orders) {
        server.reset();
        const id = `${api} ${order}`;
        await ask(ledger, id, { api, baseURL: server.base(order), ...(kind === 'waiting' ? { timeouts: FAST, retries: 1 } : {}) });
        const rows = (await ledger.rows()).filter((row) => row.id === id);
        const counted = compare(rows, server.truth, id);
        if (kind === 'plain') assert.equal(counted, 1, `${id}: counted`);
        if (kind === 'uncounted') assert.ok(counted === 0 && rows.every(({ cost }) => cost > 0), `${id}: not counted, and not free`);
        if (kind === 'refused') assert.ok(rows.every(({ cost }) => cost === 0), `${id}: free`);
        reported += counted;
      }
    }
  }
  assert.ok(reported >= 45, `${reported} reported`);
  const { spent } = await ledger.summary();
  assert.ok(spent.reported > 0 && spent.estimated > 0);
});

test('many at once, faults and aborts drawn at random: no attempt is forgotten, none is counted twice', { skip, timeout: 600_000 }, async () => {
  const random = seeded(23);
  const all = Object.entries(ORDERS).flatMap(([kind, orders]) => (kind === 'waiting' ? [] : orders));
  const ledger = await openLedger({ store: 'memory', most: 50_000 });
  server.reset();
  const count = SOAK ? 3000 : 150;
  const one = async (n) => {
    // Each has a path of its own, so that its requests are told apart.
    const order = `${all[Math.floor(random() * all.length)]}`.split(';').map((text) => `${text},tag=${n}`).join(';');
    const controller = new AbortController();
    const last = random() < 0.3 ? Math.floor(random() * 4) : Infinity;
    let parts = 0;
    await ask(ledger, `${n}`, { api: random() < 0.5 ? 'openai' : 'anthropic', baseURL: server.base(order) }, controller.signal, () => ++parts > last && controller.abort());
  };
  for (let n = 0; n < count; n += 10) await Promise.all(Array.from({ length: 10 }, (_, i) => one(n + i)));
  await new Promise((resolve) => setTimeout(resolve, 200)); // the server hears of the last aborts
  const rows = await ledger.rows();
  const byTag = new Map();
  for (const row of server.truth) {
    const tag = /tag=(\d+)/.exec(row.order)[1];
    byTag.set(tag, [...(byTag.get(tag) ?? []), row]);
  }
  let reported = 0;
  for (const [tag, truth] of byTag) reported += compare(rows.filter(({ id }) => id === tag), truth, `request ${tag}: ${truth[0].order}`);
  assert.equal(rows.length, server.truth.length);
  assert.ok(reported > count / 5 && reported < count, `${reported} of ${count}`);
  const owed = server.truth.reduce((sum, row) => sum + bill(row), 0);
  assert.ok(rows.reduce((sum, { cost }) => sum + cost, 0) >= owed);
});
