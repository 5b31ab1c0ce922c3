// The arithmetic of `cargo xtask bench --backend cpu`; no browser.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { watchProcessors } from '../../benches/cpu/processes.mjs';
import { compare, interval, median, paired, words } from '../../www/bench/figures.js';

test('medians and ratios of pairs', () => {
  assert.equal(median([]), null);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  // The ratio of the medians would be 2; that of the rounds is 3.
  const rounds = [{ kinglet: 3, wllama: 1 }, { kinglet: 6, wllama: 2 }, { kinglet: 4, wllama: 4 }, { kinglet: 9 }];
  const found = paired(rounds);
  assert.deepEqual(found.ratio, { median: 3, min: 1, max: 3, n: 3 });
  assert.equal(found.kinglet.n, 4);
});

test('what a program of ours computed that has ended is not said to be the work of others', () => {
  const watch = watchProcessors();
  spawnSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 400_000);']);
  const { seconds } = watch();
  assert.ok(seconds >= 0.4, `${seconds} s`);
});

test('the interval of a median is that of the binomial distribution', () => {
  const values = (n) => Array.from({ length: n }, (_, i) => n - i);
  assert.equal(interval(values(5)), null);
  assert.deepEqual([6, 8, 9, 11, 15, 20].map((n) => interval(values(n))), [[1, 6], [1, 8], [2, 8], [2, 10], [4, 12], [6, 15]]);
});

test('engines that compute the same pass, others do not', () => {
  const list = (shift) => Array.from({ length: 10 }, (_, i) => ({ token: `t${i}`, logprob: -5 - i / 50 + shift(i) }));
  const ours = [list(() => 0), list(() => 0)];
  const near = [list((i) => (i % 2 ? 0.03 : -0.03)), list(() => 0.01)];
  const passed = compare(ours, near);
  assert.equal(passed.problem, undefined);
  assert.equal(passed.compared, 20);
  const others = {
    'one token is off': [list((i) => (i === 7 ? 0.4 : 0)), ours[1]],
    'all are off a little': ours.map(() => list(() => 0.1)),
    'other tokens': ours.map((best) => best.map(({ token, logprob }, i) => ({ token: i < 5 ? token : `x${i}`, logprob }))),
    'no number': [list(() => NaN), ours[1]],
    'a position is missing': [ours[0]],
    nothing: [],
  };
  for (const [what, theirs] of Object.entries(others)) {
    assert.notEqual(compare(ours, theirs).problem, undefined, what);
  }
  assert.notEqual(compare([], []).problem, undefined);
});

test('prompts are words of the generated vocabulary, other ones for every seed', () => {
  const prompt = words(64, 3);
  assert.match(prompt, /^([a-r][a-z]{2} ){62}[a-r][a-z]{2}$/);
  assert.equal(words(64, 3), prompt);
  assert.notEqual(words(64, 4).slice(0, 3), prompt.slice(0, 3));
});
