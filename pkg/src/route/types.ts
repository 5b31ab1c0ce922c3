// The types of `kinglet/route`, written by hand; docs/routing.md says what each means. What an app writes is in camelCase,
// what is recorded in snake_case.

import type { Signals as Measured } from '../signals.js';

/** Which side is preferred, and whether the other is allowed. */
export type Mode = 'prefer-local' | 'only-local' | 'prefer-remote' | 'only-remote';
/** Whether something may leave the device. */
export type Consent = 'free' | 'ask' | 'never';
/** Whether names and numbers in it are replaced first. */
export type Redact = 'no' | 'yes';

/** A price in integer micro-units (millionths) of a currency. */
export interface Price {
  inputPerMillion: number;
  outputPerMillion: number;
  /** Of tokens of the prompt that the service has cached; default: as other tokens of the prompt. */
  cachedPerMillion?: number;
  perRequest?: number;
  currency: string;
  /** The day on which this was the price. */
  asOf: string;
}

/** A remote model, as a value that is decided for. */
export interface Remote {
  name: string;
  price: Price;
  contextWindow?: number;
  latencyMs?: number;
}

/** A promise: one of three. */
export type Target =
  | { escalationRate: number }
  /** Bounded risk, for traffic like the calibration set; `confidence` is 0.9 unless it is given. */
  | { risk: number; confidence?: number }
  /** In micro-units. */
  | { valuePerCorrect: number };

/** When the small model's answer is not enough. */
export interface Escalation {
  target?: Target;
  /** Ends generation when the mean log-probability of the last 16 tokens is below, after `grace` tokens. */
  abort?: { grace: number; windowBelow: number };
  maxRate?: number;
  audit?: number;
  latencyBudgetMs?: number;
  /** Micro-units that a second of waiting costs. */
  latencyWeight?: number;
  complexityBound?: number;
  retrievalBound?: number;
  repetitionBound?: number;
  outOfScopeBound?: number;
  /** What decides where no calibration does. */
  conservative?: 'quarter' | 'checks-only' | 'escalate';
}

/** What holds for one task. */
export interface TaskRule {
  escalate?: 'default' | 'always' | 'never';
  /** Micro-units that a correct answer is worth. */
  value?: number;
  consent?: Consent;
  redact?: Redact;
}

/** What the app wants. */
export interface Policy {
  mode?: Mode;
  /** In order of preference. */
  remotes?: readonly Remote[];
  escalation?: Escalation;
  tasks?: Readonly<Record<string, TaskRule>>;
  /** Labels of what has none; default `{ consent: 'ask', redact: 'no' }`. */
  privacy?: { consent?: Consent; redact?: Redact };
}

/** What is known of a request before anything is generated; what is absent forbids nothing and asks for nothing. */
export interface Facts {
  task?: string;
  group?: string;
  prompt_tokens?: number;
  max_tokens?: number;
  context?: number;
  /** Labels of everything in the payload. */
  payload?: readonly { consent?: Consent; redact?: Redact }[];
  /** The user was asked before, and said no. */
  answered?: 'denied';
  user?: 'asks' | 'reasks' | 'requests_remote';
  online?: boolean;
  local?: 'ready' | 'downloading' | 'absent';
  prefill_rate?: number;
  decode_rate?: number;
  latency_budget_ms?: number;
  /** Micro-units that a correct answer is worth. */
  value?: number;
  tier?: string;
  /** What the app's own scorer says of how hard the request is, 0 to 1. */
  complexity?: number;
  retrieval_top?: number;
  retrieval_margin?: number;
  budget?: { remaining?: number; pacing?: number; requests?: number; tokens?: number };
  /** Remote models that rest after failures. */
  resting?: readonly string[];
  /** Drawn by the caller to check what is otherwise kept. */
  audit?: boolean;
}

/** What is known of an answer's doubt (docs/signals.md); what is left out, or null, was not measured. */
export type Signals = Pick<Measured, 'version' | 'origin'> & Partial<Measured>;

/** What was made with a calibration, or is there now. */
export interface Binding {
  model_hash: string;
  quantization: string;
  tokenizer_hash: string;
  template_hash: string;
  sampler: string;
  signal_version: number;
}

/** Why a request ended where it did. */
export type Reason =
  | 'policy_always'
  | 'user_requested'
  | 'reask'
  | 'context_overflow'
  | 'local_unavailable'
  | 'slow_device'
  | 'complexity'
  | 'retrieval_miss'
  | 'mid_abort'
  | 'schema_invalid'
  | 'verifier_failed'
  | 'refusal'
  | 'repetition'
  | 'truncated'
  | 'out_of_scope'
  | 'low_confidence'
  | 'audit_sample'
  | 'confident'
  | 'no_objection'
  | 'policy_never'
  | 'privacy_never'
  | 'consent_denied'
  | 'no_remote'
  | 'offline'
  | 'breaker_open'
  | 'rate_limited'
  | 'budget_exhausted'
  | 'max_rate'
  | 'budget_pacing'
  | 'not_worth'
  | 'remote_failed';

/** What else should be known of a decision. */
export type Note =
  | 'uncalibrated'
  | 'profile_mismatch'
  | 'no_probabilities'
  | 'signals_missing'
  | 'pooled_threshold'
  | 'warming_up'
  | 'tightened'
  | 'suspended';

/** What is to be done, and why. */
export interface Decision {
  /** `audit`: the local answer stands, and the remote model is asked to check it. `none`: there is no answer. */
  action: 'local' | 'remote' | 'audit' | 'none';
  /** The one terminal reason; null only while the answer is still to be generated. */
  reason: Reason | null;
  /** What asked for the remote model first, whether or not it was heard. */
  asked: Reason | null;
  /** Whether a calibrated score decided. */
  calibrated: boolean;
  p_error: number | null;
  gain: number | null;
  score: { kind: 'calibrated' | 'rate' | 'conservative'; name: string; value: number; threshold: number | null } | null;
  /** The remote model to ask, and what that needs. Nothing here says yes for the user. */
  egress: { remote: string; needs_consent: boolean; needs_redaction: boolean; cost: number | null } | null;
  /** For the engine: when to end generation early. */
  abort: { window_below: number; grace: number } | null;
  /** Micro-units. */
  cost: number | null;
}

/** Which calibration was there. */
export type Calibration =
  | { kind: 'absent' }
  | { kind: 'fits'; profile: string }
  | { kind: 'refused'; profile: string; field: string; made_with: string; got: string };

/** How generation ended. */
export type Ended = 'complete' | 'aborted';

/** What came of a decision; `{}`: the remote model was not asked. */
export interface Outcome {
  remote?: 'answered' | 'consent_denied' | 'rate_limited' | 'failed';
  usage?: { input: number; output: number };
  /** Of an audit that was answered: whether the small model's answer was right, by what the remote model said. */
  local_ok?: boolean;
  /** Whole milliseconds that the small model's answer took. */
  local_ms?: number;
  /** Tokens of the prompt as the small model gets it, and of what was sent instead, by the small model's tokenizer. */
  payload?: { local: number; sent: number };
}

/** What decisions see of the session so far. */
export interface Session {
  requests: number;
  escalations: number;
  [field: string]: unknown;
}

/** The whole record of one request. It has no text of it. */
export interface Trace {
  versions: { trace: number; signals: number; core: string };
  inputs: {
    id: string;
    policy: Policy;
    facts: Facts;
    session: Session;
    calibration: Calibration;
    answer: { signals: Signals; ended: Ended } | null;
    outcome: Outcome | null;
  };
  decision: Decision;
  asks: { reason: Reason; value: number | null; bound: number | null; gain: number }[];
  gates: { reason: Reason; value: number | null; bound: number | null }[];
  alternatives: { remote: string; cost: number | null; benefit: number | null; burden: number | null; reason: Reason | null }[];
  contributions: { name: string; value: number | null; contribution: number }[];
  notes: Note[];
}

/** A session's state: a document, to be kept and given back as it is. */
export interface State {
  schema_version: number;
  requests: number;
  escalations: number;
  [field: string]: unknown;
}

/** Something that a drift monitor noticed, and what it does about it. */
export interface Alarm {
  kind: 'scores_rose' | 'asked_rose' | 'scores_moved' | 'signals_moved' | 'slower' | 'checks_fail' | 'risk_broken' | 'model_changed' | 'price_changed';
  action: 'warn' | 'tighten' | 'suspend';
  message: string;
}

/** A calibration (docs/calibration.md): a document, given as it is. */
export type Profile = { task: string; [field: string]: unknown };

/** What a router goes by, all defaults filled in. */
export interface Config {
  versions: Trace['versions'];
  policy: Policy;
  binding: Binding;
  profiles: { id: string; task: string; n: number; calibration: Calibration }[];
}
