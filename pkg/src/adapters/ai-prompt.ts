// The AI SDK's prompt as messages of OpenAI's shape. What the engine could not see is refused, not left out.

import type { LanguageModelV4FilePart, LanguageModelV4Prompt, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import { KingletError } from '../errors.js';
import type { Body, WireToolCall } from './client.js';

type Message = LanguageModelV4Prompt[number];
type AssistantPart = Extract<Message, { role: 'assistant' }>['content'][number];

/** A text part. */
interface Text {
  type: 'text';
  text: string;
}

/** The messages of a prompt; an error names what in it cannot be sent, by its place. */
export function messagesOf(prompt: LanguageModelV4Prompt): Body[] {
  return prompt.flatMap((message, i) => {
    const at = `messages[${i}]`;
    switch (message.role) {
      case 'system':
        return [{ role: 'system', content: message.content }];
      case 'user':
        return [{ role: 'user', content: plain(message.content.map((part, j) => textOf(part, `${at}.content[${j}]`))) }];
      case 'assistant':
        return [assistant(message.content, at)];
      case 'tool':
        return message.content.map((part, j) => {
          if (part.type !== 'tool-result') {
            throw refused(`${at}.content[${j}]`, 'a tool result', part.type);
          }
          return toolResult(part, `${at}.content[${j}]`);
        });
      default:
        throw refused(at, 'a role that kinglet knows', String((message as { role: unknown }).role));
    }
  });
}

function refused(param: string, expected: string, got: string): KingletError {
  return new KingletError('invalid_request', `invalid request: ${param}: expected ${expected}, got ${got}`, { param });
}

/** A string where one part says it all, which every chat template takes. */
function plain(parts: Text[]): string | Text[] {
  return parts.length === 1 ? (parts[0]?.text ?? '') : parts;
}

function textOf(part: { type: 'text'; text: string } | LanguageModelV4FilePart, at: string): Text {
  return { type: 'text', text: part.type === 'text' ? part.text : fileText(part, at) };
}

/** The text of a file that is one; images and other media are refused. */
function fileText({ mediaType, data }: Pick<LanguageModelV4FilePart, 'mediaType' | 'data'>, at: string): string {
  if (data.type === 'text') {
    return data.text;
  }
  if (data.type === 'data' && (mediaType === 'text' || mediaType.startsWith('text/'))) {
    const bytes = typeof data.data === 'string' ? base64(data.data, at) : data.data;
    return new TextDecoder().decode(bytes);
  }
  throw refused(at, 'text', `a file of type ${mediaType}`);
}

function base64(text: string, at: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    throw refused(at, 'base64', 'something else');
  }
}

function assistant(parts: readonly AssistantPart[], at: string): Body {
  let content = '';
  const calls: WireToolCall[] = [];
  parts.forEach((part, j) => {
    switch (part.type) {
      case 'text':
        content += part.text;
        return;
      case 'tool-call':
        calls.push({
          id: part.toolCallId,
          type: 'function',
          function: { name: part.toolName, arguments: JSON.stringify(part.input ?? {}) },
        });
        return;
      case 'reasoning':
      case 'custom':
        return; // what another provider thought or noted: chat templates leave it out of earlier turns
      default:
        throw refused(`${at}.content[${j}]`, 'text or a tool call', part.type);
    }
  });
  return calls.length === 0
    ? { role: 'assistant', content }
    : { role: 'assistant', content: content === '' ? null : content, tool_calls: calls };
}

function toolResult(part: LanguageModelV4ToolResultPart, at: string): Body {
  return { role: 'tool', tool_call_id: part.toolCallId, name: part.toolName, content: resultText(part.output, at) };
}

function resultText(output: LanguageModelV4ToolResultPart['output'], at: string): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value);
    case 'execution-denied':
      return output.reason ?? 'The call was denied.';
    case 'content':
      return output.value
        .map((part, j) => {
          if (part.type === 'text') {
            return part.text;
          }
          if (part.type === 'file') {
            return fileText(part, `${at}.output[${j}]`);
          }
          throw refused(`${at}.output[${j}]`, 'text', part.type);
        })
        .join('\n');
  }
}
