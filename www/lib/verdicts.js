// Whether a model will run here, in words, said before a byte of its weights is fetched: roughly from the catalogue's numbers, or exactly
// as the package's `availability` has found.

import { contextsOf, memoryOf, SHARE } from '../services/memory.js';
import { bytes } from './format.js';

/** One Wasm memory. */
const WASM = 2 ** 32 - 2 ** 27;
/** From so many parameters on, a processor answers at a reader's pace or below. */
const SLOW = 1.5e9;

/** An exact answer in words: `{level: 'good' | 'tight' | 'bad', text}`. */
export function inWords(found, { wanted = 4096 } = {}) {
  const where = found.backend === 'gpu' ? 'on the GPU' : 'on the processor';
  switch (found.status) {
    case 'available':
    case 'downloadable': {
      const { context, trained_context } = found.model;
      const less = context < Math.min(wanted, trained_context);
      return { level: less ? 'tight' : 'good', text: `${less ? 'Fits' : 'Runs'} ${where} with ${context} tokens; takes ${bytes(found.memory.needed)}.` };
    }
    case 'too_large':
      return found.code === 'quota_exceeded'
        ? { level: 'bad', text: `Not enough storage: needs ${bytes(found.download.needed)}, there are ${bytes(found.download.available)}.` }
        : { level: 'bad', text: `Too large: needs ${bytes(found.memory.needed)}${found.memory.available ? `, there are ${bytes(found.memory.available)}` : ''}.` };
    default:
      return { level: 'bad', text: `Cannot run here: ${found.reason}` };
  }
}

/** From the catalogue alone: `{level, text}` as above, `level` 'unknown' where nobody can say. */
export function estimate(entry, device, { backend = 'auto', context, cacheType = 'f16' } = {}) {
  if (device === undefined) return { level: 'unknown', text: 'Looking at this device…' };
  const contexts = context ? [context] : contextsOf(entry.context);
  const takes = (tokens) => memoryOf(entry, tokens, cacheType);
  if (takes(contexts[0]) === undefined) return { level: 'unknown', text: 'Its size is not known; ask the file.' };
  const size = entry.bytes ?? entry.estimated_bytes;
  const free = device.room?.available;
  if (free !== undefined && size > free) return { level: 'bad', text: `Not enough storage: ${bytes(size)} to download, ${bytes(free)} free.` };
  const gpu = backend !== 'cpu' && device.gpu && (backend === 'gpu' || !device.gpu.software);
  if (backend === 'gpu' && !gpu) return { level: 'bad', text: 'There is no GPU that this browser lets a page use.' };
  const room = Math.min(gpu ? Infinity : WASM, device.memory === undefined || device.memoryAtLeast ? Infinity : device.memory * SHARE);
  const fits = contexts.find((tokens) => takes(tokens) <= room);
  if (fits === undefined) return { level: 'bad', text: `Too large: takes about ${bytes(takes(contexts.at(-1)))}, a page can have about ${bytes(room)}.` };
  const where = gpu ? 'on the GPU' : 'on the processor';
  const slow = !gpu && entry.parameters > SLOW ? ', slowly,' : '';
  const level = fits < contexts[0] || slow ? 'tight' : 'good';
  const unknown = device.memory === undefined ? ` if this device has ${bytes(takes(fits))} to spare` : '';
  return { level, text: `Should ${fits < contexts[0] ? 'fit' : 'run'} ${where}${slow} with ${fits} tokens${unknown}.` };
}
