// The app's bound of memory: the largest context, and the most exact cache, that fit into it.
import { availability } from '../pkg/dist/index.js';
import { EmbedError } from '../pkg/dist/embed/index.js';

/** The least context that is worth loading, in tokens, and what contexts are rounded down to. */
const LEAST = 256;
const STEP = 64;
/** Bytes of a cache in `q8_0`, against one in `f16`. */
const Q8 = 9 / 16;

/**
 * What to load: `{context, cacheType, found}`; `found` is what `availability` says of it. Without a bound: as it was asked for.
 *
 * @throws EmbedError `too_large` with numbers; KingletError where the header cannot be had.
 */
export async function fit(options, memory) {
  const ask = async (more) => ({ ...more, found: await availability({ ...options, ...more }) });
  const first = await ask({ cacheType: options.cacheType ?? 'f16' });
  const { model, memory: room } = first.found;
  if (memory === undefined || model === undefined || room === undefined || first.found.status === 'unsupported') return first;
  if (first.found.status !== 'too_large' && room.needed <= memory) return first;
  const wanted = options.context ?? model.context;
  const fixed = room.needed - model.memory.cache;
  const token = model.memory.cache / model.context;
  for (const { cacheType, factor } of caches(options)) {
    let context = Math.min(wanted, Math.floor((memory - fixed) / (token * factor) / STEP) * STEP);
    // What one token takes is nearly the same at every length: a step or two down where it is not.
    for (let tries = 0; tries < 4 && context >= Math.min(LEAST, wanted); tries++, context -= STEP) {
      const next = await ask({ context, cacheType });
      if (next.found.status !== 'too_large' && (next.found.memory?.needed ?? Infinity) <= memory) return next;
    }
  }
  const least = Math.ceil(fixed + token * Math.min(LEAST, wanted) * Math.min(...caches(options).map(({ factor }) => factor)));
  const detail = { needed: least, available: memory, weights: model.memory.weights, activations: model.memory.activations, per_token: Math.ceil(token), context: wanted };
  throw new EmbedError('too_large', `too large: at least ${least} bytes are needed for ${Math.min(LEAST, wanted)} tokens of context, the app allows ${memory}`, detail);
}

/** In which order: all of the context in a smaller cache is better than less context; a demanded one stays. */
function caches({ cacheType }) {
  return [cacheType === undefined ? { cacheType: 'q8_0', factor: Q8 } : { cacheType, factor: 1 }];
}
