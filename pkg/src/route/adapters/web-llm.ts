// Signals of WebLLM (@mlc-ai/web-llm): ask it with `logprobs: true` and `top_logprobs: 5`. With `top_logprobs` left out or 0
// it measures none. Its probabilities are after temperature and penalties: hence `origin: 'reported'`.

import type { Signals } from '../types.js';
import { fromOpenAI, type AdapterOptions, type Answer } from './openai.js';

/** Signals of what `engine.chat.completions.create` or `engine.completions.create` gave: the answer, or all chunks. */
export function fromWebLLM(answer: Answer | readonly Answer[], options?: AdapterOptions): Promise<Signals> {
  return fromOpenAI(answer, options);
}
