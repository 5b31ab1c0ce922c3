// Messages of LangChain as messages of OpenAI's shape, and answers back.

import { AIMessage, AIMessageChunk, isAIMessage, isToolMessage, type BaseMessage } from '@langchain/core/messages';
import type { AIMessageChunkFields, AIMessageFields, UsageMetadata } from '@langchain/core/messages';
import { KingletError } from '../errors.js';
import type { Body, WireAnswer, WireChunk, WireEnvelope, WireUsage } from './client.js';

const ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  developer: 'developer',
  tool: 'tool',
};

/** The messages of a conversation; an error names what in it cannot be sent, by its place. */
export function messagesOf(messages: readonly BaseMessage[]): Body[] {
  return messages.map((message, i) => {
    const at = `messages[${i}]`;
    const role = roleOf(message, at);
    const content = contentOf(message.content, at);
    const named = message.name === undefined ? {} : { name: message.name };
    if (isAIMessage(message)) {
      const calls = (message.tool_calls ?? []).map(({ id, name, args }, j) => ({
        id: id ?? `call-${i}-${j}`,
        type: 'function',
        function: { name, arguments: JSON.stringify(args) },
      }));
      return calls.length === 0
        ? { role, content, ...named }
        : { role, content: content === '' ? null : content, tool_calls: calls, ...named };
    }
    if (isToolMessage(message)) {
      return { role, content, tool_call_id: message.tool_call_id, ...named };
    }
    return { role, content, ...named };
  });
}

function roleOf(message: BaseMessage, at: string): string {
  const { type } = message;
  // A message with a role of the caller's own (`ChatMessage`).
  const role = type === 'generic' ? (message as BaseMessage & { role?: string }).role : ROLES[type];
  if (role === undefined) {
    throw refused(`${at}.type`, 'human, ai, system, tool or a role of its own', type);
  }
  return role;
}

function refused(param: string, expected: string, got: string): KingletError {
  return new KingletError('invalid_request', `invalid request: ${param}: expected ${expected}, got ${got}`, { param });
}

/** Blocks that say again what is elsewhere (`tool_calls`), or that no chat template repeats. */
const LEFT_OUT = ['tool_use', 'tool_call', 'tool_call_chunk', 'reasoning', 'thinking', 'non_standard'];

function contentOf(content: BaseMessage['content'], at: string): string | Body[] {
  if (typeof content === 'string') {
    return content;
  }
  const parts = content.flatMap((block, j): Body[] => {
    if (typeof block === 'string') {
      return [{ type: 'text', text: block }];
    }
    if (block.type === 'text' && typeof block['text'] === 'string') {
      return [{ type: 'text', text: block['text'] }];
    }
    if (LEFT_OUT.includes(block.type)) {
      return [];
    }
    throw refused(`${at}.content[${j}]`, 'text', block.type);
  });
  return parts.length === 0 ? '' : parts.length === 1 ? String(parts[0]?.['text']) : parts;
}

/** Token counts. The casts below: under `exactOptionalPropertyTypes` LangChain's type of `usage_metadata` is `never`. */
export function usageOf(usage: WireUsage): UsageMetadata {
  const cached = usage.prompt_tokens_details?.cached_tokens;
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    total_tokens: usage.total_tokens,
    ...(cached === undefined ? {} : { input_token_details: { cache_read: cached } }),
  };
}

/** What is known of the answer as a whole. */
function metadata(
  { model, kinglet }: WireEnvelope,
  finish: string | undefined,
  logprobs: object | null | undefined,
): Body {
  return {
    model_provider: 'kinglet',
    model_name: model,
    ...(finish ? { finish_reason: finish } : {}),
    ...(logprobs ? { logprobs } : {}),
    ...(kinglet ? { kinglet } : {}),
  };
}

/** A whole answer. Arguments that are not JSON (an answer cut off by its length) become an invalid call. */
export function messageOf(answer: WireAnswer): AIMessage {
  const choice = answer.choices[0];
  const parsed = (choice?.message.tool_calls ?? []).map(({ id, function: { name, arguments: text } }) => ({
    id,
    name,
    ...argumentsOf(text),
  }));
  const fields = {
    id: answer.id,
    content: choice?.message.content ?? '',
    tool_calls: parsed.flatMap(({ id, name, args }) => (args ? [{ id, name, args, type: 'tool_call' as const }] : [])),
    invalid_tool_calls: parsed.flatMap(({ id, name, text, error }) =>
      error === undefined ? [] : [{ id, name, args: text, error, type: 'invalid_tool_call' as const }],
    ),
    ...(answer.usage ? { usage_metadata: usageOf(answer.usage) } : {}),
    response_metadata: metadata(answer, choice?.finish_reason, choice?.logprobs),
  };
  return new AIMessage(fields as AIMessageFields);
}

function argumentsOf(text: string): { text: string; args?: Record<string, unknown>; error?: string } {
  try {
    const args: unknown = JSON.parse(text);
    return typeof args === 'object' && args !== null && !Array.isArray(args)
      ? { text, args: args as Record<string, unknown> }
      : { text, error: 'the arguments are no JSON object' };
  } catch (thrown) {
    return { text, error: String(thrown) };
  }
}

/** A piece of an answer. Names and reasons stand in one chunk only: LangChain joins chunks by appending. */
export function chunkOf(chunk: WireChunk): AIMessageChunk {
  const choice = chunk.choices[0];
  const last = choice?.finish_reason ?? undefined;
  const logprobs = choice?.logprobs ? { logprobs: choice.logprobs } : {};
  const fields = {
    id: chunk.id,
    content: choice?.delta.content ?? '',
    tool_call_chunks: (choice?.delta.tool_calls ?? []).map(({ index, id, function: called }) => ({
      type: 'tool_call_chunk' as const,
      index,
      ...(id === undefined ? {} : { id }),
      ...(called?.name === undefined ? {} : { name: called.name }),
      ...(called?.arguments === undefined ? {} : { args: called.arguments }),
    })),
    ...(chunk.usage ? { usage_metadata: usageOf(chunk.usage) } : {}),
    response_metadata: last === undefined ? logprobs : { ...metadata(chunk, last, null), ...logprobs },
  };
  return new AIMessageChunk(fields as AIMessageChunkFields);
}
