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

/** What is not OpenAI's: on a whole answer, and on the piece that ends one, with its times. */
export function own({ timings, signals, aborted, decision, source, provenance, escalation, cost, currency, warnings, parts }: Ending): Pick<Envelope, 'kinglet'> {
  const known = { timings, signals, aborted, decision, source, provenance, escalation, cost, currency, warnings, parts };
  const given = Object.entries(known).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { kinglet: Object.fromEntries(given) as Partial<Own> as Own };
}

/** What stands on an answer's last piece only, but for the parts of a hand-over. */
export type Ending = Partial<Own>;

/** A piece of an answer, whoever gives it. */
export type Shown = Piece & Ending;

/** Of several answers: the last one's times, the first one's signals, with the agreement that the last one found. */
export function joined(all: Ending, { timings, signals, aborted, decision, source, provenance, escalation, cost, currency, warnings }: Ending): void {
  const latest = Object.entries({ timings, aborted, decision, source, provenance, escalation, cost, currency, warnings });
  Object.assign(all, Object.fromEntries(latest.filter(([, value]) => value !== undefined)));
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
export async function collect(answer: AsyncIterable<Shown>): Promise<Collected> {
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
