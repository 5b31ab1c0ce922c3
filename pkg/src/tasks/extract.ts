// `extract`: values out of a text, as JSON that the grammar keeps to its schema, each looked for in the text again.

import { kind, text, texts, whole } from '../check.js';
import { invalid } from '../params.js';
import { sizeOfWords, write } from './ask.js';
import type { Pending } from '../pending.js';
import type { ChatMessage } from '../types.js';
import { common } from './check.js';
import type { Desk, Done } from './index.js';
import { elsewhereFor, messagesFor, modelOf, wordingOf } from './prompts.js';
import { Source } from './quotes.js';
import type { Extracted, ExtractOptions, ExtractSchema } from './types.js';

/** Tokens of the answer, where the app says nothing. */
const MAX_TOKENS = 512;

/** See `Kinglet.extract`. */
export async function extract<T>(desk: Desk, given: string, wanted: ExtractSchema, options?: ExtractOptions): Promise<Extracted<T>> {
  const own = common('extract', options, ['maxTokens', 'samples']);
  const schema = schemaOf(wanted);
  const fields = Object.keys((schema['properties'] ?? {}) as object);
  await desk.there(own.signal);
  const parts = { text: text('text', given), schema, fields };
  const messages = (): ChatMessage[] => messagesFor('extract', parts, modelOf(desk), own);
  const response_format = { type: 'json_schema' as const, json_schema: { name: 'value', schema } };
  const most = { given: whole('options.maxTokens', options?.maxTokens), otherwise: MAX_TOKENS };
  const worded = (template: string): string => `${template} ${wordingOf('extract', parts, modelOf(desk), own)}`;
  const begun = await desk.begin(own, worded, () => sizeOfWords(desk.link, messages(), most));
  const read = (said: string): Result<T> => {
    const value = parsed(said);
    const found = value === undefined ? {} : places(value, new Source([given]), chosen(schema));
    return { value: (value ?? null) as T | null, text: said, found };
  };
  const local = async (rule: Pending['rule']): Promise<Done<Result<T>>> => {
    await desk.link.live(own.signal);
    const size = await sizeOfWords(desk.link, messages(), most);
    const words = await write(desk.link, { messages: messages(), response_format }, size, rule, own);
    const result = read(words.text);
    const parses = parsed(words.text) !== undefined;
    const signals = {
      parse_ok: parses,
      // A whole answer is of its schema: the grammar let nothing else through.
      schema_ok: parses && words.finish === 'stop',
      quote_ok: Object.keys(result.found).length === 0 ? undefined : Object.values(result.found).every(Boolean),
    };
    return { result, found: signals, spent: words, texts: { input: given, output: words.text } };
  };
  return desk.settle(begun, local, {
    input: given,
    messages: () => elsewhereFor('extract', parts, own),
    response_format,
    max_tokens: most.given ?? MAX_TOKENS,
    read,
  });
}

type Result<T> = Omit<Extracted<T>, 'kinglet'>;

/** Names of fields stand for the schema of texts that may be missing. */
function schemaOf(wanted: ExtractSchema): Record<string, unknown> {
  if (Array.isArray(wanted)) {
    const fields = texts('schema', wanted);
    const properties = Object.fromEntries(fields.map((field) => [field, { type: ['string', 'null'] }]));
    return { type: 'object', properties, required: fields, additionalProperties: false };
  }
  if (typeof wanted !== 'object' || wanted === null) {
    throw invalid('schema', 'a JSON schema, or a list of names', kind(wanted));
  }
  return wanted as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What a schema offers to choose from: categories, which need not stand in the text. */
export function chosen(schema: unknown, into: Set<unknown> = new Set()): Set<unknown> {
  if (typeof schema === 'object' && schema !== null) {
    for (const [key, inner] of Object.entries(schema)) {
      if (key === 'const') {
        into.add(inner);
      } else if (key === 'enum' && Array.isArray(inner)) {
        inner.forEach((one) => into.add(one));
      } else {
        chosen(inner, into);
      }
    }
  }
  return into;
}

/** By path: whether a text or a number of `value` stands in the source. What is null, true, false or a choice is not looked for. */
export function places(value: unknown, source: Source, choices: ReadonlySet<unknown>, path = '', into: Record<string, boolean> = {}): Record<string, boolean> {
  if (typeof value === 'number' && !choices.has(value)) {
    into[path] = source.hasNumber(value);
  } else if (typeof value === 'string' && value.trim() !== '' && !choices.has(value)) {
    into[path] = source.has(value);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      places(inner, source, choices, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, into);
    }
  }
  return into;
}
