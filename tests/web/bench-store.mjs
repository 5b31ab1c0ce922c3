// node tests/web/bench-store.mjs FILE [BACKEND]: downloads FILE into the store of a Chromium with a profile on the disk, and
// starts again from there; prints one JSON line. For `cargo xtask bench`: how long a warm start takes, how much of the plain
// reading time the checking costs, and the memory of every process.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { missing, openProfile, profileFolder } from './support/browser.mjs';
import { peakMemory } from './support/processes.mjs';
import { fileModel, startServer } from './support/server.mjs';

const [file, backend = 'gpu'] = process.argv.slice(2);
const bytes = statSync(file).size;
/** How often the file is read each way, and how often the model is loaded: of gigabytes seldom, for that takes minutes on a software GPU. */
const [ROUNDS, LOADS] = bytes > 1e9 ? [3, 1] : [7, 3];
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const speed = (ms) => bytes / ms / 1e6;

/**
 * A worker that goes through the stored file: as it lies, in the same pieces and into the same memory as with the check, and in
 * whole chunks; checked; and with each chunk written to the GPU, into memory that is new as that of a load is.
 */
const WORKER = `
  import { Chunks } from '/pkg/dist/store/chunks.js';
  import { LocalLocks } from '/pkg/dist/store/locks.js';
  import { sizeOf } from '/pkg/dist/store/manifest.js';
  import { Opfs } from '/pkg/dist/store/opfs.js';
  import { Store } from '/pkg/dist/store/store.js';
  import { CHUNK, Window } from '/pkg/dist/store/window.js';
  const store = await Store.open(await Opfs.find(), new LocalLocks());
  const [manifest] = await store.manifests();
  const count = manifest.sha.length;
  const memory = new Window();
  const adapter = await navigator.gpu?.requestAdapter();
  const device = await adapter?.requestDevice();
  let file;
  const read = async (piece) => {
    for (let n = 0; n < count; n++) {
      const slot = memory.slot(n).subarray(0, sizeOf(manifest.length, n));
      for (let at = 0; at < slot.length; at += piece) await file.read(n, slot.subarray(at, at + piece), at);
    }
  };
  const ways = {
    plain: () => read(file.block),
    plain_chunks: () => read(CHUNK),
    checked: async () => {
      const chunks = new Chunks(manifest, file, memory);
      for (let n = 0; n < count; n++) if (!(await chunks.load(n))) throw new Error('damaged: ' + n);
    },
    ...(device && {
      plain_to_gpu: async () => {
        const targets = [];
        for (let n = 0; n < count; n++) {
          const slot = memory.slot(n);
          await file.read(n, slot.subarray(0, sizeOf(manifest.length, n)));
          targets.push(device.createBuffer({ size: CHUNK, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST }));
          device.queue.writeBuffer(targets[n], 0, slot);
          if (n % 8 === 7) await device.queue.onSubmittedWorkDone();
        }
        await device.queue.onSubmittedWorkDone();
        return () => targets.forEach((target) => target.destroy());
      },
    }),
  };
  onmessage = async ({ data }) => {
    file = await store.disk.openFile(manifest.id, 'read');
    const began = performance.now();
    const after = await ways[data]();
    const ms = performance.now() - began;
    after?.();
    await device?.queue.onSubmittedWorkDone();
    await file.close();
    postMessage(ms);
  };
  postMessage(Object.keys(ways));`;

/** On the page: milliseconds of a load. */
async function load({ backend }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const began = performance.now();
  const notices = [];
  const kinglet = await createKinglet({ model: '/models/model.gguf', backend, context: 512, cacheType: 'f32', onNotice: ({ code }) => notices.push(code) });
  const ms = performance.now() - began;
  const { wasm_memory } = await kinglet.stats();
  kinglet.dispose();
  return { ms, wasm_memory, notices };
}

/** On the page: starts the worker; resolves to the names of its loops. */
async function begin() {
  globalThis.worker = new Worker('/loops.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
}

/** On the page: milliseconds of one loop over the file. */
async function loop(name) {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(name);
  });
}

/** Has the system forget what it holds of the profile's large files in memory (Linux), as after a night. */
function forget(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && statSync(path).size > 1 << 20) {
      spawnSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], { stdio: 'ignore' });
    }
  }
}

/**
 * The medians of so many rounds of all `ways`, from the system's memory or from the disk, and of what each took of the first
 * one's time in the same round: other work on the machine then weighs on both. The order changes from round to round.
 */
async function rounds(count, ways, from) {
  console.error(`${Object.keys(ways).join(', ')}, from ${from}: ${count + 1} times each`);
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round <= count; round++) {
    const order = round % 2 === 0 ? Object.keys(ways) : Object.keys(ways).reverse();
    for (const name of order) {
      if (from === 'disk') forget(folder);
      const ms = await ways[name]();
      if (round > 0) times[name].push(ms); // before that everything is new
    }
  }
  const [first] = Object.values(times);
  const figures = ([name, all]) => [name, { ms: median(all), gb_per_s: speed(median(all)), times_the_first: median(all.map((ms, i) => ms / first[i])) }];
  return Object.fromEntries(Object.entries(times).map(figures));
}

const problem = missing();
if (problem) throw new Error(problem);
const server = await startServer(new Map([['model.gguf', fileModel(file)]]), { scripts: new Map([['/loops.js', WORKER]]) });
const folder = profileFolder();
try {
  const cold = await openProfile(server.origin, { folder, keep: true });
  const first = await cold.page.evaluate(load, { backend });
  await cold.close();
  const asked = server.asked.length;
  const { page, close } = await openProfile(server.origin, { folder, keep: true });
  forget(folder);
  const again = await page.evaluate(load, { backend });
  const peak_memory_bytes = peakMemory();
  const fetched = server.asked.slice(asked).filter((path) => path.startsWith('/models/')).length;
  const names = await page.evaluate(begin);
  const loops = (wanted) => Object.fromEntries(names.filter((name) => wanted.includes(name)).map((name) => [name, () => page.evaluate(loop, name)]));
  const reading = loops(['plain', 'plain_chunks', 'checked']);
  const starting = { ...loops(['plain_to_gpu']), warm_start: async () => (await page.evaluate(load, { backend })).ms };
  const line = {
    what: 'warm start',
    backend,
    bytes,
    requests: fetched,
    cold_ms: first.ms,
    first_warm_ms: again.ms,
    reading_from_disk: await rounds(ROUNDS, reading, 'disk'),
    reading_from_memory: await rounds(ROUNDS, reading, 'memory'),
    starting_from_disk: await rounds(LOADS, starting, 'disk'),
    starting_from_memory: await rounds(LOADS, starting, 'memory'),
    wasm_memory_bytes: again.wasm_memory,
    peak_memory_bytes,
  };
  await close();
  console.log(JSON.stringify(line));
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  await server.close();
}
