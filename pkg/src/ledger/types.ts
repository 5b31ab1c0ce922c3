// What is kept of money and tokens. Money is integer micro-units (millionths) of the currency of the prices.

import type { Price } from '../route/types.js';
import type { Spent } from '../remote/types.js';

/** Option `budget` of `createKinglet`. What is left out is not bounded. Advisory: who holds the browser can clear it. */
export interface BudgetOptions {
  requestsPerMinute?: number;
  /** Of prompts and answers together. */
  tokensPerMinute?: number;
  requestsPerDay?: number;
  requestsPerMonth?: number;
  /** Micro-units, as all that follow. */
  perRequest?: number;
  perSession?: number;
  perDay?: number;
  perMonth?: number;
  /** By name of `facts.tier`: its guaranteed share of the whole, 0 to 1, and who may borrow what others leave. */
  tiers?: Readonly<Record<string, Share>>;
  /** By name of `facts.task`, likewise. */
  tasks?: Readonly<Record<string, Share>>;
  /** How strongly spending ahead of an even pace makes money dearer; 0: not. Default 1. */
  pacing?: number;
  /** Where it is kept: as `feedback.store`. Default `auto`. */
  store?: 'auto' | 'indexeddb' | 'memory';
  /** Rows that are kept, the newest ones. Default 10,000. */
  most?: number;
}

/** A part of the whole budget. */
export interface Share {
  /** 0 to 1; what nobody else may use. */
  share: number;
  /** Those of higher priority borrow first of what is left over. Default 0; negative: never borrows. */
  priority?: number;
}

/** Who asks. */
export interface Purse {
  task?: string;
  tier?: string;
  /** Names a `batch`, whose own bound is `most` micro-units. */
  batch?: { id: string; most: number };
}

/** What is to be reserved: the worst case of one attempt. */
export interface Reserve extends Purse {
  /** Of the answer, and which attempt of it. */
  id: string;
  attempt: number;
  remote: string;
  price: Price;
  /** That of the first remote model, where this one is another: the counterfactual is counted by it. */
  baseline?: Price;
  /** Tokens, at most. */
  input: number;
  output: number;
}

/** What is known when an attempt has ended. */
export interface Settled {
  spent: Spent;
  /** What the service says that it is. */
  model?: string;
  provider?: string;
  /** Whole milliseconds. */
  latency_ms?: number;
  /** The same, until its first words. */
  first_ms?: number;
  /** Of the local answer that was given up for it. */
  wasted_local_ms?: number;
  reason?: string;
}

/** An answer from this device, for what it would have cost elsewhere. */
export interface Kept extends Purse {
  id: string;
  /** Of the first remote model: the counterfactual. */
  price?: Price;
  remote?: string;
  input: number;
  output: number;
  local_ms?: number;
  /** The same, until its first words. */
  first_ms?: number;
  reason?: string;
}

/** One line of the ledger. */
export interface LedgerRow {
  schema_version: number;
  /** Its place in the ledger, in the order in which attempts were reserved: no two rows have the same. */
  seq: number;
  id: string;
  attempt: number;
  /** Milliseconds since 1970. */
  at: number;
  session: string;
  task?: string;
  tier?: string;
  batch?: string;
  source: 'local' | 'remote';
  remote?: string;
  /** Who made the text, for terms of use: what the service said. */
  model?: string;
  provider?: string;
  input_tokens: number;
  output_tokens: number;
  cached_tokens?: number;
  /** `reported`: counted by the service, or by the engine here; `estimated`: the worst case, because nobody counted. */
  tokens: 'reported' | 'estimated';
  /** Of the price, for its date. */
  currency?: string;
  price_as_of?: string;
  cost: number;
  reserved: number;
  /** What asking the first remote model for everything would have cost. */
  counterfactual: number;
  counterfactual_kind: 'measured' | 'estimated';
  local_ms?: number;
  wasted_local_ms?: number;
  latency_ms?: number;
  /** Until the first words, whoever wrote them. */
  first_ms?: number;
  reason?: string;
}

/** What all rows there ever were sum to, those included that are no longer kept. */
export interface LedgerTotals {
  /** Rows of attempts at remote models, and of answers of this device. */
  remote: number;
  local: number;
  /** Micro-units that services counted, and the worst case of what nobody counted. */
  reported: number;
  estimated: number;
}

/** A number with its interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
  n: number;
}

/** What was spent and saved since a time. Measured and estimated are never added. */
export interface LedgerSummary {
  requests: number;
  local: number;
  remote: number;
  currency: string | null;
  /** Micro-units that services counted, and the worst case of what nobody counted. */
  spent: { reported: number; estimated: number };
  /** What all of it would have cost elsewhere. */
  counterfactual: { measured: number; estimated: number };
  /** Counterfactual less spent, as a share of the counterfactual; null without enough rows. */
  saving: Estimate | null;
  local_rate: Estimate | null;
  /** Most expensive first. */
  tasks: { task: string; spent: number; requests: number }[];
}
