// Requests that wait for the network: what may be kept, who sends them, and that none is lost or sent twice, whoever dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KingletError } from '../../pkg/dist/errors.js';
import { Queue } from '../../pkg/dist/offline/index.js';
import { Redactor } from '../../pkg/dist/privacy/index.js';
import { LocalLocks } from '../../pkg/dist/store/locks.js';
import { launch, missing, openPage } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
const body = (content) => ({ messages: [{ role: 'user', content }], max_tokens: 10 });
const item = (id, more = {}) => ({ id, remote: 'big', payload: body(`hello ${id}`), facts: { task: 't' }, ...more });
const open = (more = {}) => Queue.open({ store: 'memory', ...more });
const refused = (work, param) => assert.rejects(work, (e) => e instanceof KingletError && e.code === 'invalid_request' && e.detail.param === param, param);
const NOTHING = { sent: [], later: [], dropped: [], cancelled: [], expired: [], interrupted: [] };

test('what is not redacted, or holds a key, is not kept', async () => {
  const queue = await open();
  await refused(queue.add(item('a', { payload: body('mail john@example.com') })), 'queue.payload');
  await refused(queue.add(item('a', { payload: body('password: __SECRET_1__hunter2') })), 'queue.payload');
  await refused(queue.add(item('a', { payload: { ...body('x'), headers: { authorization: 'x' } } })), 'queue.payload.headers');
  for (const name of ['apiKey', 'api_key', 'Authorization', 'x-api-key', 'access_token', 'clientSecret', 'cookie', 'password']) {
    await refused(queue.add(item('a', { payload: { ...body('x'), deep: [{ [name]: 'abc' }] } })), `queue.payload.deep[0].${name}`);
    await refused(queue.add(item('a', { facts: { [name]: 'abc' } })), `queue.facts.${name}`);
  }
  await refused(queue.add(item('a', { apiKey: 'x' })), 'queue.apiKey');
  await refused(queue.add(item('a', { payload: { ...body('x'), getToken: () => 'x' } })), 'queue.payload.getToken');
  await refused(queue.add(item('')), 'queue.id');
  await refused(queue.add({ ...item('a'), payload: null }), 'queue.payload');
  assert.deepEqual(await queue.list(), []);
  const schema = { type: 'object', properties: { password: { type: 'string' } } };
  await queue.add(item('a', { payload: { ...body('x'), tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] } }));
  assert.equal((await queue.list()).length, 1, 'a field of a schema is no key');
});

test('what was redacted is kept, its values are not', async () => {
  const { payload, vault } = new Redactor({ dictionary: ['Falcon'] }).redact(body('Falcon: mail john@example.com, sk-abcdefghijklmnop1234, __EMAIL_1__, password: hunter2'));
  const queue = await open({ redactor: new Redactor({ dictionary: ['Falcon'] }) });
  await queue.add(item('a', { payload }), vault);
  const [kept] = await queue.list();
  assert.doesNotMatch(JSON.stringify(kept), /john|Falcon|sk-abc|hunter2/);
  assert.equal(kept.vault.value('__EMAIL_1__'), 'john@example.com');
  assert.equal(kept.placeholders, false);
});

test('size, number and time are bounded', async () => {
  let now = 1000;
  const queue = await open({ most: 2, mostBytes: 1200, ttlMs: 100, now: () => now });
  await assert.rejects(queue.add(item('a', { payload: body('x'.repeat(2000)) })), (e) => e.code === 'too_large' && e.detail.bytes > 2000);
  await queue.add(item('a'));
  await refused(queue.add(item('a')), 'queue.id');
  await queue.add(item('b'));
  await assert.rejects(queue.add(item('c')), (e) => e.code === 'quota_exceeded' && e.detail.requests === 2);
  await queue.cancel('b');
  await assert.rejects(queue.add(item('c', { payload: body('x'.repeat(900)) })), (e) => e.code === 'quota_exceeded');
  now += 100;
  assert.deepEqual(await queue.list(), []);
  await queue.add(item('c'));
  now += 100;
  assert.deepEqual(await queue.flush(async () => 'sent'), { ...NOTHING, expired: ['c'] });
  for (const wrong of [{ most: 0 }, { mostBytes: 1.5 }, { ttlMs: -1 }]) await assert.rejects(open(wrong), (e) => e.detail.param === `queue.${Object.keys(wrong)[0]}`);
});

test('a flush sends the oldest first, stops where there is no network, and says what it did', async () => {
  let now = 0;
  const queue = await open({ now: () => (now += 1) });
  for (const id of ['a', 'b', 'c', 'd']) await queue.add(item(id));
  const seen = [];
  const send = async ({ id, state, attempts, key }) => {
    seen.push([id, state, attempts, typeof key]);
    return { a: 'sent', b: 'dropped', c: 'later' }[id];
  };
  assert.deepEqual(await queue.flush(send), { ...NOTHING, sent: ['a'], dropped: ['b'], later: ['c'] });
  assert.deepEqual(seen, [['a', 'sending', 1, 'string'], ['b', 'sending', 1, 'string'], ['c', 'sending', 1, 'string']]);
  assert.deepEqual((await queue.list()).map(({ id, state, attempts }) => [id, state, attempts]), [['c', 'waiting', 1], ['d', 'waiting', 0]]);
  assert.deepEqual(await queue.flush(async () => 'sent'), { ...NOTHING, sent: ['c', 'd'] });
  assert.deepEqual(await queue.list(), []);
});

test('whoever fails while sending leaves it open, and only the user has it sent again; with an idempotency key it goes by itself', async () => {
  const queue = await open();
  await queue.add(item('a'));
  const fail = async () => {
    throw new Error('cut');
  };
  assert.deepEqual(await queue.flush(fail), { ...NOTHING, interrupted: ['a'] });
  const never = async () => assert.fail('sent again');
  assert.deepEqual(await queue.flush(never), { ...NOTHING, interrupted: ['a'] });
  assert.equal((await queue.list())[0].state, 'interrupted');
  assert.equal(await queue.requeue('a'), true);
  assert.equal(await queue.requeue('z'), false);
  assert.deepEqual(await queue.flush(async () => 'sent'), { ...NOTHING, sent: ['a'] });
  await queue.add(item('b', { idempotency: true }));
  const keys = [];
  const flaky = async ({ key }) => (keys.push(key), keys.length === 1 ? fail() : 'sent');
  assert.deepEqual(await queue.flush(flaky), { ...NOTHING, later: ['b'] });
  assert.deepEqual(await queue.flush(flaky), { ...NOTHING, sent: ['b'] });
  assert.equal(keys[0], keys[1]);
});

test('the user cancels: what waits, and what is being sent', async () => {
  const queue = await open();
  await queue.add(item('a'));
  await queue.add(item('b'));
  assert.equal(await queue.cancel('b'), true);
  assert.equal(await queue.cancel('b'), false);
  let aborted = false;
  const flush = queue.flush(async (_, signal) => {
    void queue.cancel('a');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    aborted = true;
    throw signal.reason;
  });
  assert.deepEqual(await flush, { ...NOTHING, cancelled: ['a'] });
  assert.ok(aborted);
  assert.deepEqual(await queue.list(), []);
});

test('flushes come one after the other, and end with the queue', async () => {
  const queue = await open();
  await queue.add(item('a'));
  let running = 0;
  const send = async () => {
    running += 1;
    assert.equal(running, 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    running -= 1;
    return 'sent';
  };
  const done = await Promise.all([queue.flush(send), queue.flush(send), queue.flush(send)]);
  assert.deepEqual(done.flatMap(({ sent }) => sent), ['a']);
  await queue.add(item('b'));
  const flush = queue.flush((_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  await new Promise((resolve) => setTimeout(resolve, 10));
  queue.close();
  await flush.catch(() => undefined);
  await assert.rejects(queue.flush(send), (e) => e.code === 'aborted');
});

test('watching flushes at once, when the browser says online, and by itself, whatever it says', async () => {
  const queue = await open();
  await queue.add(item('a'));
  let tries = 0;
  const sent = new Promise((resolve) => {
    const stop = queue.watch(async () => ((tries += 1) < 3 ? 'later' : 'sent'), {
      firstMs: 4,
      onFlush: ({ sent: ids }) => {
        if (ids.length > 0) resolve(stop);
      },
    });
  });
  const stop = await sent;
  assert.equal(tries, 3);
  stop();
  await queue.add(item('b'));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(tries, 3, 'stopped');
  queue.close();
});

/** A tab on a store and locks that others have, too: it dies with its `last`th use of the store, and its locks are free then. */
function tab(records, locks, last = Infinity) {
  const held = new Set();
  let uses = 0;
  let dead = false;
  const forever = new Promise(() => {});
  let died;
  const death = new Promise((resolve) => (died = resolve));
  const die = () => {
    dead = true;
    died();
    held.forEach((release) => release());
    return forever;
  };
  const drawer = {
    kind: 'memory',
    all: async () => ((uses += 1) > last || dead ? die() : [...records].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    write: async (changes) => {
      if ((uses += 1) > last || dead) return die();
      changes.forEach(([key, value]) => (value === undefined ? records.delete(key) : records.set(key, structuredClone(value))));
    },
    close: () => {},
  };
  const own = {
    hold: async (name, want) => {
      if (dead) return forever;
      const release = await locks.hold(name, want);
      if (release) held.add(release);
      return release;
    },
  };
  return { queue: Queue.over(drawer, own), dead: () => dead, death, die };
}

test('a tab that dies at any use of the store, or while it sends: nothing is lost, nothing is sent twice', async () => {
  const soon = () => new Promise((resolve) => setTimeout(resolve, 1));
  let deaths = 0;
  for (let last = 0; ; last += 1) {
    for (const whileSending of [false, true]) {
      const records = new Map();
      const locks = new LocalLocks();
      const survivor = tab(records, locks);
      for (const id of ['a', 'b', 'c']) await survivor.queue.add(item(id));
      const mortal = tab(records, locks, last);
      const arrived = [];
      const send = (one) => async ({ id }) => {
        arrived.push(id);
        await soon();
        return whileSending && one === mortal && arrived.length === 2 ? one.die() : 'sent';
      };
      const ended = await Promise.race([mortal.queue.flush(send(mortal)), mortal.death]);
      deaths += Number(mortal.dead());
      const done = await survivor.queue.flush(send(survivor));
      const left = (await survivor.queue.list()).map(({ id, state }) => [id, state]);
      assert.deepEqual(left, done.interrupted.map((id) => [id, 'interrupted']));
      for (const id of ['a', 'b', 'c']) {
        const times = arrived.filter((one) => one === id).length;
        assert.ok(done.interrupted.includes(id) ? times <= 1 : times === 1, `${id}: ${times} times, dead at ${last}`);
      }
      assert.ok(done.interrupted.length <= 1);
      if (ended !== undefined && !whileSending) return assert.ok(deaths > 20, `${deaths}`);
    }
  }
});

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test('two tabs, one killed in the middle: nothing is lost, nothing is sent twice', { skip }, async () => {
  const { page: first, close } = await openPage(browser, server.origin);
  const second = await first.context().newPage();
  await second.goto(server.origin);
  const arrived = [];
  let hang;
  const hanging = new Promise((resolve) => (hang = resolve));
  await first.context().route('**/send/*', async (route) => {
    arrived.push(new URL(route.request().url()).pathname.split('/').at(-1));
    if (arrived.length === 3) return hang(); // never answered: the tab dies with it
    await route.fulfill({ body: 'ok' });
  });
  const set = () => {
    globalThis.send = async ({ id }, signal) => {
      await fetch(`/send/${id}`, { method: 'POST', signal });
      return 'sent';
    };
    globalThis.opened = import('/pkg/dist/offline/index.js').then(({ Queue }) => Queue.open());
  };
  await first.evaluate(set);
  await second.evaluate(set);
  // Cancelled in the other tab, while this one sends it.
  await first.evaluate(async () => {
    const queue = await globalThis.opened;
    await queue.add({ id: 'c0', remote: 'big', payload: { messages: [{ role: 'user', content: 'x' }], max_tokens: 1 }, facts: {} });
    globalThis.ended = queue.flush((_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  });
  await second.waitForFunction(async () => (await (await globalThis.opened).list())[0]?.state === 'sending');
  assert.equal(await second.evaluate(async () => (await globalThis.opened).cancel('c0')), true);
  assert.deepEqual(await first.evaluate(() => globalThis.ended), { ...NOTHING, cancelled: ['c0'] });
  await first.evaluate(async () => {
    const queue = await globalThis.opened;
    for (let i = 0; i < 6; i += 1) await queue.add({ id: `i${i}`, remote: 'big', payload: { messages: [{ role: 'user', content: '__EMAIL_1__' }], max_tokens: 1 }, facts: {} });
    void queue.flush(globalThis.send).catch(() => undefined);
  });
  // The first tab sends, the other one waits for it.
  await second.waitForFunction(async () => (await navigator.locks.query()).held.some(({ name }) => name === 'kinglet:queue-flush'));
  const other = second.evaluate(async () => (await globalThis.opened).flush(globalThis.send));
  await hanging;
  const during = await second.evaluate(async () => (await (await globalThis.opened).list()).map(({ id, state, placeholders }) => [id, state, placeholders]));
  assert.deepEqual(during, [['i2', 'sending', true], ['i3', 'waiting', true], ['i4', 'waiting', true], ['i5', 'waiting', true]]);
  const session = await first.context().newCDPSession(first);
  void session.send('Page.crash').catch(() => undefined);
  const done = await other;
  assert.deepEqual(done, { ...NOTHING, sent: ['i3', 'i4', 'i5'], interrupted: ['i2'] });
  assert.deepEqual(arrived, ['i0', 'i1', 'i2', 'i3', 'i4', 'i5']);
  const after = await second.evaluate(async () => {
    const queue = await globalThis.opened;
    const again = await queue.flush(globalThis.send);
    const left = (await queue.list()).map(({ id, state }) => [id, state]);
    await queue.requeue('i2');
    return { again, left, last: await queue.flush(globalThis.send), empty: await queue.list() };
  });
  assert.deepEqual(after, { again: { ...NOTHING, interrupted: ['i2'] }, left: [['i2', 'interrupted']], last: { ...NOTHING, sent: ['i2'] }, empty: [] });
  await close();
});
