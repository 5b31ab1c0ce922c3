// Arithmetic of the benches: medians, ratios of pairs, and whether two engines compute the same.

/** The middle value; of an even number the mean of the two in the middle; null of none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** `{ median, min, max, n }`. */
export function spread(values) {
  if (values.length === 0) return null;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), n: values.length };
}

/**
 * Between which two of the values the median of all lies with a probability of at least 95 %, whatever their distribution:
 * `[low, high]`; null where there are too few values to say.
 */
export function interval(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let [outside, ways, cut] = [0, 1, -1]; // the chance that at most `cut` values lie below the median, and binomials
  for (let k = 0; k < n; k++) {
    outside += ways / 2 ** n;
    if (outside > 0.025) break;
    cut = k;
    ways = (ways * (n - k)) / (k + 1);
  }
  return cut < 0 ? null : [sorted[cut], sorted[n - 1 - cut]];
}

/**
 * Rounds `{ kinglet, wllama }` of a rate (more is better) as the spread of each and of their ratio within a round. A round
 * may lack one engine; the ratio is of those that have both.
 */
export function paired(rounds) {
  const of = (name) => rounds.map((round) => round[name]).filter((value) => Number.isFinite(value));
  const both = rounds.filter((round) => Number.isFinite(round.kinglet) && Number.isFinite(round.wllama));
  return {
    kinglet: spread(of('kinglet')),
    wllama: spread(of('wllama')),
    ratio: spread(both.map((round) => round.kinglet / round.wllama)),
  };
}

/** Log-probabilities of one token may differ by this much between engines that round activations to 8 bits. */
export const TOLERANCE = 0.2;
/** On average over all compared tokens by this much. */
export const MEAN_TOLERANCE = 0.06;
/** Of the best tokens of one engine, this share at least must be among the other's. */
export const OVERLAP = 0.6;

/**
 * Compares lists of best tokens, `[{ token, logprob }]` best first, position by position. Seeded random weights give
 * near-ties, so that the best token alone proves little: all tokens that both lists have are compared.
 * Returns `{ positions, compared, overlap, same_best, max, mean, problem }`; `problem` is undefined where they agree.
 */
export function compare(ours, theirs) {
  const differences = [];
  let [listed, sameBest] = [0, 0];
  for (const [i, list] of ours.entries()) {
    const other = new Map((theirs[i] ?? []).map(({ token, logprob }) => [token, logprob]));
    listed += list.length;
    sameBest += Number(list[0]?.token === theirs[i]?.[0]?.token);
    for (const { token, logprob } of list) {
      if (other.has(token)) differences.push(Math.abs(logprob - other.get(token)));
    }
  }
  const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
  const max = Math.max(...differences);
  const overlap = differences.length / listed;
  const found = { positions: ours.length, compared: differences.length, overlap, same_best: sameBest, max, mean };
  return { ...found, problem: problemOf(found, theirs.length) };
}

function problemOf({ positions, overlap, max, mean }, others) {
  if (positions === 0 || positions !== others) return `${positions} and ${others} positions`;
  // Written so that a NaN is a problem too.
  if (!(overlap >= OVERLAP)) return `only ${overlap.toFixed(2)} of the best tokens are the same`;
  if (!(max <= TOLERANCE)) return `log-probabilities differ by up to ${max.toFixed(3)}`;
  if (!(mean <= MEAN_TOLERANCE)) return `log-probabilities differ by ${mean.toFixed(3)} on average`;
  return undefined;
}

/**
 * A prompt of exactly `tokens` tokens for the generated files, BOS included: words of three seeded letters, each one
 * piece of their vocabulary (which has those that begin with a to r). Both engines report how many tokens they saw.
 */
export function words(tokens, seed) {
  let state = (seed * 2654435761) >>> 0;
  const below = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const letter = (n) => String.fromCharCode(97 + below(n));
  return Array.from({ length: tokens - 1 }, () => letter(18) + letter(26) + letter(26)).join(' ');
}
