// An engine's life over the protocol: options, unloading and loading again, how full the context is; embeddings' shapes. No
// browser: the real client and server with a stand-in for the engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKinglet, KingletError } from '../../pkg/dist/index.js';
import { Host, serve } from '../../pkg/dist/serve.js';
import { supplied, supply } from '../../pkg/dist/sources/supply.js';

const is = (code, param) => (e) => e instanceof KingletError && e.code === code && (param === undefined || e.detail.param === param);

/** Two ends of a connection, each a `Port` of the protocol. */
function portPair() {
  const { port1, port2 } = new MessageChannel();
  const port = (end) => ({
    postMessage: (message, transfer) => end.postMessage(message, transfer),
    addEventListener: (type, listener) => end.addEventListener(type, listener),
    start: () => end.start(),
    terminate: () => end.close(),
  });
  return { page: port(port1), worker: port(port2), close: () => port1.close() };
}

/** An engine that answers at once; `vectors` for a request for embeddings. */
function standIn({ vectors = [], log = [] } = {}) {
  let left = [];
  return {
    log,
    start: (kind, request) => {
      log.push([kind, request]);
      left = kind === 'embedding' ? [...vectors] : [{ text: 'x', finish_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }];
    },
    prefill: async () => false,
    next: async () => left.shift(),
    abort: () => (left = []),
    info: () => ({ model: 'stand-in', context: 8, embedding_length: 2 }),
    stats: () => ({}),
    tokenize: () => [1],
    detokenize: () => '',
    count: () => 1,
    context: () => ({ used: 3, total: 8 }),
  };
}

/** A tab of a shared engine: its end of the protocol, and the calls that it makes. */
function tab(host) {
  const { page, worker, close } = portPair();
  const client = host.connect(worker);
  const waiting = new Map();
  page.addEventListener('message', ({ data }) => waiting.get(data.id)?.(data));
  page.start();
  let last = 0;
  const call = (name, args, transfer) => new Promise((resolve) => {
    waiting.set(++last, resolve);
    page.postMessage({ id: last, call: name, args }, transfer);
  });
  return { client, call, close };
}

test('a tab that goes while its page supplies the model fails its load; the next tab loads again', async (t) => {
  const began = [];
  const read = ({ reading: { port } }) => {
    began.push(port);
    t.after(() => port.close());
    return supplied(port)('http://h/', {});
  };
  const host = new Host(async (args) => {
    await read(args);
    return standIn();
  });
  const given = (fetch) => supply({ fetch, streams: [] }).port;
  const [first, second] = [tab(host), tab(host)];
  t.after(() => [first, second].forEach(({ close }) => close()));
  const load = ({ call }, fetch) => {
    const port = given(fetch);
    return call('load', { sources: [], options: {}, reading: { port } }, [port]);
  };
  void load(first, () => new Promise(() => undefined));
  while (began.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const waiting = load(second, async () => new Response('x'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(began.length, 1, 'one load for both');
  first.client.disconnect();
  assert.deepEqual([(await waiting).tag, began.length], ['value', 2]);
  const third = tab(new Host(read));
  t.after(third.close);
  const failed = await load(third, async () => Promise.reject(new Error('no way')));
  assert.equal(failed.tag, 'error', 'what fails while its client is there is not tried again');
});

/** A client whose worker can be started again; `loads` counts how often it was, `ended` how often one was ended. */
async function restartable(options = {}, load) {
  const seen = { loads: 0, ended: 0 };
  const engine = standIn();
  const worker = () => {
    const { page, worker } = portPair();
    serve(worker, async (...args) => {
      seen.loads += 1;
      return load ? load(...args) : engine;
    });
    return {
      ...page,
      terminate: () => {
        seen.ended += 1;
        page.terminate();
      },
    };
  };
  const kinglet = await createKinglet({ model: 'http://localhost/m.gguf', worker, ...options });
  return { kinglet, seen, engine };
}

test('an unknown option, and a wrong one, is named before anything is started', async () => {
  const worker = () => assert.fail('started');
  const model = 'http://localhost/m.gguf';
  const wrong = {
    temperature: 1,
    modle: 'x',
    backend: 'tpu',
    cacheType: 'f8',
    threads: 0,
    exact: 'yes',
    ignoreWindow: 1,
    timestamps: 1,
    autotune: 'never',
    onProgress: 'call me',
    onNotice: {},
    store: 'cloud',
    retry: 3,
    signal: {},
    restart: 'never',
    module: 'fast',
  };
  for (const [name, value] of Object.entries(wrong)) {
    await assert.rejects(createKinglet({ model, worker, [name]: value }), is('invalid_request', name), name);
  }
  for (const options of [undefined, null, 'm.gguf']) await assert.rejects(createKinglet(options), is('invalid_request', 'options'));
  const { kinglet } = await restartable({ backend: undefined, threads: undefined, signal: undefined });
  kinglet.dispose();
});

test('unload ends the worker; the next request, or load, brings it back', async () => {
  const notices = [];
  const { kinglet, seen } = await restartable({ onNotice: (notice) => notices.push(notice) });
  assert.deepEqual(await kinglet.contextUsage(), { used: 3, total: 8 });
  await kinglet.unload();
  assert.deepEqual(seen, { loads: 1, ended: 1 });
  assert.deepEqual(await kinglet.contextUsage(), { used: 0, total: 8 }, 'asking does not load');
  assert.equal(kinglet.info.model, 'stand-in');
  assert.deepEqual(seen, { loads: 1, ended: 1 });
  const answers = await Promise.all([1, 2].map(() => kinglet.completions.create({ prompt: 'a' })));
  assert.deepEqual(answers.map(({ choices }) => choices[0].text), ['x', 'x']);
  assert.deepEqual(seen, { loads: 2, ended: 1 }, 'two requests load once');
  await kinglet.unload();
  await kinglet.unload();
  await kinglet.load();
  await kinglet.load();
  assert.equal(seen.loads, 3);
  assert.deepEqual(await kinglet.tokenize('a'), [1]);
  assert.deepEqual(notices, [], 'nothing has happened that the caller has not asked for');
  kinglet.dispose();
  await assert.rejects(kinglet.load().then(() => kinglet.tokenize('a')), is('not_loaded'));
  assert.equal(seen.loads, 3);
});

test('an engine that crashes is a typed error, and the next request starts another', async () => {
  const crashes = [new WebAssembly.RuntimeError('unreachable'), new RangeError('Maximum call stack size exceeded')];
  for (const call of ['start', 'next', 'count']) {
    for (const crash of crashes) {
      const notices = [];
      const load = () => ({ ...standIn(), ...(seen?.loads > 1 ? {} : { [call]: () => { throw crash; } }) });
      let seen;
      const made = await restartable({ onNotice: ({ code }) => notices.push(code) }, async () => load());
      ({ seen } = made);
      const { kinglet } = made;
      const ask = () => (call === 'count' ? kinglet.countTokens([]) : kinglet.completions.create({ prompt: 'a' }));
      await assert.rejects(ask(), { code: 'worker_failed', message: new RegExp(`the engine crashed.*${crash.message}`) });
      assert.deepEqual(seen, { loads: 1, ended: 1 });
      await ask();
      assert.deepEqual([seen.loads, notices], [2, ['worker_restarted']]);
      kinglet.dispose();
    }
  }
});

test('what is under way when the model is unloaded fails, and only that', async () => {
  const { kinglet, engine } = await restartable();
  let go;
  engine.next = () => new Promise((resolve) => (go = resolve));
  const running = kinglet.completions.create({ prompt: 'a' });
  const failed = assert.rejects(running, is('not_loaded'));
  while (!go) await new Promise((resolve) => setTimeout(resolve, 1));
  await kinglet.unload();
  await failed;
  engine.next = async () => undefined;
  assert.equal((await kinglet.completions.create({ prompt: 'a' })).object, 'text_completion');
  kinglet.dispose();
});

test('loading again can be aborted, and tried again', async () => {
  let hang = false;
  const load = async () => (hang ? new Promise(() => undefined) : standIn());
  const { kinglet, seen } = await restartable({}, load);
  await kinglet.unload();
  hang = true;
  /** Aborts when load `n` has begun. */
  const during = (n) => {
    const control = new AbortController();
    const look = () => (seen.loads === n ? control.abort() : setTimeout(look, 1));
    look();
    return control.signal;
  };
  await assert.rejects(kinglet.load({ signal: during(2) }), is('aborted'));
  const request = kinglet.completions.create({ prompt: 'a' }, { signal: during(3) });
  await assert.rejects(request, is('aborted'), 'a request need not wait for the model');
  const pending = assert.rejects(kinglet.tokenize('a'), is('not_loaded'));
  const { ended } = seen;
  kinglet.dispose();
  await pending;
  assert.deepEqual(seen, { loads: 3, ended: ended + 1 }, 'the worker that was being started is ended, too');
});

test('who stops waiting for a load ends it for nobody else, and for itself leaves nothing behind', async () => {
  const go = [];
  let hang = false;
  const load = () => (hang ? new Promise((resolve) => go.push(() => resolve(standIn()))) : standIn());
  const { kinglet, seen } = await restartable({}, async () => load());
  await kinglet.unload();
  hang = true;
  const control = new AbortController();
  const impatient = assert.rejects(kinglet.load({ signal: control.signal }), is('aborted'));
  const patient = kinglet.completions.create({ prompt: 'a' });
  while (go.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const { ended } = seen;
  control.abort();
  await impatient;
  assert.equal(seen.ended, ended, 'the load goes on');
  go[0]();
  assert.equal((await patient).choices[0].text, 'x');
  await kinglet.unload();
  // When all have left the load ends, and whoever comes begins another.
  const one = new AbortController();
  const other = new AbortController();
  const left = [one, other].map(({ signal }) => assert.rejects(kinglet.load({ signal }), is('aborted')));
  while (go.length === 1) await new Promise((resolve) => setTimeout(resolve, 1));
  const before = seen.ended;
  one.abort();
  assert.equal(seen.ended, before);
  other.abort();
  hang = false;
  const next = kinglet.tokenize('a');
  await Promise.all(left);
  assert.deepEqual(await next, [1]);
  assert.equal(seen.ended, before + 1);
  assert.equal(seen.loads, 4);
  kinglet.dispose();
});

test('a load leaves no listener on its signal, whether it came or failed', async () => {
  let fail = false;
  const { kinglet } = await restartable({}, async () => {
    if (fail) throw { code: 'http', message: 'HTTP status 404', detail: {} };
    return standIn();
  });
  const { signal } = new AbortController();
  let listeners = 0;
  for (const [name, by] of [['addEventListener', 1], ['removeEventListener', -1]]) {
    const real = signal[name].bind(signal);
    signal[name] = (...args) => ((listeners += by), real(...args));
  }
  for (fail of [true, false]) {
    await kinglet.unload();
    const loaded = kinglet.load({ signal });
    await (fail ? assert.rejects(loaded, is('http')) : loaded);
    assert.equal(listeners, 0);
  }
  kinglet.dispose();
});

test('with restart: false what was unloaded still comes back; a Worker that was given does not', async () => {
  const { kinglet, seen } = await restartable({ restart: false });
  await kinglet.unload();
  await kinglet.load();
  assert.equal(seen.loads, 2);
  kinglet.dispose();
  const { page, worker, close } = portPair();
  serve(worker, async () => standIn());
  const given = await createKinglet({ model: 'http://localhost/m.gguf', worker: page });
  await assert.rejects(given.unload(), is('invalid_request', 'worker'));
  assert.deepEqual(await given.tokenize('a'), [1], 'and it goes on');
  close();
});

test('embeddings have OpenAI\'s shape, as numbers and as base64', async () => {
  const usage = { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 };
  const vectors = [{ index: 0, embedding: [0.6, 0.8] }, { index: 1, embedding: [-1, 0], usage }];
  const engine = standIn({ vectors });
  const { kinglet } = await restartable({}, async () => engine);
  const answer = await kinglet.embeddings.create({ input: ['a', 'b'], model: 'x' });
  assert.deepEqual(answer, {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: [0.6, 0.8] }, { object: 'embedding', index: 1, embedding: [-1, 0] }],
    model: 'stand-in',
    usage: { prompt_tokens: 5, total_tokens: 5 },
  });
  assert.deepEqual(engine.log[0], ['embedding', { input: ['a', 'b'], model: 'x' }]);
  const { data } = await kinglet.embeddings.create({ input: ['a', 'b'], encoding_format: 'base64' });
  const floats = new Float32Array(Uint8Array.from(atob(data[0].embedding), (c) => c.charCodeAt(0)).buffer);
  assert.deepEqual([...floats], [0.6, 0.8].map(Math.fround));
  await assert.rejects(kinglet.embeddings.create({ input: 'a', encoding_format: 'int8' }), is('invalid_request', 'encoding_format'));
  await assert.rejects(kinglet.embeddings.create({ input: 'a', signal: AbortSignal.abort() }), is('aborted'));
  kinglet.dispose();
});

test('two models answer at the same time', async () => {
  const [first, second] = await Promise.all([restartable(), restartable()]);
  let go;
  first.engine.next = () => new Promise((resolve) => (go = resolve));
  const waiting = first.kinglet.completions.create({ prompt: 'a' });
  assert.equal((await second.kinglet.completions.create({ prompt: 'b' })).choices[0].text, 'x');
  first.engine.next = async () => undefined;
  go({ text: 'late', finish_reason: 'stop' });
  assert.equal((await waiting).choices[0].text, 'late');
  first.kinglet.dispose();
  second.kinglet.dispose();
});
