// Prompts of a given length for any tokenizer, the same for the same seed.

const WORDS =
  'the river house morning letter under quiet garden seven people walked along road that leads north because winter had come early and nobody knew where old bridge was so they asked a farmer who said it lies beyond hill near mill which has been closed for many years while children played with stones water light wind paper table window'.split(' ');

/** Numbers from 0 up to 1 (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A text of `tokens` tokens or a few more; `count` says how many a text has. */
export async function prompt(tokens, seed, count) {
  const random = seeded(seed);
  const words = [];
  const add = (n) => {
    for (let i = 0; i < n; i++) words.push(WORDS[Math.floor(random() * WORDS.length)]);
  };
  add(1);
  for (let have = await count(words.join(' ')); have < tokens; have = await count(words.join(' '))) {
    // A word is one token or more: never far beyond the mark.
    add(Math.max(1, Math.floor((tokens - have) / Math.max(1, have / words.length))));
  }
  return words.join(' ');
}
