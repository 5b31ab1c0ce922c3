// The browser's processes, as Linux shows them.
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of one tick of /proc/PID/stat. */
const TICK_MS = 10;

/** Resident bytes now of all processes of this kind below this one; shared libraries included. */
export function residentMemory(kind) {
  const parents = new Map();
  const sizes = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      parents.set(Number(pid), Number(/^PPid:\s+(\d+)/m.exec(status)[1]));
      const type = /--type=([a-z-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1];
      if (type === kind) sizes.set(Number(pid), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // It has ended meanwhile.
    }
  }
  const ours = (pid) => pid === process.pid || (parents.has(pid) && ours(parents.get(pid)));
  return [...sizes].filter(([pid]) => ours(pid)).reduce((sum, [, bytes]) => sum + bytes, 0);
}

/** Milliseconds of processor time of all processes of this kind (`renderer`, `gpu-process`) below this one. */
export function processorTime(kind) {
  const processes = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const type = /--type=([a-z-]+)/.exec(command)?.[1];
      processes.set(Number(pid), { parent: Number(fields[1]), type, ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const ours = (pid) => pid === process.pid || (processes.has(pid) && ours(processes.get(pid).parent));
  let ticks = 0;
  for (const [pid, { type, ticks: own }] of processes) {
    ticks += type === kind && ours(pid) ? own : 0;
  }
  return ticks * TICK_MS;
}

/** Largest resident size, in bytes, of each kind of process below this one (Linux; empty elsewhere). */
export function peakMemory() {
  const parents = new Map();
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      } catch {
        // It has ended meanwhile.
      }
    }
  } catch {
    return {};
  }
  const peaks = {};
  for (const pid of parents.keys()) {
    let ancestor = parents.get(pid);
    while (ancestor && ancestor !== process.pid) ancestor = parents.get(ancestor);
    if (ancestor !== process.pid) continue;
    try {
      const kind = /--type=([a-z-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[1] ?? 'browser';
      const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0;
      peaks[kind] = Math.max(peaks[kind] ?? 0, Number(kib) * 1024);
    } catch {
      // As above.
    }
  }
  return peaks;
}
