// `chat.completions`: a conversation's answers in OpenAI's shape.

import { cloned } from './cloned.js';
import type { Beside, Decisions, Requested } from './escalation.js';
import type { Pending } from './pending.js';
import type { Lasting } from './lasting.js';
import { callOf, type Call } from './params.js';
import { collect, envelope, own, type Shown } from './shape.js';
import { pieces } from './stream.js';
import type { CallOptions, ChatChunk, ChatCompletion, ChatParams, Logprobs, TokenLogprob, Usage } from './types.js';

/** The head of an answer. */
type Head = ReturnType<typeof envelope>;

/** `chat.completions`. */
export class ChatCompletions {
  /** @internal */
  constructor(
    private readonly link: Lasting,
    private readonly decisions?: Decisions,
  ) {}

  /** Answers a conversation: piece by piece with `stream: true`, else when it is complete. */
  create(params: ChatParams & { stream: true }, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk>>;
  create(params: ChatParams & { stream?: false | null }, options?: CallOptions): Promise<ChatCompletion>;
  create(params: ChatParams, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion>;
  async create(params: ChatParams, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion> {
    return this.answer(callOf(params, options));
  }

  /** @internal */
  async answer(call: Call, beside?: Beside): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion> {
    const { stream, includeUsage, signal } = call;
    const acting = this.decisions?.acting;
    // What is decided on, shown to the user and sent is one request, whatever becomes of the app's objects meanwhile.
    const request = acting === undefined ? call.request : cloned(call.request);
    const head = envelope('chatcmpl', this.link.known ? this.link.info.model : (acting?.options.endpoints[0]?.model ?? ''));
    const requested: Requested = (await this.decisions?.request('chat', this.link, head.id, request, beside)) ?? { asked: request };
    const { asked, pending } = requested;
    if (pending !== undefined && acting !== undefined && (request['n'] ?? 1) === 1) {
      const answer = watched(acting.chat(this.link, { ...requested, pending }, request, signal, stream), () => this.decisions?.called(head.id));
      return stream ? chunks(answer, head, includeUsage, undefined) : whole(answer, head, undefined);
    }
    const answer = pieces(this.link, 'chat', asked, signal);
    return stream ? chunks(answer, head, includeUsage, pending) : whole(answer, head, pending);
  }
}

/** The same; `called` hears that it calls tools. */
async function* watched(answer: AsyncIterable<Shown>, called: () => void): AsyncGenerator<Shown, void, void> {
  for await (const piece of answer) {
    if (piece.tool_calls !== undefined) {
      called();
    }
    yield piece;
  }
}

async function* chunks(
  answer: AsyncIterable<Shown>,
  id: Head,
  includeUsage: boolean,
  pending: Pending | undefined,
): AsyncGenerator<ChatChunk, void, void> {
  const head = { ...id, object: 'chat.completion.chunk' as const };
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
      ...own({ ...ending, ...pending?.piece(ending) }),
    };
  }
  if (includeUsage && usage !== undefined) {
    yield { ...head, choices: [], usage };
  }
}

async function whole(answer: AsyncIterable<Shown>, head: Head, pending: Pending | undefined): Promise<ChatCompletion> {
  const { choices, usage, ending } = await collect(answer);
  return {
    ...head,
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
    ...own({ ...ending, ...pending?.whole(ending) }),
  };
}

function chat(content: TokenLogprob[] | undefined): Logprobs | null {
  return content === undefined || content.length === 0 ? null : { content, refusal: null };
}
