// The package's front door.

import { create, type Kinglet } from './client.js';
import { findDesk } from './sources/desk.js';
import type { KingletOptions } from './types.js';
import { WAYS } from './ways.js';

export type { ChatCompletions } from './chat.js';
export type { Kinglet } from './client.js';
export type { Completions } from './completions.js';
export { KingletError, type ErrorCode } from './errors.js';
export { modelStore, type Inspection, type ModelStore } from './store/model-store.js';
export type { StoredFile } from './store/store.js';
export type * from './types.js';

/**
 * Loads a model, by default in a worker of its own.
 *
 * @example
 * const kinglet = await createKinglet({ model: '/models/model.gguf' });
 * const stream = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'Hi!' }], stream: true });
 * for await (const chunk of stream) console.log(chunk.choices[0].delta.content);
 *
 * @throws KingletError, for example `http`, `bad_file`, `too_large`, `gpu_unavailable`, `aborted`.
 */
export function createKinglet(options: KingletOptions): Promise<Kinglet> {
  return create(options, WAYS, findDesk);
}
