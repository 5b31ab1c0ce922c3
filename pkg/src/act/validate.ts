// A remote answer is untrusted: what a local one is kept to while it is decoded, a remote one is held against when it is complete.

import { KingletError } from '../errors.js';
import type { Request } from '../facts.js';
import type { FinishReason, ToolCallDelta, ToolDefinition } from '../types.js';
import { Validator } from '../vendor/json-schema/index.js';

/** An answer that is complete. */
export interface Complete {
  text: string;
  calls: readonly ToolCallDelta[];
  finish: FinishReason;
}

/** @throws KingletError `remote_failed` of kind `invalid_output` that says where the answer is wrong. */
export function checkAnswer(remote: string, { response_format, tools, tool_choice, parallel_tool_calls }: Request, { text, calls, finish }: Complete): void {
  const wrong = (where: string, expected: string): never => {
    throw new KingletError('remote_failed', `the answer of ${remote} is not what was asked for: ${where}: expected ${expected}`, { remote, kind: 'invalid_output', where, expected });
  };
  const named = new Map((Array.isArray(tools) ? (tools as ToolDefinition[]) : []).map(({ function: { name, parameters } }) => [name, parameters ?? {}]));
  const whole = joined(calls);
  whole.forEach(({ name, given }, i) => {
    const parameters = named.get(name);
    if (parameters === undefined) {
      return wrong(`tool_calls[${i}].function.name`, [...named.keys()].join(', ') || 'no call, for there are no tools');
    }
    holds(`tool_calls[${i}].function.arguments`, given, parameters, wrong);
  });
  if (whole.length > 1 && parallel_tool_calls === false) {
    wrong('tool_calls', 'one call at most');
  }
  const must = typeof tool_choice === 'object' && tool_choice !== null ? (tool_choice as { function?: { name?: string } }).function?.name : undefined;
  if (must !== undefined && whole.some(({ name }) => name !== must)) {
    wrong('tool_calls', `calls of ${must}`);
  }
  if ((must !== undefined || tool_choice === 'required') && whole.length === 0) {
    wrong('tool_calls', 'a call of a tool');
  }
  if (tool_choice === 'none' && whole.length > 0) {
    wrong('tool_calls', 'none');
  }
  const format = response_format as { type?: string; json_schema?: { schema?: unknown } } | null | undefined;
  if (whole.length > 0 || format === undefined || format === null || format.type === 'text') {
    if (whole.length === 0 && text.trim() === '' && finish !== 'length') {
      wrong('content', 'a text');
    }
    return;
  }
  const schema = format.type === 'json_schema' ? (format.json_schema?.schema ?? {}) : { type: 'object' };
  holds('content', text, schema, wrong);
}

function holds(where: string, text: string, schema: unknown, wrong: (where: string, expected: string) => never): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong(where, 'JSON');
  }
  const { valid, errors } = new Validator(schema as object, '2020-12').validate(value);
  if (!valid) {
    const [first] = errors.toReversed(); // the deepest one
    return wrong(`${where}${first?.instanceLocation.slice(1) ?? ''}`, `what the schema has (${first?.keywordLocation ?? '#'})`);
  }
}

/** The calls of an answer, each put together. */
function joined(calls: readonly ToolCallDelta[]): { name: string; given: string }[] {
  const whole: { name: string; given: string }[] = [];
  for (const { index, function: part } of calls) {
    const call = (whole[index] ??= { name: '', given: '' });
    call.name ||= part.name ?? '';
    call.given += part.arguments;
  }
  return whole.filter(Boolean);
}
