// What an attempt costs, computed apart from the package, in whole numbers of any size; and seeded numbers.

/** Micro-units: `ceil((fresh * in + cached * c + output * out) / 10^6) + perRequest`. */
export function millions({ inputPerMillion, outputPerMillion, cachedPerMillion = inputPerMillion, perRequest = 0 }, input, cached, output) {
  const tokens = BigInt(input - cached) * BigInt(inputPerMillion) + BigInt(cached) * BigInt(cachedPerMillion) + BigInt(output) * BigInt(outputPerMillion);
  return (tokens + 999_999n) / 1_000_000n + BigInt(perRequest);
}

/** Whole numbers below `n`, from a seed (mulberry32). */
export function random(seed) {
  let a = seed >>> 0;
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
