// Whether a model would run here, and from where it would come: its header is read, and nothing else of it.

import { toWire, type WireError } from './errors.js';
import { deviceMemory, gpuRoom, WASM_BYTES, wasmRoom } from './measure.js';
import { chooseModule } from './module.js';
import type { Place } from './open.js';
import { invalid } from './params.js';
import type { Calls } from './protocol.js';
import { filesOf, openSources, type Reading } from './sources/open.js';
import type { WireSource } from './sources/resolve.js';
import { keyOf } from './sources/split.js';
import { stored as bytesOf, type Manifest } from './store/manifest.js';
import { openStore } from './store/places.js';
import { estimate } from './store/quota.js';
import type { Store } from './store/store.js';
import { chooseThreads, machine } from './threads.js';
import type { Availability, Room } from './types.js';

type Model = NonNullable<Availability['model']>;

/** A context and its memory, with a verdict for each place in question. */
interface Size extends Pick<Model, 'context' | 'memory'> {
  verdicts: { needed: number; error: WireError | null }[];
}

/** What the engine says of a header (src/wasm/inspect.rs). `smaller`: what loading tries on a GPU that has not room for that. */
export interface Inspection extends Model, Size {
  smaller: Size[];
}

/** How `availability` is answered. */
export type Inspector = (args: Calls['load'][0]) => Promise<Availability>;

/** What these errors say is said of the model, or of this device; others are of the way to it. */
const UNSUPPORTED = [
  'bad_file',
  'truncated',
  'unsupported_architecture',
  'unsupported_type',
  'unsupported_feature',
  'unsupported_tokenizer',
  'simd_missing',
  'unsupported_browser',
  'gpu_unavailable',
  'download_refused',
];

/** The inspector of a place. */
export function inspector({ browser, hire, downloads }: Omit<Place, 'host'>): Inspector {
  return async ({ sources, reading: given = {}, options, wasm, module }) => {
    const reading: Reading = downloads === undefined ? given : { ...given, downloads };
    try {
      const { glue } = await chooseModule({ wasm, kind: module }, browser);
      const here = await whereabouts(sources, reading);
      if (!here.complete && sources.some((source) => source.kind === 'url' && source.once)) {
        throw invalid('model', 'something that can be read again: its header is looked at, and then all of it', 'a stream');
      }
      const readers = await (here.complete ? openSources(here.files, { ...reading, downloads: 'refused' }) : openSources(sources, { ...reading, store: 'none' }));
      try {
        const gpu = options.backend === 'cpu' ? undefined : await gpuRoom();
        const { threads } = options.exact ? { threads: 1 } : chooseThreads(options.threads ?? 'auto', readers.length, machine(hire !== undefined));
        const { threads: _, ...loading } = options;
        const found = await glue.inspect([...readers.all], loading, [
          { max_buffer: gpu?.maxBuffer ?? null, total: null, shards: 1 },
          { max_buffer: null, total: WASM_BYTES, shards: threads },
        ]);
        const { verdicts, smaller, ...model } = found;
        const { context, memory } = model;
        const wanted: Wanted = { backend: options.backend, sizes: [{ context, memory, verdicts }, ...smaller], threads, gpu };
        const rest = Number.isFinite(readers.length) ? { ...model, file_bytes: readers.length } : model;
        return await judged(wanted, rest, here);
      } finally {
        await readers.close();
      }
    } catch (thrown) {
      const error = toWire(thrown);
      if (UNSUPPORTED.includes(error.code)) {
        return { status: 'unsupported', code: error.code, reason: error.message };
      }
      throw thrown;
    }
  };
}

interface Wanted {
  backend: 'auto' | 'gpu' | 'cpu';
  /** What was asked for first, then ever smaller. */
  sizes: readonly [Size, ...Size[]];
  threads: number;
  gpu: Awaited<ReturnType<typeof gpuRoom>>;
}

/** Puts it together: the first backend that can hold the model, in the order in which loading tries them. */
async function judged(wanted: Wanted, model: Model, here: Whereabouts): Promise<Availability> {
  const { backend, gpu } = wanted;
  if (backend === 'gpu' && gpu === undefined) {
    const reason = 'no usable GPU: this browser gives no WebGPU adapter here';
    return { status: 'unsupported', code: 'gpu_unavailable', reason, model };
  }
  let refusal: Availability | undefined;
  for (const each of backend === 'auto' ? (['gpu', 'cpu'] as const) : [backend]) {
    if (each === 'gpu' && (gpu === undefined || (backend === 'auto' && gpu.software))) {
      continue;
    }
    const room = each === 'gpu' ? await onGpu(wanted) : onCpu(wanted);
    if (room.code === undefined) {
      const { context, memory } = room.size;
      return onTheWay({ status: 'available', backend: each, memory: room.memory, model: { ...model, context, memory } }, here);
    }
    refusal ??= { status: 'too_large', backend: each, code: room.code, reason: room.reason, memory: room.memory, model };
  }
  return refusal ?? { status: 'unsupported', reason: 'nothing here could run it', model };
}

type Verdict = { memory: Room; size: Size; code?: undefined } | { memory: Room; code: 'too_large'; reason: string };

/** The first size that fits, as loading takes it; else why the one that was asked for does not. */
async function onGpu({ sizes, gpu }: Wanted): Promise<Verdict> {
  const about = ({ verdicts: [verdict] }: Size) => verdict ?? { needed: 0, error: null };
  for (const size of sizes) {
    const { needed, error } = about(size);
    if (error === null && (await gpu?.holds(needed))) {
      return { memory: { needed }, size };
    }
  }
  const { needed, error } = about(sizes[0]);
  const reason = `the GPU did not give ${needed} bytes when it was asked for them`;
  return error === null ? { memory: { needed }, code: 'too_large', reason } : tooLarge(error);
}

function onCpu({ sizes: [size], threads }: Wanted): Verdict {
  const { needed, error } = size.verdicts[1] ?? { needed: 0, error: null };
  if (error !== null) {
    return tooLarge(error);
  }
  const total = needed * threads;
  const device = deviceMemory();
  if (device !== undefined && total > device) {
    return { memory: { needed: total, available: device }, code: 'too_large', reason: `this device has about ${device} bytes of memory, the model takes ${total}` };
  }
  const room = wasmRoom(needed);
  return room >= needed
    ? { memory: { needed: total, ...(device === undefined ? {} : { available: device }) }, size }
    : { memory: { needed, available: room }, code: 'too_large', reason: `the browser gave ${room} bytes of memory when it was asked for ${needed}` };
}

function tooLarge({ message, detail }: WireError): Verdict {
  const memory = { needed: Number(detail['needed']), available: Number(detail['available']) };
  return { memory, code: 'too_large', reason: message };
}

/** Where a model's files are. */
interface Whereabouts {
  /** All on this device. */
  complete: boolean;
  /** What to open then: a hash that was never computed is none to compare with; that would read all of the file. */
  files: readonly WireSource[];
  /** Bytes of them in the store. */
  stored: number;
  /** Bytes that the browser counts as used for them: what is missing may have its room already. */
  taken: number;
  /** They would be kept. */
  keeps: boolean;
}

/** One file of them, and what the store has for it. */
interface Placed {
  file: WireSource;
  complete: boolean;
  kept?: Manifest | undefined;
  /** That is not what the file's hash says: it goes when the file is downloaded. */
  other?: boolean;
}

async function whereabouts(sources: readonly WireSource[], reading: Reading): Promise<Whereabouts> {
  const files = filesOf(sources);
  if (files.every(({ kind }) => kind === 'blob')) {
    return { complete: true, files, stored: 0, taken: 0, keeps: false };
  }
  const store = await openStore(reading.store ?? 'auto', { signal: reading.signal });
  try {
    const found = await Promise.all(files.map((file) => placed(file, store)));
    const total = (bytes: number[]) => bytes.reduce((sum, each) => sum + each, 0);
    const taken = await Promise.all(found.map(async ({ kept }) => (kept && store?.taken(kept)) ?? 0));
    return {
      complete: found.every(({ complete }) => complete),
      files: found.map(({ file }) => file),
      stored: total(found.map(({ kept, other }) => (kept === undefined || other ? 0 : bytesOf(kept)))),
      taken: total(taken),
      keeps: store !== undefined,
    };
  } finally {
    store?.close();
  }
}

async function placed(file: WireSource, store: Store | undefined): Promise<Placed> {
  if (file.kind === 'blob') {
    return { file, complete: true };
  }
  const sha256 = file.sha256?.toLowerCase();
  const found = await store?.find(keyOf(file), sha256);
  const kept = found && (await store?.has(found)) ? found : undefined;
  const unknown = !file.once && kept?.complete === true && kept.sha256 === null;
  const other = kept?.complete === true && kept.sha256 !== null && sha256 !== undefined && kept.sha256 !== sha256;
  return { file: unknown ? { ...file, sha256: undefined } : file, kept, complete: kept?.complete === true && !other, other };
}

/** What still has to come, and whether there is room to keep it. */
async function onTheWay(answer: Availability, { complete, stored, taken, keeps }: Whereabouts): Promise<Availability> {
  if (complete) {
    return answer;
  }
  const bytes = answer.model?.file_bytes;
  const needed = bytes === undefined ? undefined : Math.max(0, bytes - stored);
  const { available: left } = keeps ? await estimate() : { available: undefined };
  const available = left === undefined ? undefined : left + taken - stored;
  const download: Room = { needed: needed ?? 0, ...(available === undefined ? {} : { available }) };
  if (needed !== undefined && available !== undefined && needed > available) {
    const reason = `the browser's storage has ${available} bytes left, ${needed} have to be downloaded; with store: 'none' nothing is kept`;
    return { ...answer, status: 'too_large', code: 'quota_exceeded', reason, download };
  }
  return { ...answer, status: 'downloadable', ...(needed === undefined ? {} : { download }) };
}
