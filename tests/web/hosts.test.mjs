// Several clients on one engine, and an engine that outlives its worker, without a browser: the real client and server
// over MessageChannels, with a stand-in for the Wasm engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKinglet, KingletError } from '../../pkg/dist/index.js';
import { Queue } from '../../pkg/dist/queue.js';
import { Host } from '../../pkg/dist/serve.js';

/** Emits the words of the prompt, one every `delay` ms; logs what happens to it. */
class StandIn {
  log = [];
  #words;
  constructor(delay = 0) {
    this.delay = delay;
  }
  start(_, { prompt }) {
    assert.equal(this.#words, undefined, 'two requests at once');
    this.#words = prompt.split(' ');
    this.log.push(prompt);
  }
  async prefill() {
    return false;
  }
  async next() {
    await new Promise((resolve) => setTimeout(resolve, this.delay));
    const text = this.#words?.shift();
    if (text === undefined) {
      this.#words = undefined;
      return undefined;
    }
    return { text, finish_reason: this.#words.length === 0 ? 'stop' : null };
  }
  abort() {
    if (this.#words) this.log.push('abort');
    this.#words = undefined;
  }
  info() {
    return { backend: 'cpu', host: 'shared', model: 'stand-in' };
  }
  stats() {
    return { dispatches: 0, submits: 0, wasm_memory: 1, wasm_memory_fresh: 1, requests: 0 };
  }
}

/** A client of `host`; `client` is the host's end. */
async function connect(t, host, options = {}) {
  const { port1, port2 } = new MessageChannel();
  const client = host.connect(port2);
  t.after(() => port1.close());
  const worker = {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: (type, listener) => port1.addEventListener(type, listener),
    start: () => port1.start(),
    terminate: () => port1.close(),
  };
  const kinglet = await createKinglet({ model: 'http://localhost/m.gguf', worker, ...options });
  return { kinglet, client };
}

const ask = ({ kinglet }, prompt) => kinglet.completions.create({ prompt }).then((answer) => answer.choices[0].text);
const rest = (ms = 10) => new Promise((resolve) => setTimeout(resolve, ms));

test('the queue: in order for one client, in turn for several, and a place can be left', async () => {
  const queue = new Queue();
  const order = [];
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const turns = [[a, 1], [a, 2], [a, 3], [b, 1], [b, 2], [c, 1]].map(([client, n]) => ({ client, name: `${client.name}${n}` }));
  const entered = turns.map((turn) => queue.enter(turn).then(() => order.push(turn.name), (error) => order.push(`${turn.name} ${error.code}`)));
  queue.leave(turns[2]);
  queue.leave({ client: a }); // never entered
  for (let left = 5; left > 0; left--) {
    await rest(0);
    queue.leave(turns.find((turn) => queue.has(turn)));
  }
  await Promise.all(entered);
  assert.deepEqual(order, ['a1', 'a3 aborted', 'b1', 'c1', 'a2', 'b2']);
  const late = { client: c };
  await queue.enter(late);
  assert.ok(queue.has(late), 'an empty queue begins at once');
});

test('two clients load once, use the same names for streams, and both get all of their answers', async (t) => {
  const engine = new StandIn(1);
  let loads = 0;
  const host = new Host(async () => {
    loads += 1;
    await rest();
    return engine;
  });
  const clients = await Promise.all([connect(t, host), connect(t, host), connect(t, host)]);
  assert.equal(loads, 1);
  const prompts = ['a b c', 'd e f', 'g h i'];
  const texts = await Promise.all(clients.map((client, i) => ask(client, prompts[i])));
  assert.deepEqual(texts, ['abc', 'def', 'ghi']);
});

test('a tab with many requests does not hold up another', async (t) => {
  const engine = new StandIn();
  const host = new Host(async () => engine);
  const [many, one] = [await connect(t, host), await connect(t, host)];
  const all = ['m1', 'm2', 'm3', 'm4'].map((prompt) => ask(many, prompt));
  await rest(0);
  await Promise.all([...all, ask(one, 'o1')]);
  assert.ok(engine.log.indexOf('o1') <= 2, engine.log.join());
  assert.deepEqual(engine.log.filter((name) => name !== 'o1'), ['m1', 'm2', 'm3', 'm4']);
});

test('a client that goes away has its requests ended, running and waiting; the others go on', async (t) => {
  const engine = new StandIn(2);
  const host = new Host(async () => engine);
  const [gone, stays] = [await connect(t, host), await connect(t, host)];
  const lost = [ask(gone, 'a b c d e f g h'), ask(gone, 'never')];
  lost.forEach((answer) => answer.catch(() => undefined));
  while (engine.log.length === 0) await rest(1);
  const answer = ask(stays, 'x y');
  gone.client.disconnect();
  assert.equal(host.size, 1);
  assert.equal(await answer, 'xy');
  assert.deepEqual(engine.log, ['a b c d e f g h', 'abort', 'x y']);
  gone.kinglet.dispose();
  await Promise.all(lost.map((answer) => assert.rejects(answer, (error) => error instanceof KingletError)));
});

test('a load that failed may be tried again by another client', async (t) => {
  let tries = 0;
  const host = new Host(async () => {
    tries += 1;
    if (tries === 1) throw new KingletError('http', 'status 503', { status: 503 });
    return new StandIn();
  });
  await assert.rejects(connect(t, host), { code: 'http' });
  assert.equal(await ask(await connect(t, host), 'a b'), 'ab');
});

/** Workers that can be killed: `make` is the option `worker`, `kill` ends the last one as a crash does. */
function mortals(t, engine) {
  let last;
  const made = [];
  const make = () => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    const host = new Host(engine);
    host.connect(port2);
    const fail = [];
    last = (message) => fail.forEach((listener) => listener({ message }));
    made.push(host);
    return {
      postMessage: (message) => port1.postMessage(message),
      addEventListener: (type, listener) => (type === 'error' ? fail.push(listener) : port1.addEventListener(type, listener)),
      start: () => port1.start(),
      terminate: () => port1.close(),
    };
  };
  return { make, made, kill: (message) => last(message) };
}

test('the death of the worker fails what runs; the next request starts another and says so, once', async (t) => {
  const workers = mortals(t, async () => new StandIn(2));
  const notices = [];
  const kinglet = await createKinglet({ model: 'http://localhost/m.gguf', worker: workers.make, onNotice: (notice) => notices.push(notice) });
  const left = await kinglet.completions.create({ prompt: 'never whole', stream: true });
  assert.equal((await left.next()).value.choices[0].text, 'never');
  const waits = kinglet.completions.create({ prompt: 'waits' });
  await rest();
  workers.kill('out of memory');
  await assert.rejects(waits, { code: 'worker_failed' });
  const [a, b] = await Promise.all([kinglet.completions.create({ prompt: 'a b' }), kinglet.completions.create({ prompt: 'c d' })]);
  assert.deepEqual([a, b].map((answer) => answer.choices[0].text), ['ab', 'cd']);
  assert.equal(workers.made.length, 2);
  assert.deepEqual(notices.map(({ code, detail }) => [code, /out of memory/.test(detail.cause)]), [['worker_restarted', true]]);
  // The answer that was cut off does not end as if it were whole, nor does the new worker hear of it.
  await assert.rejects(left.next(), { code: 'worker_failed' });
  kinglet.dispose();
  await assert.rejects(kinglet.completions.create({ prompt: 'x' }), { code: 'not_loaded' });
  assert.equal(workers.made.length, 2);
});

test('restart: false refuses; a load that fails on the way back is told, and tried again', async (t) => {
  const mortal = mortals(t, async () => new StandIn());
  const kinglet = await createKinglet({ model: 'http://localhost/m.gguf', worker: mortal.make, restart: false });
  mortal.kill('crash');
  await assert.rejects(kinglet.completions.create({ prompt: 'x' }), { code: 'worker_failed' });
  assert.equal(mortal.made.length, 1);

  let loads = 0;
  const shaky = mortals(t, async () => {
    loads += 1;
    if (loads === 2) throw new KingletError('http', 'status 503', {});
    return new StandIn();
  });
  const again = await createKinglet({ model: 'http://localhost/m.gguf', worker: shaky.make });
  shaky.kill('crash');
  await assert.rejects(again.completions.create({ prompt: 'x' }), { code: 'http' });
  assert.equal((await again.completions.create({ prompt: 'a b' })).choices[0].text, 'ab');
});

test('a host that is not there, or has no such name, is a typed error', async () => {
  const options = { model: 'http://localhost/m.gguf' };
  await assert.rejects(createKinglet({ ...options, host: 'shared' }), { code: 'unsupported_browser' });
  await assert.rejects(createKinglet(options), { code: 'unsupported_browser' });
  await assert.rejects(createKinglet({ ...options, host: 'cloud' }), (e) => e.code === 'invalid_request' && e.detail.param === 'host');
});
