// What answers `fetch` in a service worker, without one: which requests load a model, and which model they get.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fetchHandler } from '../../pkg/dist/fetch-handler.js';

const ORIGIN = 'http://localhost';
before(() => Object.defineProperty(globalThis, 'location', { value: { origin: ORIGIN }, configurable: true }));
after(() => delete globalThis.location);

/** A model that answers with its number. */
function numbered(number) {
  const kinglet = { info: { model: `model ${number}` }, disposed: false, asked: [] };
  kinglet.chat = { completions: { create: async (body) => (kinglet.asked.push(body), { number }) } };
  return kinglet;
}

/** `{status, body}` of one request, and whether the browser was let go of. */
async function ask(handler, path, init) {
  let answer;
  let done;
  const request = new Request(`${ORIGIN}${path}`, init);
  handler({ request, respondWith: (response) => (answer = response), waitUntil: (promise) => (done = promise) });
  const response = await answer;
  const body = await response.json();
  await done;
  return { status: response.status, body };
}
const post = (more = {}) => ({ method: 'POST', body: JSON.stringify({ messages: [] }), ...more });

test('asking for the models loads none, and then names the one that is loaded; or as the page calls it', async () => {
  let loads = 0;
  const engine = async () => numbered(++loads);
  const handler = fetchHandler(engine);
  const ids = async (handler) => (await ask(handler, '/v1/models')).body.data.map(({ id }) => id);
  assert.deepEqual([await ids(handler), loads], [['kinglet'], 0]);
  assert.deepEqual((await ask(handler, '/v1/chat/completions', post())).body, { number: 1 });
  assert.deepEqual([await ids(handler), loads], [['model 1'], 1]);
  assert.deepEqual(await ids(fetchHandler(engine, { model: 'mine' })), ['mine']);
});

test('a model that was disposed of is not asked again: the next request has another', async () => {
  const made = [];
  const handler = fetchHandler(async () => (made.push(numbered(made.length + 1)), made.at(-1)));
  const number = async () => (await ask(handler, '/v1/chat/completions', post())).body.number;
  assert.deepEqual(await Promise.all([number(), number()]), [1, 1]);
  made[0].disposed = true;
  assert.deepEqual(await Promise.all([number(), number()]), [2, 2]);
  assert.equal(made.length, 2);
});

test('a load that failed is tried again with the next request', async () => {
  let fail = true;
  const handler = fetchHandler(async () => {
    if (fail) throw new Error('not now');
    return numbered(1);
  });
  assert.equal((await ask(handler, '/v1/chat/completions', post())).status, 500);
  fail = false;
  assert.equal((await ask(handler, '/v1/chat/completions', post())).status, 200);
});

test('a request that had already been aborted loads nothing', async () => {
  const handler = fetchHandler(() => assert.fail('loaded'));
  const signal = AbortSignal.abort();
  let answer;
  const request = { method: 'POST', url: `${ORIGIN}/v1/chat/completions`, signal, text: async () => '{}' };
  handler({ request, respondWith: (response) => (answer = response), waitUntil: () => undefined });
  const { error } = await (await answer).json();
  assert.deepEqual([(await answer).status, error.code], [499, 'aborted']);
});

test('names of JavaScript\'s own are no calls', async () => {
  const handler = fetchHandler(() => assert.fail('loaded'));
  for (const name of ['toString', 'constructor']) assert.equal((await ask(handler, `/v1/${name}`, post())).status, 404);
});
