// Requests and answers in OpenAI's shapes, written by hand. What is not OpenAI's lives under the field `kinglet`.

/** A part of a message's content. Images, sounds and files are `invalid_request`: models here read text. */
export type ContentPart = { type: 'text'; text: string } | { type: 'refusal'; refusal: string };

/** A message of a conversation, as the model's chat template expects it. */
export interface ChatMessage {
  /** `developer` is the same as `system`. */
  role: 'system' | 'user' | 'assistant' | 'tool' | 'developer';
  content?: string | readonly ContentPart[] | null;
  name?: string;
  tool_calls?: unknown[];
  tool_call_id?: string;
  refusal?: string | null;
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

/**
 * Why an answer ended: `stop` by a token or text that ends it, or by a grammar that is complete; `length` by `max_tokens` or
 * a full context; `tool_calls` by calls of tools.
 */
export type FinishReason = 'stop' | 'length' | 'tool_calls';

/** Token counts of one request, all its answers together. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Prompt tokens that were still in the cache of the request before. */
  prompt_tokens_details?: { cached_tokens: number };
}

/** How long one answer took. */
export interface Timings {
  /** Milliseconds to read the prompt, the first token included. */
  prefill_ms: number;
  /** Milliseconds for the tokens after the first. */
  decode_ms: number;
  /** Prompt tokens that were still in the cache. */
  reused_tokens: number;
}

/** A token and its log-probability in the model's own distribution, before sampling. */
export interface TopLogprob {
  /** The token's text; a replacement character stands for bytes that are no whole character. */
  token: string;
  logprob: number;
  bytes: number[] | null;
}

/** One token of an answer with its best alternatives. */
export interface TokenLogprob extends TopLogprob {
  top_logprobs: TopLogprob[];
}

/** Log-probabilities of a chat answer, or of a piece of one. */
export interface Logprobs {
  content: TokenLogprob[] | null;
  refusal: null;
}

/** Log-probabilities of a completion: one entry for each token. */
export interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: number[];
  /** Token to log-probability; only where alternatives were asked for. */
  top_logprobs?: Record<string, number>[];
  /** Where each token begins in the answer's text, in UTF-16 units as JavaScript counts. */
  text_offset: number[];
}

/** What OpenAI's answers have no place for. */
export interface Own {
  /** On a stream: on the chunk that ends an answer. With several answers: of the last. */
  timings: Timings;
}

/** What every answer and chunk has. */
export interface Envelope {
  id: string;
  created: number;
  model: string;
  kinglet?: Own;
}

/** One choice of a streamed chat answer. */
export interface ChatChunkChoice {
  index: number;
  delta: { role?: 'assistant'; content?: string; tool_calls?: ToolCallDelta[] };
  finish_reason: FinishReason | null;
  logprobs: Logprobs | null;
}

/** A piece of a streamed chat answer. */
export interface ChatChunk extends Envelope {
  object: 'chat.completion.chunk';
  /** One; none on the chunk with the usage. */
  choices: ChatChunkChoice[];
  /** Only with `stream_options.include_usage`: null but on the last chunk. */
  usage?: Usage | null;
}

/** One choice of a whole chat answer. */
export interface ChatChoice {
  index: number;
  message: { role: 'assistant'; content: string | null; refusal: null; tool_calls?: ToolCall[] };
  finish_reason: FinishReason;
  logprobs: Logprobs | null;
}

/** A whole chat answer. */
export interface ChatCompletion extends Envelope {
  object: 'chat.completion';
  choices: ChatChoice[];
  usage: Usage;
}

/** One choice of a completion. */
export interface TextChoice {
  index: number;
  text: string;
  /** Only chats call tools. */
  finish_reason: Exclude<FinishReason, 'tool_calls'>;
  logprobs: CompletionLogprobs | null;
}

/** A whole completion. */
export interface TextCompletion extends Envelope {
  object: 'text_completion';
  choices: TextChoice[];
  usage: Usage;
}

/** One choice of a streamed completion. */
export interface TextChunkChoice extends Omit<TextChoice, 'finish_reason'> {
  /** Null until the end of this answer. */
  finish_reason: TextChoice['finish_reason'] | null;
}

/** A piece of a streamed completion. */
export interface TextChunk extends Envelope {
  object: 'text_completion';
  /** One; none on the chunk with the usage. */
  choices: TextChunkChoice[];
  /** Only with `stream_options.include_usage`: null but on the last chunk. */
  usage?: Usage | null;
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

/** A text's vector, of length 1. */
export interface Embedding {
  object: 'embedding';
  index: number;
  /** Numbers; with `encoding_format: 'base64'` a string, which OpenAI's types do not tell either. */
  embedding: number[];
}

/** The vectors of a request. */
export interface EmbeddingResponse {
  object: 'list';
  data: Embedding[];
  model: string;
  usage: { prompt_tokens: number; total_tokens: number };
}
