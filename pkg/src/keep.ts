// Puts a model into the store without an engine: for threads that only read the store, and for a page that wants to have
// the download behind it.

import { aborted, KingletError } from './errors.js';
import type { Way, Ways } from './hosts.js';
import { Link, type Listener } from './link.js';
import { checkOptions } from './options.js';
import { invalid } from './params.js';
import { told } from './progress.js';
import type { Calls } from './protocol.js';
import { readingOf, resolveModel, type FindDesk } from './sources/resolve.js';
import type { Given } from './sources/supply.js';
import type { KingletOptions } from './types.js';

/** What `downloadModel` takes of the options of `createKinglet`. */
export type DownloadOptions = Pick<
  KingletOptions,
  'model' | 'store' | 'retry' | 'fetch' | 'headers' | 'worker' | 'onProgress' | 'onNotice' | 'signal'
> & {
  /** Reads what is there already, too, and fetches again what is damaged of it (notice `chunk_repaired`). */
  check?: boolean;
};

/** `downloadModel`, with the ways that there are. */
export async function download({ check = false, ...options }: DownloadOptions, ways: Ways, findDesk: FindDesk): Promise<void> {
  checkOptions(options);
  if (typeof check !== 'boolean') {
    throw invalid('check', 'true or false', check);
  }
  const { signal, store } = options;
  if (signal?.aborted) {
    throw aborted(signal);
  }
  if (store === 'none') {
    throw new KingletError('invalid_request', 'invalid request: store: expected a place to keep the model, got "none"', { param: 'store' });
  }
  const given: Given = { fetch: options.fetch, streams: [] };
  const sources = await resolveModel(options.model, given, findDesk);
  const listener: Listener = {
    progress: (report) => options.onProgress?.(told(report)),
    notice: (notice) => options.onNotice?.(notice),
  };
  const way = await ways.worker?.(options);
  if (way === undefined) {
    throw new KingletError('unsupported_browser', 'this browser has no Web Workers here, which a download takes', { host: 'worker' });
  }
  await keep(way, { sources, reading: readingOf(options), check }, given, listener, signal);
}

/** Has the worker at the end of `way` put the model's files into the store; then it ends. */
export async function keep(way: Way, args: Calls['keep'][0], given: Given, listener: Listener, signal: AbortSignal | undefined): Promise<void> {
  const link = new Link(way, listener);
  const ignore = link.closeOn(signal);
  try {
    await link.greet();
    await link.callWith(given, 'keep', args);
  } finally {
    ignore();
    link.close(new KingletError('not_loaded', 'this worker was for downloading only'));
  }
}
