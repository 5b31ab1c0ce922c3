// Signals of wllama (@wllama/wllama, from version 3 on): ask it with `logprobs: true` and `top_logprobs: 5`, or a raw
// completion with `logprobs: 5`; chunks of a raw completion have none.

import type { Signals } from '../types.js';
import { fromOpenAI, type AdapterOptions, type Answer } from './openai.js';

/** Signals of what `createChatCompletion` or `createCompletion` gave: the answer, or all chunks. */
export function fromWllama(answer: Answer | readonly Answer[], options?: AdapterOptions): Promise<Signals> {
  return fromOpenAI(answer, options);
}
