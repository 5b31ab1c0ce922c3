// Requests in OpenAI's shapes, written by hand. What is not OpenAI's lives under the field `kinglet`. Answers: answers.ts.

import type { Consent, Facts, Redact } from './route/types.js';

export type * from './answers.js';

/** A part of a message's content. Images, sounds and files are `invalid_request`: models here read text. */
export type ContentPart = { type: 'text'; text: string } | { type: 'refusal'; refusal: string };

/** What is said of a message for the decision on who answers it (docs/escalation.md). */
export interface MessageOwn {
  /** Who gets it: examples and instructions for the small model are not sent to a large one. Default: both. */
  only?: 'local' | 'remote';
  /** Whether it may leave this device, and whether it is redacted first; default: what option `privacy` says. */
  consent?: Consent;
  redact?: Redact;
  /** A long document, of which a remote model need not get all (option `escalation.longDocuments`). */
  document?: boolean;
}

/** A message of a conversation, as the model's chat template expects it. */
export interface ChatMessage {
  /** `developer` is the same as `system`. */
  role: 'system' | 'user' | 'assistant' | 'tool' | 'developer';
  content?: string | readonly ContentPart[] | null;
  name?: string;
  tool_calls?: unknown[];
  tool_call_id?: string;
  refusal?: string | null;
  kinglet?: MessageOwn;
}

/** What OpenAI does not have: the field `kinglet` of a request. */
export interface OwnParams {
  /** Only the likeliest so many tokens can be drawn; 0, the default: all. */
  top_k?: number | null;
  /** Only tokens with at least this share of the likeliest one's probability can be drawn. Default 0. */
  min_p?: number | null;
  /** Divides the logits of tokens that were there before. Default 1: no penalty. */
  repeat_penalty?: number | null;
  /** How far back all penalties look, in tokens; -1: everything. Default 64. */
  repeat_last_n?: number | null;
  /** Let the context slide when it is full, instead of ending with `length`. */
  context_shift?: boolean | null;
  /** The whole answer matches this regular expression (JavaScript's syntax, docs/structured.md). */
  regex?: string | null;
  /** The whole answer is a sentence of this grammar, in the Lark of llguidance. */
  lark?: string | null;
  /** Say what is known of the answer's doubt: `kinglet.signals` of the answer. */
  signals?: boolean | null;
  /** When to end an answer early, because of its doubt. */
  abort?: AbortRule | null;
  /** For the decision on the answer (docs/routing.md): what the page does not know by itself. */
  facts?: Facts | null;
}

/** Ends an answer where the mean log-probability of its last 16 tokens falls below a bound. */
export interface AbortRule {
  /** At most 0. While there are fewer tokens than 16: of all of them. */
  window_below: number;
  /** So many tokens at the beginning are not judged. Default 16. */
  grace?: number | null;
}

/** Further parameters of a chat that OpenAI does not have. */
export interface OwnChatParams extends OwnParams {
  /** Further variables of the chat template. */
  chat_template_kwargs?: Record<string, unknown> | null;
}

/** Accepted, because OpenAI's clients send them, and without effect. */
export interface WithoutEffect {
  model?: string;
  user?: string;
  metadata?: Record<string, string> | null;
  store?: boolean | null;
  service_tier?: string | null;
  safety_identifier?: string | null;
  prompt_cache_key?: string | null;
  prompt_cache_retention?: string | null;
  prediction?: unknown;
}

/** How the call itself behaves; also accepted as second argument of `create`. */
export interface CallOptions {
  /** Stops the request within one step, also while it waits for its turn. */
  signal?: AbortSignal | null | undefined;
}

/** With `stream: true`: what the stream has beside the answer. */
export interface StreamOptions {
  /** A last chunk without choices has the usage; all others have `usage: null`. */
  include_usage?: boolean;
  /** Without effect. */
  include_obfuscation?: boolean;
}

/** Sampling and length: what chats and completions share. An unknown parameter is an error that names it. */
export interface SamplingParams extends WithoutEffect, CallOptions {
  /** Answers to each prompt, 1 to 128, one after the other; default 1. */
  n?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  presence_penalty?: number | null;
  frequency_penalty?: number | null;
  /** Token id to what is added to its logit, -100 (never) to 100. */
  logit_bias?: Record<string, number> | null;
  /** The same seed gives the same answer; the answers of `n` have seeds that follow from it. */
  seed?: number | null;
  /** Most tokens of each answer; default: as many as the context holds. */
  max_tokens?: number | null;
  /** OpenAI's newer name of `max_tokens`. */
  max_completion_tokens?: number | null;
  /** Texts before which an answer ends; at most 64. */
  stop?: string | readonly string[] | null;
  stream?: boolean | null;
  stream_options?: StreamOptions | null;
}

/** A function that the model may call; `parameters` is a JSON schema, enforced while decoding. */
export interface ToolDefinition {
  type: 'function';
  function: { name: string; description?: string; parameters?: Record<string, unknown> | null; strict?: boolean | null };
}

/** The form of the answer; a schema is enforced while decoding, or refused (docs/structured.md). */
export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema'; json_schema: { name?: string; description?: string; schema?: unknown; strict?: boolean | null } };

/** A call of a tool. */
export interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** A piece of a call: the first of each `index` names it, the others continue its arguments. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: 'function';
  function: { name?: string; arguments: string };
}

/** Parameters of `chat.completions.create`. */
export interface ChatParams extends SamplingParams {
  messages: readonly ChatMessage[];
  /** Functions that the model may call, where its chat template shows them to it. */
  tools?: readonly ToolDefinition[] | null;
  /** Default `auto` where there are tools. */
  tool_choice?: 'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } } | null;
  /** Whether one answer may call several tools; default true. */
  parallel_tool_calls?: boolean | null;
  response_format?: ResponseFormat | null;
  logprobs?: boolean | null;
  /** Alternatives to report for each token, at most 20; needs `logprobs`. */
  top_logprobs?: number | null;
  modalities?: readonly 'text'[] | null;
  kinglet?: OwnChatParams | null;
}

/** Parameters of `completions.create`. */
export interface CompletionParams extends SamplingParams {
  /** A text, tokens, or several of either: each is continued `n` times. */
  prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  /** The text behind a gap, which is filled, where the file declares fill-in-the-middle tokens. */
  suffix?: string | null;
  /** Give the prompt back before the answer. Not together with `logprobs`. */
  echo?: boolean | null;
  /** Only the same as `n`: every answer is returned. */
  best_of?: number | null;
  /** Alternatives to report for each token, at most 20. */
  logprobs?: number | null;
  kinglet?: OwnParams | null;
}

/** Parameters of `embeddings.create`. */
export interface EmbeddingParams extends CallOptions {
  /** A text, tokens, or several of either, at most 2048; each at most as long as the context. */
  input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  /** Without effect. */
  model?: string;
  /** Without effect. */
  user?: string;
  /** Numbers, the default, or 32-bit floats (little-endian) as base64. */
  encoding_format?: 'float' | 'base64' | null;
  /** Only so many values, the first ones, again at length 1: sensible for models that were trained for it. */
  dimensions?: number | null;
  kinglet?: {
    /** How the tokens' states become one vector; default: what the file says, else the mean. */
    pooling?: 'mean' | 'last' | null;
  } | null;
}
