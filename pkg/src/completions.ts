// `completions`: raw text, continued, in OpenAI's older shape.

import type { Lasting } from './lasting.js';
import { callOf } from './params.js';
import type { Piece } from './protocol.js';
import { collect, envelope, own } from './shape.js';
import { pieces } from './stream.js';
import type {
  CallOptions,
  CompletionLogprobs,
  CompletionParams,
  FinishReason,
  TextChoice,
  TextChunk,
  TextCompletion,
  TokenLogprob,
  Usage,
} from './types.js';

/** `completions`. */
export class Completions {
  /** @internal */
  constructor(private readonly link: Lasting) {}

  /** Continues a text: piece by piece with `stream: true`, else when it is complete. */
  create(params: CompletionParams & { stream: true }, options?: CallOptions): Promise<AsyncIterableIterator<TextChunk>>;
  create(params: CompletionParams & { stream?: false | null }, options?: CallOptions): Promise<TextCompletion>;
  create(params: CompletionParams, options?: CallOptions): Promise<AsyncIterableIterator<TextChunk> | TextCompletion>;
  async create(
    params: CompletionParams,
    options?: CallOptions,
  ): Promise<AsyncIterableIterator<TextChunk> | TextCompletion> {
    const { request, stream, includeUsage, signal } = callOf(params, options);
    const answer = pieces(this.link, 'completion', request, signal);
    const { model } = this.link.info;
    const top = (params.logprobs ?? 0) > 0;
    return stream ? chunks(answer, model, top, includeUsage) : whole(answer, model, top);
  }
}

async function* chunks(
  answer: AsyncIterable<Piece>,
  model: string,
  top: boolean,
  includeUsage: boolean,
): AsyncGenerator<TextChunk, void, void> {
  const head = { ...envelope('cmpl', model), object: 'text_completion' as const };
  /** How far the tokens of each answer reach. */
  const offsets = new Map<number, number>();
  let usage: Usage | undefined;
  for await (const { index = 0, text, finish_reason, logprobs, timings, usage: spent } of answer) {
    usage = spent ?? usage;
    const list = legacy(logprobs?.content ?? [], top, offsets.get(index) ?? 0);
    offsets.set(index, list.end);
    yield {
      ...head,
      choices: [{ index, text, finish_reason: ended(finish_reason), logprobs: list.logprobs }],
      ...(includeUsage ? { usage: null } : {}),
      ...own(timings),
    };
  }
  if (includeUsage && usage !== undefined) {
    yield { ...head, choices: [], usage };
  }
}

async function whole(answer: AsyncIterable<Piece>, model: string, top: boolean): Promise<TextCompletion> {
  const { choices, usage, timings } = await collect(answer);
  return {
    ...envelope('cmpl', model),
    object: 'text_completion',
    choices: choices.map(({ text, finish, logprobs }, index) => ({
      index,
      text,
      finish_reason: ended(finish) ?? 'stop',
      logprobs: legacy(logprobs, top, 0).logprobs,
    })),
    usage,
    ...own(timings),
  };
}

/** Log-probabilities as lists; `offset`: where the first token begins. */
function legacy(
  content: readonly TokenLogprob[],
  top: boolean,
  offset: number,
): { logprobs: CompletionLogprobs | null; end: number } {
  if (content.length === 0) {
    return { logprobs: null, end: offset };
  }
  const text_offset: number[] = [];
  let end = offset;
  for (const { token } of content) {
    text_offset.push(end);
    end += token.length;
  }
  const logprobs = {
    tokens: content.map(({ token }) => token),
    token_logprobs: content.map(({ logprob }) => logprob),
    ...(top ? { top_logprobs: content.map((token) => alternatives(token)) } : {}),
    text_offset,
  };
  return { logprobs, end };
}

function alternatives({ top_logprobs }: TokenLogprob): Record<string, number> {
  return Object.fromEntries(top_logprobs.map(({ token, logprob }) => [token, logprob]));
}

/** Why it ended: there are no tools here that could be called. */
function ended(reason: FinishReason | null): TextChoice['finish_reason'] | null {
  return reason === 'tool_calls' ? 'stop' : reason;
}
