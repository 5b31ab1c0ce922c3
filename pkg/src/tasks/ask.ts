// How a task asks the engine: a choice among labels, or an answer in words, always greedy; and whether further answers, drawn
// from the same prompt, say the same.

import type { Lasting } from '../lasting.js';
import { KingletError } from '../errors.js';
import { estimated, tokensOf } from '../facts.js';
import type { Pending } from '../pending.js';
import type { Choice, Piece } from '../protocol.js';
import type { Signals } from '../signals.js';
import { collect } from '../shape.js';
import { pieces } from '../stream.js';
import type { ChatMessage, FinishReason, Timings, Usage } from '../types.js';
import { agreement } from './agree.js';

/** How further answers are drawn: as the model itself would, and the same ones for the same request. */
const DRAWN = { temperature: 1, seed: 1 };

/** An answer in words. */
export interface Words {
  text: string;
  finish: FinishReason;
  signals: Signals | undefined;
  usage: Usage;
  timings: Timings;
  aborted: 'mid_abort' | undefined;
}

/** Tokens of a request, as far as they are known before it is answered. */
export interface Size {
  prompt_tokens: number;
  /** Most of the answer. */
  max_tokens: number;
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

/** Lets the model answer, under a schema where there is one. `samples`: how many answers are compared, this one among them. */
export async function write(
  link: Lasting,
  request: { messages: readonly ChatMessage[]; response_format?: unknown },
  size: { max_tokens: number },
  rule: Pending['rule'],
  { samples, signal }: { samples: number | undefined; signal: AbortSignal | undefined },
): Promise<Words> {
  const kinglet = { signals: true, ...(rule === undefined ? {} : { abort: rule }) };
  const body = { ...request, max_tokens: size.max_tokens, temperature: 0, kinglet };
  const { choices, usage, ending } = await collect(pieces<Piece>(link, 'chat', body, signal));
  const { text = '', finish = 'stop' } = choices[0] ?? {};
  const timings = ending.timings ?? { prefill_ms: 0, decode_ms: 0, reused_tokens: 0 };
  const words: Words = { text, finish, signals: ending.signals, usage, timings, aborted: ending.aborted };
  if (samples === undefined || words.aborted !== undefined) {
    return words; // of a fragment nothing can be said
  }
  const more = { ...request, ...DRAWN, n: samples - 1, max_tokens: size.max_tokens };
  const begun = performance.now();
  const { choices: drawn, usage: spent } = await collect(pieces<Piece>(link, 'chat', more, signal));
  const said = [text, ...drawn.map((choice) => choice.text)];
  if (words.signals !== undefined) {
    Object.assign(words.signals, { agreement: agreement(said, request.response_format !== undefined), samples: said.length });
  }
  words.usage = { ...usage, completion_tokens: usage.completion_tokens + spent.completion_tokens, total_tokens: usage.total_tokens + spent.completion_tokens };
  words.timings = { ...timings, decode_ms: timings.decode_ms + performance.now() - begun };
  return words;
}

/** Most tokens of an answer: what the app asked for, or so many as fit up to a bound of ours. */
export interface Most {
  given: number | undefined;
  otherwise: number;
}

/** Of an answer in words. Where the context has no room behind the prompt, the engine says so. */
export async function sizeOfWords(link: Lasting, messages: readonly ChatMessage[], most: Most): Promise<Size> {
  const prompt = link.loaded ? await tokensOf(link, { messages }) : estimated({ messages });
  const room = link.known ? link.info.context - prompt : most.otherwise;
  return { prompt_tokens: prompt, max_tokens: most.given ?? Math.max(1, Math.min(most.otherwise, room)) };
}

/** Of a choice among labels; the longest one and what ends it, as the most that is answered. */
export async function sizeOfChoice(link: Lasting, prompt: readonly ChatMessage[] | string, labels: readonly string[]): Promise<Size> {
  if (!link.loaded) {
    const estimate = estimated({ messages: [prompt, ...labels] });
    return { prompt_tokens: estimate, max_tokens: estimate };
  }
  const tokens = async (text: string): Promise<number> => (await link.call('tokenize', { text, special: 'text' })).length;
  const prompt_tokens = typeof prompt === 'string' ? await tokens(prompt) : await tokensOf(link, { messages: prompt });
  const longest = labels.reduce((a, b) => (b.length > a.length ? b : a), '');
  return { prompt_tokens, max_tokens: (await tokens(longest)) + 1 };
}
