// What all of OpenAI's answers share: their head, and the pieces of each answer put together.

import type { Piece } from './protocol.js';
import type { Envelope, FinishReason, Own, TokenLogprob, ToolCall, Usage } from './types.js';

/** The head of an answer, the same on all chunks of one. */
export function envelope(prefix: string, model: string): Pick<Envelope, 'id' | 'created' | 'model'> {
  // `crypto.randomUUID` is missing on plain http.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { id: `${prefix}-${hex}`, created: Math.floor(Date.now() / 1000), model };
}

/** What is not OpenAI's. */
export function own({ timings, signals, aborted, decision }: Ending): Pick<Envelope, 'kinglet'> {
  if (timings === undefined) {
    return {};
  }
  return { kinglet: { timings, ...(signals ? { signals } : {}), ...(aborted ? { aborted } : {}), ...(decision ? { decision } : {}) } };
}

/** What stands on an answer's last piece only. */
export type Ending = Partial<Own>;

/** Of several answers: the last one's times, the first one's signals, with the agreement that the last one found. */
export function joined(all: Ending, { timings, signals, aborted }: Ending): void {
  Object.assign(all, timings && { timings }, aborted && { aborted });
  if (signals && all.signals === undefined) {
    all.signals = { ...signals };
  } else if (signals && all.signals && all.signals.agreement === null) {
    Object.assign(all.signals, { agreement: signals.agreement, samples: signals.samples });
  }
}

/** One answer, put together. */
export interface Gathered {
  text: string;
  logprobs: TokenLogprob[];
  calls: ToolCall[];
  finish: FinishReason;
}

/** All answers of a request by index. */
export interface Collected {
  choices: Gathered[];
  usage: Usage;
  ending: Ending;
}

/** Reads all pieces. */
export async function collect(answer: AsyncIterable<Piece>): Promise<Collected> {
  const choices: Gathered[] = [];
  let usage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const ending: Ending = {};
  for await (const piece of answer) {
    const choice = (choices[piece.index ?? 0] ??= { text: '', logprobs: [], calls: [], finish: 'stop' });
    choice.text += piece.text;
    choice.logprobs.push(...(piece.logprobs?.content ?? []));
    for (const { index, id = '', function: part } of piece.tool_calls ?? []) {
      const call = (choice.calls[index] ??= { id, type: 'function', function: { name: part.name ?? '', arguments: '' } });
      call.function.arguments += part.arguments;
    }
    choice.finish = piece.finish_reason ?? choice.finish;
    usage = piece.usage ?? usage;
    joined(ending, piece);
  }
  return { choices, usage, ending };
}
