// A remote answer is untrusted: what a local one is kept to while it is decoded, a remote one is held against when it is complete.

import { kind } from '../check.js';
import { KingletError } from '../errors.js';
import type { Request } from '../facts.js';
import { invalid } from '../params.js';
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

/**
 * Whether an answer could be held against what is asked for: looked at before anything is sent, for afterwards it is paid.
 *
 * @throws KingletError `invalid_request` that names the schema.
 */
export function checkable({ response_format, tools }: Request): void {
  const schemas = (Array.isArray(tools) ? (tools as Partial<ToolDefinition>[]) : []).map((tool, i): [string, unknown] => [`tools[${i}].function.parameters`, tool?.function?.parameters]);
  const format = response_format as { type?: unknown; json_schema?: { schema?: unknown } | null } | null | undefined;
  if (format?.type === 'json_schema') {
    schemas.push(['response_format.json_schema.schema', format.json_schema?.schema]);
  }
  for (const [path, schema] of schemas) {
    if (schema === undefined || schema === null) {
      continue; // anything holds
    }
    try {
      const validator = validatorOf(schema);
      PROBES.forEach((probe) => validator.validate(probe));
    } catch (thrown) {
      throw invalid(path, 'a JSON schema that an answer can be held against', thrown instanceof Error ? thrown.message : String(thrown));
    }
  }
}

/** One value of each type: a schema that refers to itself, or to none that is there, fails with some of them. */
const PROBES: readonly unknown[] = [null, true, 0, '', [], {}];

/** Characters of texts and names that patterns and formats are tried on, and items that are compared: what is longer does not hold. */
const LONGEST = 10_000;

/** Whoever wrote the answer has written what patterns are tried on. How long one takes on so many characters is the app's. */
function validatorOf(given: unknown): Validator {
  if (typeof given !== 'boolean' && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new TypeError(`a schema is an object, true or false, and this is ${kind(given)}`);
  }
  const validator = new Validator(JSON.parse(JSON.stringify(given)) as object, '2020-12'); // it writes into what it gets
  for (const schema of new Set(Object.values(validator.lookup))) {
    if (typeof schema === 'object' && schema !== null) {
      bound(schema, validator.lookup);
    }
  }
  return validator;
}

interface Schema {
  pattern?: unknown;
  format?: unknown;
  uniqueItems?: unknown;
  patternProperties?: unknown;
  allOf?: unknown;
  $ref?: unknown;
  __absolute_ref__?: string;
}

/** Moves what is slow with long values behind a look at their length. @throws Error about a pattern or a reference that is none. */
function bound(schema: Schema, lookup: Readonly<Record<string, unknown>>): void {
  const { pattern, format, uniqueItems, patternProperties, __absolute_ref__: to } = schema;
  if (typeof schema.$ref === 'string' && (to === undefined || lookup[to] === undefined)) {
    throw new Error(`${schema.$ref} refers to nothing in it`);
  }
  const slow: unknown[] = [];
  if (typeof pattern === 'string' || typeof format === 'string') {
    const tried = { ...(typeof pattern === 'string' ? { pattern } : {}), ...(typeof format === 'string' ? { format } : {}) };
    void (typeof pattern === 'string' && new RegExp(pattern, 'u'));
    slow.push({ if: { type: 'string', minLength: LONGEST + 1 }, then: false, else: tried });
    delete schema.pattern;
    delete schema.format;
  }
  if (uniqueItems === true) {
    slow.push({ if: { type: 'array', minItems: LONGEST + 1 }, then: false, else: { uniqueItems } });
    delete schema.uniqueItems;
  }
  if (typeof patternProperties === 'object' && patternProperties !== null) {
    Object.keys(patternProperties).forEach((name) => new RegExp(name, 'u'));
  }
  if (slow.length > 0) {
    schema.allOf = [...(Array.isArray(schema.allOf) ? (schema.allOf as unknown[]) : []), ...slow];
  }
}

function holds(where: string, text: string, schema: unknown, wrong: (where: string, expected: string) => never): void {
  let value: unknown;
  try {
    value = JSON.parse(text, (name, inner: unknown) => {
      if (name.length > LONGEST) {
        throw new RangeError('a name is too long to be tried on patterns');
      }
      return inner;
    });
  } catch {
    return wrong(where, 'JSON');
  }
  let found: ReturnType<Validator['validate']>;
  try {
    found = validatorOf(schema).validate(value);
  } catch (thrown) {
    return wrong(where, `what can be held against its schema (${String(thrown)})`);
  }
  if (!found.valid) {
    const [first] = found.errors.toReversed(); // the deepest one
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
