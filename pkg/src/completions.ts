// `completions`: raw text, continued, in OpenAI's older shape.

import type { Decisions } from './escalation.js';
import type { Pending } from './pending.js';
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

/** The head of an answer. */
type Head = ReturnType<typeof envelope>;

/** `completions`. */
export class Completions {
  /** @internal */
  constructor(
    private readonly link: Lasting,
    private readonly decisions?: Decisions,
  ) {}

  /** Continues a text: piece by piece with `stream: true`, else when it is complete. */
  create(params: CompletionParams & { stream: true }, options?: CallOptions): Promise<AsyncIterableIterator<TextChunk>>;
  create(params: CompletionParams & { stream?: false | null }, options?: CallOptions): Promise<TextCompletion>;
  create(params: CompletionParams, options?: CallOptions): Promise<AsyncIterableIterator<TextChunk> | TextCompletion>;
  async create(
    params: CompletionParams,
    options?: CallOptions,
  ): Promise<AsyncIterableIterator<TextChunk> | TextCompletion> {
    const { request, stream, includeUsage, signal } = callOf(params, options);
    const head = envelope('cmpl', this.link.known ? this.link.info.model : '');
    const { asked, pending } = (await this.decisions?.request('completion', this.link, head.id, request)) ?? { asked: request };
    const answer = pieces(this.link, 'completion', asked, signal);
    const top = (params.logprobs ?? 0) > 0;
    return stream ? chunks(answer, head, top, includeUsage, pending) : whole(answer, head, top, pending);
  }
}

async function* chunks(
  answer: AsyncIterable<Piece>,
  id: Head,
  top: boolean,
  includeUsage: boolean,
  pending: Pending | undefined,
): AsyncGenerator<TextChunk, void, void> {
  const head = { ...id, object: 'text_completion' as const };
  const offsets = new Map<number, Offsets>();
  let usage: Usage | undefined;
  for await (const { index = 0, text, finish_reason, logprobs, usage: spent, ...ending } of answer) {
    usage = spent ?? usage;
    const offset = offsets.get(index) ?? new Offsets();
    offsets.set(index, offset);
    yield {
      ...head,
      choices: [{ index, text, finish_reason: ended(finish_reason), logprobs: legacy(logprobs?.content ?? [], top, offset) }],
      ...(includeUsage ? { usage: null } : {}),
      ...own({ ...ending, ...pending?.piece(ending) }),
    };
  }
  if (includeUsage && usage !== undefined) {
    yield { ...head, choices: [], usage };
  }
}

async function whole(answer: AsyncIterable<Piece>, head: Head, top: boolean, pending: Pending | undefined): Promise<TextCompletion> {
  const { choices, usage, ending } = await collect(answer);
  return {
    ...head,
    object: 'text_completion',
    choices: choices.map(({ text, finish, logprobs }, index) => ({
      index,
      text,
      finish_reason: ended(finish) ?? 'stop',
      logprobs: legacy(logprobs, top, new Offsets()),
    })),
    usage,
    ...own({ ...ending, ...pending?.whole(ending) }),
  };
}

/** Where the tokens of one answer begin in its text: a character may be made of several tokens, so their bytes count. */
class Offsets {
  private end = 0;
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** Where the next token begins. */
  next({ token, bytes }: TokenLogprob): number {
    const begin = this.end;
    this.end += bytes === null ? token.length : this.decoder.decode(Uint8Array.from(bytes), { stream: true }).length;
    return begin;
  }
}

/** Log-probabilities as lists. */
function legacy(content: readonly TokenLogprob[], top: boolean, offsets: Offsets): CompletionLogprobs | null {
  if (content.length === 0) {
    return null;
  }
  return {
    tokens: content.map(({ token }) => token),
    token_logprobs: content.map(({ logprob }) => logprob),
    ...(top ? { top_logprobs: content.map((token) => alternatives(token)) } : {}),
    text_offset: content.map((token) => offsets.next(token)),
  };
}

/** Tokens may share a text (parts of characters do): the likeliest, which comes first, has it. */
function alternatives({ top_logprobs }: TokenLogprob): Record<string, number> {
  const likeliest = new Map<string, number>();
  for (const { token, logprob } of top_logprobs) {
    likeliest.set(token, likeliest.get(token) ?? logprob);
  }
  return Object.fromEntries(likeliest);
}

/** Why it ended: there are no tools here that could be called. */
function ended(reason: FinishReason | null): TextChoice['finish_reason'] | null {
  return reason === 'tool_calls' ? 'stop' : reason;
}
