// How long the page's main thread was busy.
import assert from 'node:assert/strict';

/**
 * The tasks of the page's main thread while `run` runs: the longest, and those above 50 ms, by the time of the processor that they took (other
 * programs of the machine take it, too); and the longest wait between two frames.
 */
export async function tasksOf(browser, page, run, t) {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', '__metadata'] });
  await page.evaluate(() => {
    const frames = (globalThis.probe = { gap: 0, on: true });
    let last;
    const frame = (now) => {
      if (last !== undefined) frames.gap = Math.max(frames.gap, now - last);
      last = now;
      if (frames.on) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await run();
  const gap = await page.evaluate(() => {
    globalThis.probe.on = false;
    return globalThis.probe.gap;
  });
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const main = new Set(traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter(({ name, pid, tid, tdur }) => name === 'RunTask' && tdur !== undefined && main.has(`${pid} ${tid}`));
  assert.ok(tasks.length > 50, `${tasks.length} tasks were seen`);
  const long = tasks.map(({ tdur }) => Math.round(tdur / 1000)).filter((ms) => ms > 50);
  const most = Math.max(...tasks.map(({ tdur }) => tdur / 1000));
  const wall = Math.max(...tasks.map(({ dur }) => dur / 1000));
  t.diagnostic(`${tasks.length} tasks, the longest ${most.toFixed(1)} ms of the processor (${wall.toFixed(0)} ms on the clock); longest wait between two frames ${gap.toFixed(0)} ms`);
  return long;
}
