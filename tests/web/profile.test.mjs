// The medians of `profile`, and what it refuses; no browser, no engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notBuilt } from './support/browser.mjs';

const skip = notBuilt() ?? false;

/** What stands for a loaded engine: it answers a profile's pulls with these steps. */
function engine(steps) {
  const asked = [];
  const call = async (name, args) => {
    asked.push([name, args]);
    return name === 'next' ? (steps.shift() ?? null) : null;
  };
  return { asked, link: { live: async () => ({ call }) } };
}

const step = (tokens, ms, method = 'clock') => ({ tokens, position: 0, method, step_ms: 10 * ms, rows: [{ stage: 'embed', op: 'embed', kernel: 'k', calls: 1, ms }, { stage: 'qkv', op: 'matmul', kernel: 'k', calls: 2, ms: 3 * ms }] });

test('rounds become medians, and shares are of their sum', { skip }, async () => {
  const { profile } = await import('../../pkg/dist/profile.js');
  const { asked, link } = engine([step(8, 1), step(1, 2), step(8, 3), step(1, 9), step(8, 5), step(1, 4)]);
  const { decode, prefill, rounds } = await profile(link, { tokens: 8, rounds: 3 });
  assert.equal(rounds, 3);
  assert.deepEqual([prefill.step_ms, ...prefill.rows.map(({ ms }) => ms)], [30, 3, 9]);
  assert.deepEqual([decode.step_ms, ...decode.rows.map(({ ms, share }) => [ms, share])], [40, [4, 0.25], [12, 0.75]]);
  assert.deepEqual(asked[0], ['start', { stream: asked[0][1].stream, kind: 'profile', request: { tokens: 8, rounds: 3 } }]);
});

test('a clock that failed in one round is not half right', { skip }, async () => {
  const { profile } = await import('../../pkg/dist/profile.js');
  const { link } = engine([step(8, 1, 'timestamps'), step(1, 1, 'timestamps'), step(8, 1, 'settled'), step(1, 1, 'timestamps')]);
  const { decode, prefill } = await profile(link, {});
  assert.deepEqual([decode.method, prefill.method], ['timestamps', 'settled']);
});

test('wrong options are refused by name, and an end half-way is an error', { skip }, async () => {
  const { profile } = await import('../../pkg/dist/profile.js');
  for (const options of [{ tokens: 1.5 }, { position: -1 }, { rounds: '3' }, { token: 3 }]) {
    const [name] = Object.keys(options);
    await assert.rejects(profile(engine([]).link, options), ({ code, message }) => code === 'invalid_request' && message.includes(name), name);
  }
  await assert.rejects(profile(engine([]).link, {}), { code: 'aborted' });
  await assert.rejects(profile(engine([step(8, 1)]).link, {}), { code: 'aborted' });
});
