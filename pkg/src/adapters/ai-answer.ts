// Answers of OpenAI's shape as the AI SDK's content and stream parts.

import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
} from '@ai-sdk/provider';
import type { WireAnswer, WireChunk, WireEnvelope, WireToolCallDelta, WireUsage } from './client.js';
import { wholeCalls } from './client.js';
import { NAME } from './ai-request.js';

/** Why it ended, in the SDK's words and in ours. */
export function finishReason(raw: string | undefined): LanguageModelV4FinishReason {
  const unified = { stop: 'stop', length: 'length', tool_calls: 'tool-calls', content_filter: 'content-filter' } as const;
  return { unified: Object.hasOwn(unified, raw ?? '') ? unified[raw as keyof typeof unified] : 'other', raw };
}

/** Token counts; what the engine does not count stays undefined. */
export function usageOf(usage: WireUsage | null | undefined): LanguageModelV4Usage {
  const total = usage?.prompt_tokens;
  const cacheRead = usage?.prompt_tokens_details?.cached_tokens;
  return {
    inputTokens: {
      total,
      noCache: total === undefined ? undefined : total - (cacheRead ?? 0),
      cacheRead,
      cacheWrite: undefined,
    },
    outputTokens: { total: usage?.completion_tokens, text: usage?.completion_tokens, reasoning: undefined },
    ...(usage ? { raw: plain(usage) } : {}),
  };
}

/** `{kinglet: {timings, …}}`, with the log-probabilities where they were asked for. */
export function metadataOf(
  kinglet: object | undefined,
  logprobs: object | null | undefined,
): SharedV4ProviderMetadata | undefined {
  if (kinglet === undefined && !logprobs) {
    return undefined;
  }
  return { [NAME]: plain({ ...kinglet, ...(logprobs ? { logprobs } : {}) }) };
}

/** Plain data without undefined fields, which the SDK's JSON type has no place for. */
function plain(value: object): SharedV4ProviderMetadata[string] {
  return JSON.parse(JSON.stringify(value)) as SharedV4ProviderMetadata[string];
}

/** Id, time and model of an answer. */
export function responseOf({ id, created, model }: WireEnvelope): { id: string; timestamp: Date; modelId: string } {
  return { id, timestamp: new Date(created * 1000), modelId: model };
}

/** Text and whole tool calls of a whole answer. */
export function contentOf(answer: WireAnswer): LanguageModelV4Content[] {
  const [choice] = answer.choices;
  const message = choice?.message;
  const text: LanguageModelV4Content[] = message?.content ? [{ type: 'text', text: message.content }] : [];
  const calls = wholeCalls(message?.tool_calls ?? [], (call) => call.function.arguments, choice?.finish_reason).map(
    ({ id, function: { name, arguments: input } }): LanguageModelV4Content => ({
      type: 'tool-call',
      toolCallId: id,
      toolName: name,
      input,
    }),
  );
  return [...text, ...calls];
}

const TEXT = 'text';

/** Turns chunks into parts: feed it each chunk, then {@link finish}. */
export class Parts {
  private named = false;
  private text = false;
  private readonly calls = new Map<number, { id: string; name: string; input: string }>();
  private raw: string | undefined;
  private usage: WireUsage | null | undefined;
  private kinglet: object | undefined;
  private readonly logprobs: unknown[] = [];

  /** The parts that `chunk` brings. */
  *of(chunk: WireChunk): Generator<LanguageModelV4StreamPart> {
    if (!this.named) {
      this.named = true;
      yield { type: 'response-metadata', ...responseOf(chunk) };
    }
    this.usage = chunk.usage ?? this.usage;
    this.kinglet = chunk.kinglet ?? this.kinglet;
    const choice = chunk.choices[0];
    this.raw = choice?.finish_reason ?? this.raw;
    this.logprobs.push(...((choice?.logprobs as { content?: unknown[] } | null | undefined)?.content ?? []));
    const content = choice?.delta.content;
    if (content) {
      if (!this.text) {
        this.text = true;
        yield { type: 'text-start', id: TEXT };
      }
      yield { type: 'text-delta', id: TEXT, delta: content };
    }
    for (const delta of choice?.delta.tool_calls ?? []) {
      yield* this.call(delta);
    }
  }

  private *call({ index, id, function: called }: WireToolCallDelta): Generator<LanguageModelV4StreamPart> {
    let call = this.calls.get(index);
    if (call === undefined) {
      call = { id: id ?? `call-${index}`, name: called?.name ?? '', input: '' };
      this.calls.set(index, call);
      yield { type: 'tool-input-start', id: call.id, toolName: call.name };
    }
    const delta = called?.arguments;
    if (delta) {
      call.input += delta;
      yield { type: 'tool-input-delta', id: call.id, delta };
    }
  }

  /** The parts after the last chunk; `failed`: an error ended the answer. */
  *finish(failed = false): Generator<LanguageModelV4StreamPart> {
    if (this.text) {
      yield { type: 'text-end', id: TEXT };
    }
    const calls = failed ? [] : wholeCalls([...this.calls.values()], ({ input }) => input, this.raw);
    for (const { id, name, input } of calls) {
      yield { type: 'tool-input-end', id };
      yield { type: 'tool-call', toolCallId: id, toolName: name, input };
    }
    const providerMetadata = metadataOf(this.kinglet, this.logprobs.length > 0 ? { content: this.logprobs } : null);
    yield {
      type: 'finish',
      finishReason: failed ? { unified: 'error', raw: undefined } : finishReason(this.raw),
      usage: usageOf(this.usage),
      ...(providerMetadata ? { providerMetadata } : {}),
    };
  }
}
