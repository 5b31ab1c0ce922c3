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
const ROUNDS = 5;
const bytes = statSync(file).size;
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const speed = (ms) => bytes / ms / 1e6;

/** A worker that reads the stored file again and again: as it lies, checked, and with an upload of each chunk to the GPU. */
const WORKER = `
  import { Chunks } from '/pkg/dist/store/chunks.js';
  import { LocalLocks } from '/pkg/dist/store/locks.js';
  import { Opfs } from '/pkg/dist/store/opfs.js';
  import { Store } from '/pkg/dist/store/store.js';
  import { CHUNK, Window } from '/pkg/dist/store/window.js';
  const store = await Store.open(await Opfs.find(), new LocalLocks());
  const [manifest] = await store.manifests();
  const file = await store.disk.openFile(manifest.id, 'read');
  const count = manifest.sha.length;
  const memory = new Window();
  const buffer = new Uint8Array(CHUNK);
  const adapter = await navigator.gpu?.requestAdapter();
  const device = await adapter?.requestDevice();
  const target = device?.createBuffer({ size: CHUNK, usage: GPUBufferUsage.COPY_DST });
  const write = async () => (device.queue.writeBuffer(target, 0, buffer), device.queue.submit([]));
  const ways = {
    plain: async () => {
      for (let n = 0; n < count; n++) await file.read(n, buffer);
    },
    checked: async () => {
      const chunks = new Chunks(manifest, file, memory);
      for (let n = 0; n < count; n++) if (!(await chunks.load(n))) throw new Error('damaged: ' + n);
    },
    ...(device && {
      plain_to_gpu: async () => {
        for (let n = 0; n < count; n++) {
          await file.read(n, buffer);
          await write();
          if (n % 16 === 15) await device.queue.onSubmittedWorkDone();
        }
        await device.queue.onSubmittedWorkDone();
      },
    }),
  };
  onmessage = async ({ data }) => {
    const began = performance.now();
    await ways[data]();
    postMessage(performance.now() - began);
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

/** Milliseconds of every loop, from the system's memory or from the disk. */
async function rounds(page, names, from) {
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of names) {
      if (from === 'disk') forget(folder);
      const ms = await page.evaluate(loop, name);
      if (round > 0) times[name].push(ms);
    }
  }
  const speeds = names.map((name) => [`${name}_gb_per_s`, speed(median(times[name]))]);
  // Of neighbours in time: other work on the machine then weighs on both.
  const checking_costs = median(times.checked.map((ms, i) => ms / times.plain[i])) - 1;
  return { ...Object.fromEntries(speeds), checking_costs };
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
  const warm = await openProfile(server.origin, { folder, keep: true });
  const again = await warm.page.evaluate(load, { backend });
  const peak_memory_bytes = peakMemory();
  const fetched = server.asked.slice(asked).filter((path) => path.startsWith('/models/')).length;
  const names = await warm.page.evaluate(begin);
  const line = {
    what: 'warm start',
    backend,
    bytes,
    requests: fetched,
    cold_ms: first.ms,
    warm_ms: again.ms,
    warm_gb_per_s: speed(again.ms),
    from_disk: await rounds(warm.page, names, 'disk'),
    from_memory: await rounds(warm.page, names, 'memory'),
    wasm_memory_bytes: again.wasm_memory,
    peak_memory_bytes,
  };
  await warm.close();
  console.log(JSON.stringify(line));
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  await server.close();
}
