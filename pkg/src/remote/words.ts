// A form of the answer asked for in words, for services that know no `response_format`.

import type { ChatMessage, ResponseFormat } from '../openai.js';
import type { Payload } from './types.js';

/** The sentence, where the answer is to have a form. What comes is checked against it like every answer. */
export function formInWords(format: ResponseFormat | null | undefined): string | undefined {
  if (format?.type === 'json_object') {
    return 'Answer with one JSON object and nothing else: no explanation, no code fence.';
  }
  if (format?.type !== 'json_schema') {
    return undefined;
  }
  const { schema, description } = format.json_schema;
  const about = description === undefined ? '' : ` It is: ${description}`;
  return `Answer with one JSON value that this JSON Schema allows, and nothing else: no explanation, no code fence.${about}\n${JSON.stringify(schema ?? {})}`;
}

/** The messages with a sentence for the model, behind the first system text where there is one. */
export function withSentence(messages: Payload['messages'], sentence: string | undefined): readonly ChatMessage[] {
  if (sentence === undefined) {
    return messages;
  }
  const [first, ...rest] = messages;
  return first !== undefined && isSystem(first)
    ? [{ ...first, content: `${textOf(first.content)}\n\n${sentence}` }, ...rest]
    : [{ role: 'system', content: sentence }, ...messages];
}

/** `developer` is the same as `system`. */
export function isSystem({ role }: ChatMessage): boolean {
  return role === 'system' || role === 'developer';
}

/** All text of a content, as a message has it or as a service sends it: a text, or a list of parts of which some are text. */
export function textOf(content: unknown): string {
  if (Array.isArray(content)) {
    return content.map((part: { type?: unknown; text?: unknown; refusal?: unknown } | null) => textOf(part?.type === 'refusal' ? part.refusal : part?.text)).join('');
  }
  return typeof content === 'string' ? content : '';
}
