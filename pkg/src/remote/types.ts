// What is said between a decision for the remote model and the wire: where a remote model is, what it is asked, what comes of it.

import type { Remote } from '../route/types.js';
import type { ChatMessage, ChatParams } from '../types.js';

/** Which of the two protocols an endpoint speaks. */
export type RemoteApi = 'openai' | 'anthropic';

/** How long each part of a request may take, in milliseconds. */
export interface RemoteTimeouts {
  /** Until the answer's head. Default 15,000. */
  connectMs?: number;
  /** From then until the first piece of the answer. Default 60,000. */
  firstTokenMs?: number;
  /** Between two pieces. Default 30,000. */
  idleMs?: number;
  /** All attempts and the pauses between them together. Default 300,000. */
  totalMs?: number;
}

/** When a remote model rests: it has failed `failures` of the last `of` requests, or refused its key. */
export interface BreakerOptions {
  /** Default 3. */
  failures?: number;
  /** Default 5. */
  of?: number;
  /** How long it rests, the first time, the second, and from then on. Default 30,000, 60,000, 300,000. */
  restMs?: readonly number[];
}

/** A remote model that is asked. Without `baseURL` (a {@link Remote} alone) it is a value that is decided for, and never asked. */
export interface RemoteEndpoint extends Remote {
  /** Default `openai`: chat completions; `anthropic`: messages. */
  api?: RemoteApi;
  /** `/api/llm` or `https://relay.example/v1`: `/chat/completions` or `/messages` follows. Only this origin is ever asked. */
  baseURL: string | URL;
  /** How the service calls the model. */
  model: string;
  /** Gives a short-lived token for each attempt: sent, and not kept. */
  getToken?: (ask: { remote: string; signal: AbortSignal }) => string | Promise<string>;
  /** A key in the page, which whoever opens the developer tools can read: only with {@link dangerouslyAllowBrowserKey}. */
  apiKey?: string;
  dangerouslyAllowBrowserKey?: boolean;
  /** Sent with every request: of a gateway, or of a version. Names that carry keys are refused. */
  headers?: Readonly<Record<string, string>>;
  /** Cookies of the endpoint's origin. Default `omit`. */
  credentials?: 'omit' | 'same-origin' | 'include';
  timeouts?: RemoteTimeouts;
  /** Attempts after the first, before anything was seen of an answer. Default 2. */
  retries?: number;
  /** The endpoint honours `Idempotency-Key`: the attempts of one request carry the same one. Default false. */
  idempotency?: boolean;
  breaker?: BreakerOptions;
  /** What OpenAI's older and newer servers call the bound of an answer. Default `max_tokens`. */
  maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** How a schema is asked for: as `response_format`, or in words. Default `json_schema`; with `anthropic` always in words. */
  structured?: 'json_schema' | 'json_object' | 'words';
  /** Names of other remote models: for what its window does not hold, its filter stops, the budget does not bear. */
  onOverflow?: string;
  onContentFilter?: string;
  onBudget?: string;
}

/** What is asked of a remote model: OpenAI's parameters, of which each protocol takes what it has. */
export interface Payload extends Pick<ChatParams, 'tools' | 'tool_choice' | 'parallel_tool_calls' | 'response_format' | 'temperature' | 'top_p' | 'stop'> {
  messages: readonly ChatMessage[];
  /** Always there: what is reserved for the answer. */
  max_tokens: number;
}

/** Tokens that a service counted. */
export interface RemoteUsage {
  /** Of the prompt, those from a cache included. */
  input: number;
  output: number;
  /** Of the prompt, from a cache. */
  cached?: number;
}

/** Why a remote answer ended. */
export type RemoteFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** A piece of a remote answer. */
export type RemotePart =
  /** What the service says of itself: which model really answers. */
  | { type: 'head'; id?: string; model?: string }
  | { type: 'text'; text: string }
  /** A call of a tool: the first piece of each `index` has its name. */
  | { type: 'call'; index: number; id?: string; name?: string; arguments: string }
  /** Cumulative: the latest holds. */
  | { type: 'usage'; usage: RemoteUsage }
  | { type: 'finish'; reason: RemoteFinish };

/** What an attempt is known to have cost: what was counted; nothing (turned away before it was worked on); or nobody knows. */
export type Spent = { kind: 'usage'; usage: RemoteUsage } | { kind: 'refused' } | { kind: 'unknown' };

/** Who keeps account of attempts. For each attempt `begin` is called once, and `end` once, however it ends. */
export interface Account {
  /** Before an attempt is sent. @throws KingletError `budget_exhausted` or `rate_limited`: it is not. */
  begin(): Promise<void>;
  end(spent: Spent): Promise<void>;
}

/** Why asking failed: `detail.kind` of the error `remote_failed`. */
export type RemoteFailure =
  /** No connection, or the browser forbids it (CORS, mixed content). */
  | 'network'
  | 'connect_timeout'
  | 'first_token_timeout'
  | 'idle_timeout'
  | 'total_timeout'
  /** The key or token was refused, or could not be had. */
  | 'auth'
  /** Redirected to somewhere that nobody configured. */
  | 'redirect'
  | 'overloaded'
  /** Another status that is an error. */
  | 'http'
  /** The prompt does not fit its window. */
  | 'overflow'
  | 'content_filter'
  /** What came was no answer: HTML, JSON that says nothing, an event that cannot be read. */
  | 'bad_answer'
  /** The answer ended before it was complete. */
  | 'cut'
  /** The service itself reported an error in its answer. */
  | 'reported'
  /** It answered, but not as the schema has it. */
  | 'invalid_output';
