// `availability`: whether a model would run here, asked before anything of it is downloaded but its header.

import { aborted, KingletError, toWire } from './errors.js';
import { ask, type Ways } from './hosts.js';
import { checkOptions, loadArguments } from './options.js';
import { invalid } from './params.js';
import type { FindDesk } from './sources/resolve.js';
import type { Given } from './sources/supply.js';
import type { Availability, KingletOptions } from './types.js';

/** `availability`, with the ways to an engine that there are. */
export async function availabilityOf(options: KingletOptions, ways: Ways, findDesk?: FindDesk): Promise<Availability> {
  checkOptions(options);
  if (options.signal?.aborted) {
    throw aborted(options.signal);
  }
  if (typeof options.worker === 'object' && !(options.worker instanceof URL)) {
    throw invalid('worker', 'an address, or a function that makes a worker: this call needs one of its own', 'a Worker');
  }
  const given: Given = { fetch: options.fetch, streams: [] };
  const load = await loadArguments(options, given, findDesk);
  try {
    return await ask(options, load, given, ways);
  } catch (thrown) {
    const { code, message } = toWire(thrown);
    if (code === 'unsupported_browser' && thrown instanceof KingletError) {
      return { status: 'unsupported', code, reason: message };
    }
    throw thrown;
  }
}
