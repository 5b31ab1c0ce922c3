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
