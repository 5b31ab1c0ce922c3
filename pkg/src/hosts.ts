// What an engine can run in, seen from whoever wants one: which kind is taken, and how it is begun with.

import type { ActingModule } from './act/index.js';
import type { DecidingModule } from './deciding.js';
import { KingletError, toWire } from './errors.js';
import { keep } from './keep.js';
import { Link, type Listener } from './link.js';
import type { Started } from './lasting.js';
import type { Calls, Hello, Port } from './protocol.js';
import type { Given } from './sources/supply.js';
import type { RetrievalModule } from './retrieval/index.js';
import type { TasksModule } from './tasks/index.js';
import type { Availability, HostName, KingletOptions } from './types.js';

/** The way to an engine. */
export interface Way extends Port {
  /** Lets go of the engine. */
  terminate?(): void;
  /** The Web Lock by which the engine knows that this side lives. */
  lock?: Promise<string | undefined>;
}

/**
 * How the ways are opened, for the kinds of host that an entry of the package knows; undefined where the browser lacks what
 * it takes.
 */
export interface Ways {
  worker?: (options: Pick<KingletOptions, 'worker'>) => Opened;
  shared?: (load: Calls['load'][0]) => Opened;
  here?: () => Opened;
  /** The task calls, loaded on demand where that is possible. */
  tasks: () => Promise<TasksModule>;
  /** The index of documents, likewise. */
  retrieval: () => Promise<RetrievalModule>;
  /** Decisions, and the module that fits heads, likewise. */
  deciding: () => Promise<DecidingModule>;
  /** What acts on decisions, likewise; an entry without it has no remote client. */
  acting?: () => Promise<ActingModule>;
}

type Opened = Way | undefined | Promise<Way | undefined>;

/** How long a shared worker may take to say hello. One that is just closing never does, and a new one then comes. */
const HELLO_MS = 20_000;

/**
 * Opens a way and loads the model.
 *
 * @throws KingletError of loading; `unsupported_browser` when the host that was asked for is missing.
 */
export async function begin(
  options: KingletOptions,
  load: Calls['load'][0],
  given: Given,
  ways: Ways,
  listener: Listener,
  signal: AbortSignal | undefined,
): Promise<Started> {
  const wanted = options.host ?? (ways.worker === undefined ? 'here' : 'worker');
  let broken = false;
  for (const host of candidates(wanted)) {
    if (broken && host === 'shared') {
      continue;
    }
    const way = await open(host, ways, options, load);
    if (way === undefined) {
      continue;
    }
    const link = new Link(way, listener);
    const ignore = link.closeOn(signal);
    let begun = false;
    try {
      const hello = await (host === 'shared' ? greeting(link, way) : link.greet());
      if (hello !== undefined && (host !== 'shared' || suits(hello, options))) {
        begun = true;
        if (host === 'shared' && !hello.loaded) {
          await provide(options, load, given, ways, listener, signal);
        }
        return { link, info: await link.callWith(given, 'load', load) };
      }
      link.close(missing(wanted));
    } catch (thrown) {
      link.close(thrown instanceof KingletError ? thrown : new KingletError('internal', String(thrown)));
      if (begun || wanted !== 'auto' || host !== 'shared' || toWire(thrown).code !== 'worker_failed') {
        throw thrown;
      }
      broken = true; // its script is not there, or cannot be a module: a worker will do
    } finally {
      ignore();
    }
  }
  throw missing(wanted);
}

function open(host: HostName, ways: Ways, options: KingletOptions, load: Calls['load'][0]): Opened {
  switch (host) {
    case 'worker':
      return ways.worker?.(options);
    case 'shared':
      return ways.shared?.(load);
    case 'here':
      return ways.here?.();
  }
}

/**
 * Asks a thread in which the engine could run whether it would; the thread ends with the answer.
 *
 * @throws KingletError as {@link begin}, and of reading the model's header.
 */
export async function ask(options: KingletOptions, load: Calls['load'][0], given: Given, ways: Ways): Promise<Availability> {
  // A shared worker is no better place to ask than a worker.
  const here = options.host === 'here' || ways.worker === undefined;
  const way = await open(here ? 'here' : 'worker', ways, options, load);
  if (way === undefined) {
    throw missing(here ? 'here' : 'worker');
  }
  const link = new Link(way, { progress: () => undefined, notice: () => undefined });
  const ignore = link.closeOn(options.signal);
  try {
    await link.greet();
    return await link.callWith(given, 'inspect', load);
  } finally {
    ignore();
    link.close(new KingletError('not_loaded', 'the question was answered'));
  }
}

/** What is tried, in this order. */
function candidates(wanted: HostName | 'auto'): HostName[] {
  switch (wanted) {
    case 'auto':
      return ['shared', 'shared', 'worker', 'here'];
    case 'shared':
      return ['shared', 'shared'];
    case 'worker':
    case 'here':
      return [wanted];
    default: {
      const message = `invalid request: host: expected "worker", "shared", "here" or "auto", got ${String(wanted)}`;
      throw new KingletError('invalid_request', message, { param: 'host' });
    }
  }
}

/** A shared worker only reads the store: what is not there is downloaded by a worker of this page. */
async function provide(
  options: KingletOptions,
  { sources, draft = [], reading }: Calls['load'][0],
  given: Given,
  ways: Ways,
  listener: Listener,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const files of [sources, draft]) {
    const stored = reading?.store !== 'none' && files.some(({ kind }) => kind !== 'blob');
    const way = stored ? await ways.worker?.(options) : undefined;
    if (way !== undefined) {
      await keep(way, { sources: files, ...(reading === undefined ? {} : { reading }) }, given, listener, signal);
    }
  }
}

/** The hello of a shared worker, or undefined when it does not come. */
async function greeting(link: Link, way: Way): Promise<Hello | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), HELLO_MS)));
  try {
    return await Promise.race([link.greet(await way.lock), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A shared worker without WebGPU does not do where the GPU is wanted, or would be taken if this page itself loaded the model. */
function suits({ gpu }: Hello, { backend }: KingletOptions): boolean {
  const here = (globalThis.navigator as { gpu?: unknown } | undefined)?.gpu !== undefined;
  return gpu || backend === 'cpu' || (backend !== 'gpu' && !here);
}

function missing(wanted: HostName | 'auto'): KingletError {
  const what: Record<HostName | 'auto', string> = {
    worker: 'Web Workers here, in which kinglet runs by default (in a service worker, import "kinglet/service-worker")',
    shared: 'shared workers here with all that host "shared" needs (module workers, Web Locks, and WebGPU unless backend is "cpu"); host "auto" takes a worker then',
    here: 'a way to run the engine in this thread',
    auto: 'anything here that the engine could run in',
  };
  return new KingletError('unsupported_browser', `this browser has no ${what[wanted]}`, { host: wanted });
}
