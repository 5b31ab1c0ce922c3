// Many requests under one budget.

import { number, object } from '../check.js';
import type { ChatCompletions } from '../chat.js';
import { cloned } from '../cloned.js';
import { aborted, KingletError } from '../errors.js';
import { callOf, invalid, refuseOthers, signalIn } from '../params.js';
import type { ChatCompletion, ChatParams } from '../types.js';

/** Options of `batch`. */
export interface BatchOptions {
  /** Micro-units that all of them may cost together. What is over it is answered here, where the mode has it. */
  budget: number;
  /** How many are under way at the same time: remote answers then overlap. The engine here answers one after the other. Default 4. */
  concurrency?: number;
  signal?: AbortSignal;
}

/** What came of one of them. */
export type BatchResult = { answer: ChatCompletion; error?: undefined } | { answer?: undefined; error: KingletError };

/** Answers all, in their order; one that fails is an error in its place. */
export async function batch(chat: ChatCompletions, requests: readonly ChatParams[], options: BatchOptions): Promise<BatchResult[]> {
  const { budget, concurrency = 4, signal: given, ...others } = object<BatchOptions>('options', options);
  refuseOthers('options', others, () => 'budget, concurrency or signal');
  const most = number('options.budget', budget, 0, Number.MAX_SAFE_INTEGER);
  if (most === undefined || !Number.isInteger(most)) {
    throw invalid('options.budget', 'micro-units, a whole number', String(budget));
  }
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw invalid('options.concurrency', 'a whole number of at least 1', String(concurrency));
  }
  if (!Array.isArray(requests)) {
    throw invalid('requests', 'a list', typeof requests);
  }
  const signal = signalIn(given === undefined ? undefined : { signal: given });
  const calls = requests.map((params: ChatParams, i) => {
    const call = callOf(params, signal === undefined ? undefined : { signal });
    if (call.stream) {
      throw invalid(`requests[${i}].stream`, 'none: whole answers', true);
    }
    return { ...call, request: cloned(call.request) };
  });
  const purse = { id: crypto.randomUUID?.() ?? String(Math.random()), most };
  const results: BatchResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < calls.length; i = next++) {
      const call = calls[i];
      if (call === undefined || signal?.aborted) {
        results[i] = { error: aborted(signal) };
        continue;
      }
      try {
        results[i] = { answer: (await chat.answer(call, { batch: purse })) as ChatCompletion };
      } catch (thrown) {
        results[i] = { error: thrown instanceof KingletError ? thrown : new KingletError('internal', String(thrown), {}, { cause: thrown }) };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, calls.length) }, work));
  return results;
}
