// `chat.completions`: a conversation's answers in OpenAI's shape.

import type { Lasting } from './lasting.js';
import { callOf } from './params.js';
import type { Piece } from './protocol.js';
import { collect, envelope, own } from './shape.js';
import { pieces } from './stream.js';
import type { CallOptions, ChatChunk, ChatCompletion, ChatParams, Logprobs, TokenLogprob, Usage } from './types.js';

/** `chat.completions`. */
export class ChatCompletions {
  /** @internal */
  constructor(private readonly link: Lasting) {}

  /** Answers a conversation: piece by piece with `stream: true`, else when it is complete. */
  create(params: ChatParams & { stream: true }, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk>>;
  create(params: ChatParams & { stream?: false | null }, options?: CallOptions): Promise<ChatCompletion>;
  create(params: ChatParams, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion>;
  async create(params: ChatParams, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion> {
    const { request, stream, includeUsage, signal } = callOf(params, options);
    const answer = pieces(this.link, 'chat', request, signal);
    const { model } = this.link.info;
    return stream ? chunks(answer, model, includeUsage) : whole(answer, model);
  }
}

async function* chunks(
  answer: AsyncIterable<Piece>,
  model: string,
  includeUsage: boolean,
): AsyncGenerator<ChatChunk, void, void> {
  const head = { ...envelope('chatcmpl', model), object: 'chat.completion.chunk' as const };
  const begun = new Set<number>();
  let usage: Usage | undefined;
  for await (const { index = 0, text, tool_calls, finish_reason, logprobs, usage: spent, ...ending } of answer) {
    const role = begun.has(index) ? {} : { role: 'assistant' as const };
    begun.add(index);
    usage = spent ?? usage;
    const delta = { ...role, ...(text ? { content: text } : {}), ...(tool_calls ? { tool_calls } : {}) };
    yield {
      ...head,
      choices: [{ index, delta, finish_reason, logprobs: chat(logprobs?.content) }],
      ...(includeUsage ? { usage: null } : {}),
      ...own(ending),
    };
  }
  if (includeUsage && usage !== undefined) {
    yield { ...head, choices: [], usage };
  }
}

async function whole(answer: AsyncIterable<Piece>, model: string): Promise<ChatCompletion> {
  const { choices, usage, ending } = await collect(answer);
  return {
    ...envelope('chatcmpl', model),
    object: 'chat.completion',
    choices: choices.map(({ text, finish, logprobs, calls }, index) => ({
      index,
      message: {
        role: 'assistant',
        // As OpenAI has it: a message that only calls has no content.
        content: text === '' && calls.length > 0 ? null : text,
        refusal: null,
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      },
      finish_reason: finish,
      logprobs: chat(logprobs),
    })),
    usage,
    ...own(ending),
  };
}

function chat(content: TokenLogprob[] | undefined): Logprobs | null {
  return content === undefined || content.length === 0 ? null : { content, refusal: null };
}
