// What the adapters need of a loaded model: structural, so that an engine in a worker, one in a test and one behind a
// wrapper of the caller's own will all do. `Kinglet` of the package's front door satisfies it.

import { KingletError } from '../errors.js';

/** A tool call of an assistant's message, whole. */
export interface WireToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** A piece of one: `id` and the name come first, then its arguments in pieces. */
export interface WireToolCallDelta {
  index: number;
  id?: string;
  function?: { name?: string; arguments?: string };
}

/** Token counts. */
export interface WireUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
}

/** What chunks and answers have in common. */
export interface WireEnvelope {
  id: string;
  created: number;
  model: string;
  usage?: WireUsage | null;
  /** Timings, and whatever else OpenAI's shape has no place for. */
  kinglet?: object;
}

/** A whole answer, as far as the adapters read it. */
export interface WireAnswer extends WireEnvelope {
  choices: readonly {
    message: { content: string | null; tool_calls?: readonly WireToolCall[] };
    finish_reason: string;
    logprobs?: object | null;
  }[];
}

/** A piece of an answer. */
export interface WireChunk extends WireEnvelope {
  choices: readonly {
    delta: { content?: string | null; tool_calls?: readonly WireToolCallDelta[] };
    finish_reason: string | null;
    logprobs?: object | null;
  }[];
}

/** Embeddings of several texts. */
export interface WireEmbeddings {
  data: readonly { index: number; embedding: readonly number[] }[];
  usage: { prompt_tokens: number };
}

/** A request body. */
export type Body = Record<string, unknown>;

/**
 * `chat.completions` and `embeddings`, as the adapters call them. Parameters are `any` so that every engine's own request
 * type fits; the answers are the wire types above (a type test holds the package's own against them).
 */
export interface KingletClient {
  readonly info: { readonly model: string };
  /** Whether `info` is there. */
  readonly ready?: boolean;
  readonly chat: { readonly completions: { create(params: any): Promise<unknown> } };
  /** Needed for embeddings only. */
  readonly embeddings?: { create(params: any): Promise<unknown> };
}

/** A loaded model, or the promise of one: `createKinglet(…)` need not be awaited. */
export type Engine = KingletClient | PromiseLike<KingletClient>;

/** The whole answer to `body`. */
export async function answer(engine: Engine, body: Body, signal: AbortSignal | undefined): Promise<WireAnswer> {
  const { chat } = await engine;
  return (await chat.completions.create({ ...body, ...(signal ? { signal } : {}) })) as WireAnswer;
}

/** The answer to `body` in pieces, the token counts included; leaving the loop stops the engine. */
export async function chunks(
  engine: Engine,
  body: Body,
  signal: AbortSignal | undefined,
): Promise<AsyncIterableIterator<WireChunk>> {
  const { chat } = await engine;
  const request = { ...body, stream: true, stream_options: { include_usage: true }, ...(signal ? { signal } : {}) };
  return (await chat.completions.create(request)) as AsyncIterableIterator<WireChunk>;
}

/** One vector for each text, in their order, and the tokens that were read. */
export async function embed(
  engine: Engine,
  input: readonly string[],
  more: Body,
  signal: AbortSignal | undefined,
): Promise<{ vectors: number[][]; tokens: number }> {
  const { embeddings } = await engine;
  if (embeddings === undefined) {
    throw new KingletError('unsupported_feature', 'unsupported feature: this engine has no embeddings.create', { what: 'embeddings' });
  }
  const request = { input: [...input], encoding_format: 'float', ...ownApart(more), ...(signal ? { signal } : {}) };
  const { data, usage } = (await embeddings.create(request)) as WireEmbeddings;
  const vectors = data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => [...embedding]);
  return { vectors, tokens: usage.prompt_tokens };
}

/** Parameters that stand under `kinglet` in a request, because OpenAI has none of them (a test compares). */
const OWN = [
  'top_k',
  'min_p',
  'repeat_penalty',
  'repeat_last_n',
  'context_shift',
  'regex',
  'lark',
  'signals',
  'abort',
  'chat_template_kwargs',
  'facts',
  'pooling',
];

/**
 * {@link given}, with what is not OpenAI's in its place: frameworks have no name for the difference.
 *
 * @throws KingletError for more than one answer, of which the frameworks' models would show only the first.
 */
export function placed(body: Body): Body {
  const n = body['n'] ?? 1;
  if (n !== 1) {
    throw new KingletError('invalid_request', `invalid request: n: expected 1: one call gives one answer, got ${String(n)}`, {
      param: 'n',
    });
  }
  return ownApart(body);
}

/** {@link given}, with what is not OpenAI's under `kinglet`. */
export function ownApart(body: Body): Body {
  const entries = Object.entries(given(body));
  const own = entries.filter(([name]) => OWN.includes(name));
  const rest = Object.fromEntries(entries.filter(([name]) => !OWN.includes(name)));
  return own.length === 0 ? rest : { ...rest, kinglet: { ...Object.fromEntries(own), ...(rest['kinglet'] as Body | undefined) } };
}

/**
 * The calls of tools that are whole. An answer that ended at its length may have been cut off in the middle of its last
 * call: running that one would be a guess.
 */
export function wholeCalls<T>(calls: readonly T[], argumentsOf: (call: T) => string, finish: string | undefined): readonly T[] {
  const last = calls.at(-1);
  return last === undefined || finish !== 'length' || isJson(argumentsOf(last)) ? calls : calls.slice(0, -1);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The parameters that were given: a body names nothing that the caller has not named. */
export function given(body: Body): Body {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
