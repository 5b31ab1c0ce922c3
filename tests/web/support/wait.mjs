// What a page shows comes a frame after what it knows: tests that look at once see what was there before.

/** Resolves when what the page knows by now has been drawn. */
export const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** Asks again until `is(answer)`, for ten seconds; resolves to the last answer, which the caller then asserts something of. */
export async function eventually(ask, is, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (is(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * For a worker, as text: a clock that hardly moves. By it no device is slow to say that it is done, so one token goes in each submit
 * (src/engine/batches.rs), on a machine that has other things to do, too.
 */
export function steady() {
  const { now } = performance;
  performance.now = () => now.call(performance) / 1000;
}
