// What /proc says of the processes below this one, and of the machine (Linux; empty elsewhere).
import { readdirSync, readFileSync } from 'node:fs';

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile, or there is no /proc
  }
};

/** `[pid, parent, ticks of processor time]` of every process, with those of its children that have ended. */
function all() {
  let names = [];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === '') return [];
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    return [[Number(pid), fields[1], fields.slice(11, 15).reduce((a, b) => a + b)]];
  });
}

/** This process and all below it, with their ticks. */
function family() {
  const processes = all();
  const parents = new Map(processes.map(([pid, parent]) => [pid, parent]));
  const belongs = (pid) => pid === process.pid || (parents.get(pid) > 1 && belongs(parents.get(pid)));
  return processes.filter(([pid]) => belongs(pid));
}

/**
 * Bytes now and at most of the largest process of each kind below this one: `{ renderer: { pss, peak_rss }, browser: … }`.
 * `peak_rss` is the kernel's own high-water mark. The largest, because Chromium keeps spare renderers without a page.
 */
export function memory() {
  const kinds = {};
  for (const [pid] of family()) {
    if (pid === process.pid) continue;
    const kind = /--type=([a-z-]+)/.exec(read(`/proc/${pid}/cmdline`))?.[1] ?? 'browser';
    const kib = (text, name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    const peak_rss = kib(read(`/proc/${pid}/status`), 'VmHWM');
    if (peak_rss > (kinds[kind]?.peak_rss ?? 0)) {
      kinds[kind] = { pss: kib(read(`/proc/${pid}/smaps_rollup`), 'Pss'), peak_rss };
    }
  }
  return kinds;
}

/**
 * Starts to watch the processors; calling the result gives `{ own, others, seconds }`: processors busy on average
 * since, with this process and all below it, and with others; seconds of processor time that the former took. */
export function watchProcessors() {
  const before = ticks();
  const begin = process.hrtime.bigint();
  return () => {
    const after = ticks();
    const elapsed = (Number(process.hrtime.bigint() - begin) / 1e9) * TICKS_PER_SECOND;
    const own = after.own - before.own;
    return { own: own / elapsed, seconds: own / TICKS_PER_SECOND, others: Math.max(0, after.busy - before.busy - own) / elapsed };
  };
}

/** Linux reports processor time in units of 1/100 s on every machine that it runs on. */
const TICKS_PER_SECOND = 100;

function ticks() {
  // user nice system idle iowait irq softirq steal
  const times = read('/proc/stat').split('\n')[0].split(/\s+/).slice(1, 9).map(Number);
  const busy = times.reduce((a, b) => a + b, 0) - times[3] - times[4];
  return { busy, own: family().reduce((sum, [, , used]) => sum + used, 0) };
}
