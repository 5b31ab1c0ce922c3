// Do two engines compute the same? Asked before anything is timed: the time of a wrong answer says nothing.

import { compare, TOLERANCE } from './figures.js';
import { prompt } from './prompts.js';

/** Prompts that are compared, tokens of each, and how many of the likeliest tokens. */
const [PROMPTS, TOKENS, BEST] = [4, 24, 10];

/**
 * Both continue the same prompts greedily. Returns what `compare` says of the likeliest tokens at every place up to the first where
 * they choose another one, `tokens` (places where they chose alike), `differences` (where they did not, and by how little), and
 * `problem`: why they must not be timed, or undefined.
 */
export async function validate([ours, theirs], { seed, signal, prompts = PROMPTS, tokens = TOKENS, onStep = () => undefined }) {
  const lists = [[], []];
  const differences = [];
  let [alike, problem] = [0, undefined];
  for (let i = 0; i < prompts; i++) {
    onStep(i / prompts);
    const text = await prompt(12, seed + i, ours.count);
    const runs = [];
    for (const engine of [ours, theirs]) runs.push(await engine.complete({ prompt: text, n: tokens, top: BEST, signal }));
    const [a, b] = runs;
    if (a.prompt_tokens !== b.prompt_tokens) {
      problem ??= `a prompt has ${a.prompt_tokens} tokens for ${ours.name} and ${b.prompt_tokens} for ${theirs.name}`;
      continue;
    }
    const length = Math.min(a.top.length, b.top.length);
    let at = 0;
    while (at < length && a.top[at][0]?.token === b.top[at][0]?.token) at++;
    alike += at;
    const until = Math.min(at + 1, length);
    lists[0].push(...a.top.slice(0, until));
    lists[1].push(...b.top.slice(0, until));
    if (at < length) {
      const found = difference(a.top[at], b.top[at]);
      differences.push({ prompt: i, place: at, ...found });
      if (found.gap === null || found.gap > 2 * TOLERANCE) problem ??= `after ${at} tokens ${ours.name} goes on with ${JSON.stringify(found.ours)}, ${theirs.name} with ${JSON.stringify(found.theirs)}, and that is no near tie`;
    }
  }
  const { problem: apart, ...compared } = compare(...lists);
  return { ...compared, prompts, tokens: alike, differences, problem: problem ?? apart };
}

/** The two tokens where answers part, and how far apart they are for the engine that minds more; no number where one is not even listed. */
function difference(a, b) {
  const [ours, theirs] = [a[0], b[0]];
  const behind = (list, best, token) => best.logprob - (list.find((entry) => entry.token === token)?.logprob ?? -Infinity);
  const gap = Math.max(behind(a, ours, theirs.token), behind(b, theirs, ours.token));
  return { ours: ours.token, theirs: theirs.token, gap: Number.isFinite(gap) ? gap : null };
}
