// Answers in OpenAI's shapes, written by hand. What is not OpenAI's lives under the field `kinglet`.

import type { ToolCall, ToolCallDelta } from './openai.js';
import type { ErrorCode } from './errors.js';
import type { AnswerDecision } from './escalation.js';
import type { Signals } from './signals.js';

export type { Signals } from './signals.js';

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
  /** Prompt tokens read per second, those in the cache left out; absent where that took no time. */
  prefill_tokens_per_s?: number;
  /** Tokens after the first generated per second; absent where there are none. */
  decode_tokens_per_s?: number;
  /** Tokens that speculation proposed (docs/speculation.md); absent where it proposed none. */
  drafted_tokens?: number;
  /** Of these, the ones that are in the answer. */
  accepted_tokens?: number;
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
  /**
   * With `kinglet: {signals: true}`. On a stream: on the chunk that ends an answer; `agreement` is with the last answer to a
   * prompt. On a whole answer with several choices: of the first, with the `agreement` of all.
   */
  signals?: Signals;
  /** The rule `kinglet.abort` has ended the answer early; its text is a fragment. With several choices: one of them. */
  aborted?: 'mid_abort';
  /** With options of docs/routing.md; of completions with one prompt. On a stream: on the chunk that ends the last answer. */
  decision?: AnswerDecision;
  /** Who wrote the answer that stands, where a remote model may be asked. */
  source?: 'local' | 'remote';
  /** Of a remote answer: whose terms of use it is under. */
  provenance?: Provenance;
  /** What came of asking, where a remote model was asked. */
  escalation?: 'answered' | 'consent_denied' | 'rate_limited' | 'failed';
  /** Millionths that this request has cost, all attempts together; of what nobody counted the most that it can be. */
  cost?: number;
  /** That of `cost`, where a price says it. */
  currency?: string;
  /** What else should be known of it. */
  warnings?: { code: WarningCode; message: string }[];
  /** On a stream, on every chunk that has news: how the answer comes about (docs/escalation.md). */
  parts?: HandoverPart[];
}

/** Whose text it is. */
export interface Provenance {
  /** As the options call it. */
  remote: string;
  /** Protocol and host. */
  provider: string;
  /** Which model the service says has answered; else the one that was asked. */
  model: string;
  /** The service's own name of the answer. */
  id?: string;
}

/** What a `warning` is about. */
export type WarningCode =
  /** The service answers with another model than the one that was asked for. */
  | 'model_changed'
  /** Placeholders in the answer that stand for nothing, or were changed: they are left as they are. */
  | 'placeholders'
  /** The service has not said what it counted: the most that it can be stays booked. */
  | 'usage_missing'
  /** The answer will be asked for again when there is a connection. */
  | 'queued';

/** One step of a hand-over between two models. The text to be shown is that of the segment shown last: `visible` folds it. */
export type HandoverPart =
  /** A text begins; a provisional one may be replaced. */
  | { type: 'segment'; id: number; source: 'local' | 'remote'; provisional: boolean; remote?: string }
  | { type: 'delta'; segment: number; text: string }
  /** From now on `to` is shown, with all that it has said so far. */
  | { type: 'replace'; from: number; to: number }
  /** It stands. */
  | { type: 'commit'; segment: number }
  | { type: 'decision'; decision: AnswerDecision }
  | { type: 'usage'; source: 'local' | 'remote'; usage: Usage; cost?: number }
  | { type: 'warning'; code: WarningCode; message: string }
  /** A remote model has failed; what follows is the next one's answer, or the best local one. */
  | { type: 'error'; code: ErrorCode; message: string; detail: Record<string, unknown> }
  | { type: 'finish'; reason: FinishReason; source: 'local' | 'remote' };

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
export interface ChatChunk extends Omit<Envelope, 'kinglet'> {
  kinglet?: Partial<Own>;
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
export interface TextChunk extends Omit<Envelope, 'kinglet'> {
  kinglet?: Partial<Own>;
  object: 'text_completion';
  /** One; none on the chunk with the usage. */
  choices: TextChunkChoice[];
  /** Only with `stream_options.include_usage`: null but on the last chunk. */
  usage?: Usage | null;
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
