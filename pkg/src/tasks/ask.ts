// How a task asks the engine: a choice among labels, or an answer in words, always greedy.

import type { Lasting } from '../lasting.js';
import { KingletError } from '../errors.js';
import type { Choice, Piece } from '../protocol.js';
import type { Signals } from '../signals.js';
import { collect } from '../shape.js';
import { pieces } from '../stream.js';
import type { ChatMessage, FinishReason, Timings, Usage } from '../types.js';

/** An answer in words. */
export interface Words {
  text: string;
  finish: FinishReason;
  signals: Signals | undefined;
  usage: Usage;
  timings: Timings;
}

/** Scores every label as the answer. `always`: indices of labels whose score must be exact; `none`: of that which means none. */
export async function choose(
  link: Lasting,
  request: { messages: readonly ChatMessage[]; labels: readonly string[]; always?: readonly number[]; none?: number },
  signal: AbortSignal | undefined,
): Promise<Choice> {
  for await (const choice of pieces<Choice>(link, 'choice', request, signal)) {
    return choice;
  }
  throw new KingletError('internal', 'the engine ended a choice without one');
}

/** Lets the model answer, under a schema where there is one. */
export async function write(
  link: Lasting,
  request: { messages: readonly ChatMessage[]; response_format?: unknown },
  most: Most,
  signal: AbortSignal | undefined,
): Promise<Words> {
  const max_tokens = most.given ?? (await room(link, request.messages, most.otherwise));
  const body = { ...request, max_tokens, temperature: 0, kinglet: { signals: true } };
  const { choices, usage, ending } = await collect(pieces<Piece>(link, 'chat', body, signal));
  const { text = '', finish = 'stop' } = choices[0] ?? {};
  return { text, finish, signals: ending.signals, usage, timings: ending.timings ?? { prefill_ms: 0, decode_ms: 0, reused_tokens: 0 } };
}

/** Most tokens of an answer: what the app asked for, or so many as fit up to a bound of ours. */
export interface Most {
  given: number | undefined;
  otherwise: number;
}

/** What the context has left behind the prompt, `most` at most; where it has nothing, the engine says so. */
async function room(link: Lasting, messages: readonly ChatMessage[], most: number): Promise<number> {
  const prompt = await link.call('count', { request: { messages } });
  return Math.max(1, Math.min(most, link.info.context - prompt));
}
