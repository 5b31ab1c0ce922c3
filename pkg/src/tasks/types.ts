// The public types of the task calls: what each takes, and what it gives.

import type { Found } from '../retrieval/types.js';
import type { AnswerDecision } from '../escalation.js';
import type { Consent, Facts, Redact } from '../route/types.js';
import type { Signals } from '../signals.js';
import type { ChatMessage, CallOptions, Own, Timings, Usage } from '../types.js';

/** How requests are worded: in the forms that the project's own models know, or in plain words for any model with a template. */
export type PromptStyle = 'desk' | 'instruct';

/** A prompt: the text of one message, or a conversation. */
export type Prompt = string | readonly ChatMessage[];

/** What every task call takes. */
export interface TaskOptions<Parts> extends CallOptions {
  /** Default: `desk` for a model of that name, else `instruct`. */
  style?: PromptStyle;
  /** Words the request instead of {@link style}. */
  prompt?: (parts: Parts) => Prompt;
  /** What the request counts as, for decisions and calibration; default: the name of the call. */
  task?: string;
  /** A part of a task with a threshold of its own. */
  group?: string;
  /** The app's own estimate of how hard the request is, 0 to 1. */
  complexity?: number;
  /** What else a decision should know of the request (docs/routing.md). */
  facts?: Facts;
}

/** What stands under `kinglet` of every task's answer. */
export interface TaskReport {
  /** Names this answer, for `feedback` and `explain`. */
  id: string;
  signals: Signals;
  usage: Usage;
  timings: Timings;
  /** Whether the answer is enough, where options of docs/routing.md ask for it. */
  decision?: AnswerDecision;
  /** As under `kinglet` of a chat's answer, where a remote model may be asked (docs/escalation.md). */
  source?: Own['source'];
  provenance?: Own['provenance'];
  escalation?: Own['escalation'];
  cost?: Own['cost'];
  currency?: Own['currency'];
  warnings?: Own['warnings'];
}

/** A labelled example. */
export interface Example {
  text: string;
  label: string;
}

/** A label and its share of the probability; `bound`: at most so much. */
export interface LabelScore {
  label: string;
  score: number;
  bound?: true;
}

/** Options of `classify`. */
export interface ClassifyOptions extends TaskOptions<{ text: string; labels: readonly string[] }> {
  /** Offers one label more, which means none of them: `true` for "none of these", or in words of your own. */
  none?: boolean | string;
  /** Labels by a head that `fitHead` fitted, instead of scoring each label. */
  head?: Head;
  /** The same by a head that is fitted to these when the list is first seen. */
  examples?: readonly Example[];
}

/** Options of `fitHead`. */
export interface FitOptions extends CallOptions {
  /** Inverse strength of the ridge, as scikit-learn's `C`; default 0.1. */
  c?: number;
}

/** A fitted head: plain data, to be kept as JSON. */
export interface Head {
  schema_version: number;
  /** What it was fitted with; another model refuses it. */
  binding: { model_hash: string; quantization: string; tokenizer_hash: string; state: string };
  labels: string[];
  /** Examples of each. */
  examples: number[];
  /** Numbers as base64. */
  mean: string;
  scale: string;
  weights: string;
  steps: string;
  bias: string;
}

/** Answer of `classify`. */
export interface Classified {
  /** Null: none of them. */
  label: string | null;
  /** Of every label, best first. */
  scores: LabelScore[];
  kinglet: TaskReport;
}

/** A JSON schema of an object, or the names of its fields: each a text, or null where there is none. */
export type ExtractSchema = Record<string, unknown> | readonly string[];

/** Options of `extract`. */
export interface ExtractOptions extends TaskOptions<{ text: string; schema: Record<string, unknown>; fields: readonly string[] }> {
  /** Most tokens of the answer; default 512. */
  maxTokens?: number;
  /** Compares so many answers, 2 to 4: this one and others that are drawn; `signals.agreement` is the share of pairs that agree. */
  samples?: number;
}

/** Answer of `extract`. */
export interface Extracted<T> {
  /** Null: the answer was cut off, and is no JSON. */
  value: T | null;
  /** The answer as it was written. */
  text: string;
  /** By path: whether a text or number of the value stands in the text. */
  found: Record<string, boolean>;
  kinglet: TaskReport;
}

/** A passage, what the app knows it by, and whether it may leave this device (default: what option `privacy` says). */
export interface Passage {
  text: string;
  id?: string;
  consent?: Consent;
  redact?: Redact;
}

/** What `answer` answers from. */
export type Passages = string | readonly (string | Passage)[] | Searchable;

/** What finds passages: an index of `createIndex`, or the app's own. */
export interface Searchable {
  search(query: string, options: { k: number; signal?: AbortSignal }): Promise<Found>;
}

/** Options of `answer`. */
export interface AnswerOptions extends TaskOptions<{ question: string; passages: readonly Passage[] }> {
  /** Most tokens of the answer; default 256. */
  maxTokens?: number;
  /** Compares so many answers, 2 to 4: this one and others that are drawn; `signals.agreement` is the share of pairs that agree. */
  samples?: number;
  /** Passages to take of an index; default 3. */
  k?: number;
}

/** What an answer says word for word, and where it stands. */
export interface Quote {
  text: string;
  /** Index of the passage; null: in none. */
  passage: number | null;
}

/** Answer of `answer`. */
export interface Answered {
  /** Null: the passages do not say. */
  answer: string | null;
  /** The answer as it was written. */
  text: string;
  quotes: Quote[];
  passages: Passage[];
  kinglet: TaskReport;
}

/** Options of `summarise`. */
export interface SummariseOptions extends TaskOptions<{ text: string }> {
  /** Most tokens of the summary; default 256. */
  maxTokens?: number;
  /** Compares so many answers, 2 to 4: this one and others that are drawn; `signals.agreement` is the share of pairs that agree. */
  samples?: number;
}

/** Answer of `summarise`. */
export interface Summarised {
  summary: string;
  kinglet: TaskReport;
}

/** Options of `filter`. */
export interface FilterOptions extends TaskOptions<{ text: string; hold: string }> {
  /** What is to be held, in words for the model; the project's own models know only their own notion of it. */
  hold?: string;
  /** The largest risk that each side may bear; default `{ pass: 0.1, hold: 0.25 }`. */
  maxRisk?: { pass?: number; hold?: number };
}

/** Answer of `filter`. */
export interface Filtered {
  verdict: 'pass' | 'hold' | 'unsure';
  /** What the model's own probabilities leave for the other answers: of passing what should not, of holding what need not. */
  risk: { pass: number; hold: number };
  kinglet: TaskReport;
}
