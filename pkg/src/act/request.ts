// What a chat's parameters must be where the engine here may never see them: its own rules (src/session), in its words.

import { kind } from '../check.js';
import type { Request } from '../facts.js';
import { invalid } from '../params.js';

/** What is wrong: what was expected. */
type Rule = (value: unknown) => string | undefined;

const numeric = (expected: string, holds: (value: number) => boolean): Rule => (value) => (typeof value === 'number' && holds(value) ? undefined : expected);
const boolean: Rule = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const anything: Rule = () => undefined;
const text: Rule = (value) => (typeof value === 'string' ? undefined : 'a string');
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const object: Rule = (value) => (isObject(value) ? undefined : 'an object');
const finite = numeric('a finite number', Number.isFinite);
/** No number of tokens is larger: the decision counts in 32 bits. */
const tokens = numeric('a whole number from 0 to 4294967295', (n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32);
const STOP = 'a non-empty string or a list of such, at most 64';
const isStop = (value: unknown): boolean => typeof value === 'string' && value !== '';
const WITHOUT_EFFECT = ['model', 'user', 'metadata', 'store', 'service_tier', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'prediction'];

/** Every parameter of a chat; null counts as absent. Messages, tools and the form of the answer: below. */
const PARAMETERS: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(WITHOUT_EFFECT.map((name) => [name, anything])),
  messages: (value) => (Array.isArray(value) && value.length > 0 ? undefined : 'at least one message'),
  n: anything, // checked before
  temperature: numeric('a finite number >= 0', (n) => Number.isFinite(n) && n >= 0),
  top_p: numeric('a number in (0, 1]', (n) => n > 0 && n <= 1),
  presence_penalty: finite,
  frequency_penalty: finite,
  logit_bias: object,
  seed: numeric('a whole number', Number.isInteger),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  stop: (value) => (isStop(value) || (Array.isArray(value) && value.length <= 64 && value.every(isStop)) ? undefined : STOP),
  tools: (value) => (Array.isArray(value) ? undefined : 'a list'),
  tool_choice: anything,
  parallel_tool_calls: boolean,
  response_format: object,
  logprobs: boolean,
  top_logprobs: numeric('a whole number from 0 to 20', (n) => Number.isInteger(n) && n >= 0 && n <= 20),
  modalities: (value) => (Array.isArray(value) && value.every((one) => one === 'text') ? undefined : '["text"]'),
  kinglet: object,
};

const OWN = ['top_k', 'min_p', 'repeat_penalty', 'repeat_last_n', 'context_shift', 'chat_template_kwargs', 'regex', 'lark', 'signals', 'abort', 'facts'];
const MESSAGE: Readonly<Record<string, Rule>> = {
  role: (value) => (typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value) && value !== 'function' ? undefined : 'a word of letters, digits, \'_\' and \'-\''),
  content: (value) => (typeof value === 'string' || Array.isArray(value) ? undefined : 'a string or a list of text parts'),
  name: text,
  tool_calls: (value) => (Array.isArray(value) ? undefined : 'a list'),
  tool_call_id: text,
  refusal: text,
  reasoning_content: text,
  annotations: (value) => (Array.isArray(value) && value.length === 0 ? undefined : 'none'),
  kinglet: anything, // its labels are read elsewhere
};
const WORD = /^[A-Za-z0-9_-]{1,64}$/;
const CHOICE = '"none", "auto", "required" or {"type": "function", "function": {"name": …}}';

/** @throws KingletError `invalid_request` that names the parameter. */
export function checkRequest(request: Request): void {
  each('', request, PARAMETERS);
  const { messages, tools, tool_choice, response_format, logprobs, top_logprobs, max_tokens, max_completion_tokens, kinglet } = request;
  if (max_tokens != null && max_completion_tokens != null && max_tokens !== max_completion_tokens) {
    throw invalid('max_tokens', 'the same as max_completion_tokens', max_tokens);
  }
  if (Number(top_logprobs ?? 0) > 0 && logprobs !== true) {
    throw invalid('top_logprobs', '"logprobs": true beside it', 'no logprobs');
  }
  for (const name of Object.keys(kinglet ?? {})) {
    if (!OWN.includes(name)) {
      throw invalid(`kinglet.${name}`, 'a parameter that kinglet knows', 'an unknown one');
    }
  }
  list(messages).forEach((message, i) => checkMessage(`messages[${i}]`, message));
  const names = list(tools).map((tool, i) => nameOf(`tools[${i}]`, tool));
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) {
      throw invalid(`tools[${i}].function.name`, 'a name that no other tool has', name);
    }
  });
  checkChoice(tool_choice ?? undefined, names);
  checkFormat(response_format ?? undefined);
}

function each(at: string, given: object, rules: Readonly<Record<string, Rule>>): void {
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (value === undefined || value === null) {
      continue;
    }
    const path = at === '' ? name : `${at}.${name}`;
    if (rule === undefined) {
      const ours = at === '' && OWN.includes(name);
      throw invalid(path, ours ? `${name} under the field kinglet, which holds all that is not OpenAI's` : 'a parameter that kinglet knows', ours ? "it beside OpenAI's parameters" : 'an unknown one');
    }
    const expected = rule(value);
    if (expected !== undefined) {
      throw invalid(path, expected, got(value));
    }
  }
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const got = (value: unknown): string => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : Array.isArray(value) && value.length === 0 ? 'an empty list' : kind(value));

function fieldsOf(at: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) {
    throw invalid(at, 'an object', value === undefined ? 'nothing' : kind(value));
  }
  return value;
}

function checkMessage(at: string, given: unknown): void {
  const message = fieldsOf(at, given);
  if (message['role'] === undefined || message['role'] === null) {
    throw invalid(`${at}.role`, 'a string', 'nothing');
  }
  each(at, message, MESSAGE);
  list(message['content']).forEach((part, i) => {
    const { type, text: said, refusal } = isObject(part) ? part : {};
    if (typeof (type === 'text' ? said : type === 'refusal' ? refusal : undefined) !== 'string') {
      throw invalid(`${at}.content[${i}]`, 'a part of type "text" with its text: models here read nothing else', typeof type === 'string' ? type : 'something else');
    }
  });
  list(message['tool_calls']).forEach((call, i) => {
    const made = fieldsOf(`${at}.tool_calls[${i}].function`, isObject(call) ? call['function'] : undefined);
    if (typeof made['name'] !== 'string' && made['name'] != null) {
      throw invalid(`${at}.tool_calls[${i}].function.name`, 'a string', kind(made['name']));
    }
  });
}

function nameOf(at: string, tool: unknown): string {
  const { type, function: made, ...others } = fieldsOf(at, tool);
  if (type !== 'function') {
    throw invalid(`${at}.type`, '"function"', type === undefined ? 'nothing' : got(type));
  }
  each(at, others, {});
  const { name, ...rest } = fieldsOf(`${at}.function`, made);
  if (typeof name !== 'string' || !WORD.test(name)) {
    throw invalid(`${at}.function.name`, '1 to 64 letters, digits, "_" and "-"', name === undefined ? 'nothing' : got(name));
  }
  each(`${at}.function`, rest, { description: text, strict: boolean, parameters: (value) => (isObject(value) ? undefined : 'a schema') });
  return name;
}

function checkChoice(choice: unknown, names: readonly string[]): void {
  if (choice === undefined || choice === 'none' || choice === 'auto') {
    return;
  }
  const { type, function: made } = isObject(choice) ? choice : {};
  const name = isObject(made) ? made['name'] : undefined;
  if (choice !== 'required' && (type !== 'function' || typeof name !== 'string')) {
    throw invalid('tool_choice', CHOICE, got(choice));
  }
  if (names.length === 0) {
    throw invalid('tool_choice', 'tools beside it', 'none');
  }
  if (typeof name === 'string' && !names.includes(name)) {
    throw invalid('tool_choice', 'the name of one of the tools', JSON.stringify(name));
  }
}

function checkFormat(format: unknown): void {
  if (format === undefined) {
    return;
  }
  const { type, json_schema, ...others } = fieldsOf('response_format', format);
  if (type !== 'text' && type !== 'json_object' && type !== 'json_schema') {
    throw invalid('response_format.type', '"text", "json_object" or "json_schema"', type === undefined ? 'nothing' : got(type));
  }
  each('response_format', type === 'json_schema' ? others : { ...others, json_schema }, {});
  if (type !== 'json_schema') {
    return;
  }
  const given = fieldsOf('response_format.json_schema', json_schema);
  each('response_format.json_schema', given, {
    name: anything,
    description: anything,
    strict: anything,
    schema: (value) => (isObject(value) || typeof value === 'boolean' ? undefined : 'a schema'),
  });
}
