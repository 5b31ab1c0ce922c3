// The AI SDK's call options as a request body, with a warning for each that has no effect.

import type { LanguageModelV4CallOptions, SharedV4Warning } from '@ai-sdk/provider';
import { messagesOf } from './ai-prompt.js';
import { given, placed, type Body } from './client.js';

/** Options under this name in `providerOptions` become parameters of the request. */
export const NAME = 'kinglet';

/** The body of a request, and what of the options it leaves out. */
export function requestOf(options: LanguageModelV4CallOptions): { body: Body; warnings: SharedV4Warning[] } {
  const warnings: SharedV4Warning[] = [];
  const { stopSequences: stop, reasoning } = options;
  if (reasoning !== undefined && reasoning !== 'provider-default') {
    const details = 'what a chat template knows of it can be set with providerOptions.kinglet.chat_template_kwargs';
    warnings.push({ type: 'unsupported', feature: 'reasoning', details });
  }
  const tools = (options.tools ?? []).flatMap((tool) => {
    if (tool.type === 'function') {
      const { name, description, inputSchema: parameters, strict } = tool;
      return [{ type: 'function', function: given({ name, description, parameters, strict }) }];
    }
    warnings.push({ type: 'unsupported', feature: `tool ${tool.id}`, details: 'tools of other providers cannot be run here' });
    return [];
  });
  const body = placed({
    messages: messagesOf(options.prompt),
    max_completion_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    seed: options.seed,
    stop: stop === undefined || stop.length === 0 ? undefined : stop,
    response_format: responseFormat(options.responseFormat),
    ...(tools.length > 0 ? { tools, tool_choice: toolChoice(options.toolChoice) } : {}),
    ...options.providerOptions?.[NAME],
  });
  return { body, warnings };
}

function responseFormat(format: LanguageModelV4CallOptions['responseFormat']): Body | undefined {
  if (format?.type !== 'json') {
    return undefined;
  }
  if (format.schema === undefined) {
    return { type: 'json_object' };
  }
  const { schema, name = 'response', description } = format;
  return { type: 'json_schema', json_schema: given({ name, description, schema, strict: true }) };
}

function toolChoice(choice: LanguageModelV4CallOptions['toolChoice']): unknown {
  return choice?.type === 'tool' ? { type: 'function', function: { name: choice.toolName } } : choice?.type;
}
