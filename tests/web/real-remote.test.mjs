// A real OpenAI-compatible server (llama.cpp), asked through the relay: what it streams, counts, calls, refuses, and stops.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { noRealServer, noRelay, realRelay, realServer } from './support/real-llm.mjs';

const skip = noRealServer() ?? noRelay() ?? false;
const CLASSIFY = 'classify: billing, shipping, none of these\nmessage: Where is my parcel?';

let server;
let relay;
let token;
before(async () => {
  if (skip) return;
  server = await realServer('desk');
  relay = await realRelay(server.url);
  token = await relay.token();
});
after(async () => {
  await relay?.close();
  await server?.close();
});

const user = (content) => ({ model: 'real', temperature: 0, max_tokens: 60, messages: [{ role: 'user', content }] });

const post = (url, body, options = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...options,
  });

/** The events of a stream. */
const events = (text) => [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data));

test('a stream comes through the relay as it is, and costs what the server counted', { skip }, async (t) => {
  const direct = await post(server.url, user(CLASSIFY)).then((answer) => answer.json());
  const text = await post(relay.url, { ...user(CLASSIFY), stream: true }).then((answer) => answer.text());
  const chunks = events(text);
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), direct.choices[0].message.content);
  assert.ok(chunks.every((chunk) => chunk.choices.length > 0), 'the relay keeps the usage that nobody asked for');
  const { prompt_tokens, completion_tokens } = direct.usage;
  const { cost, reserved, reported } = await relay.request(1);
  assert.deepEqual({ cost, reported }, { cost: 2 * prompt_tokens + 8 * completion_tokens, reported: true });
  assert.ok(reserved > cost);
  t.diagnostic(`xllamacpp ${server.version}: ${prompt_tokens} + ${completion_tokens} tokens, ${cost} micro-units of ${reserved} reserved`);
});
