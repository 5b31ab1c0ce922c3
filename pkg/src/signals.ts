// What is known of an answer's doubt: `kinglet_route::Signals`, as JSON.

/**
 * Signals of one answer; null: not measured. Log-probabilities are natural, of the model's own distribution, before
 * temperature, penalties and grammars. Formulas: docs/signals.md.
 */
export interface Signals {
  /** Changes when a definition does. */
  version: number;
  /** Whether the probabilities are the model's own, another engine's report, or there are none. */
  origin: 'measured' | 'reported' | 'none';
  /** Tokens that the statistics are over: those that a grammar forced are left out. */
  tokens: number;
  mean_logprob: number | null;
  min_logprob: number | null;
  first_logprob: number | null;
  /** Quantiles of the tokens' log-probabilities. */
  q05_logprob: number | null;
  q10_logprob: number | null;
  q25_logprob: number | null;
  q50_logprob: number | null;
  /** The lowest mean over 16 consecutive tokens. */
  window_logprob: number | null;
  /** ln p1 - ln p2, of the two likeliest tokens at each place. */
  mean_margin: number | null;
  min_margin: number | null;
  first_margin: number | null;
  /** In nats, of the whole vocabulary. */
  mean_entropy: number | null;
  max_entropy: number | null;
  /** Sum over tokens of -ln(probability that the grammar allowed). */
  grammar_pressure: number | null;
  forced_tokens: number | null;
  /** The smallest at tokens that are (part of) values in JSON. */
  anchor_logprob: number | null;
  anchor_margin: number | null;
  /** Labels: the best one's share, that less the second's, the probability of all together, the share of "none". */
  label_max: number | null;
  label_margin: number | null;
  label_mass: number | null;
  label_none: number | null;
  /** The same of a fitted head. */
  head_max: number | null;
  head_margin: number | null;
  /** Share of pairs among the samples that agree, and how many samples there were. */
  agreement: number | null;
  samples: number | null;
  /** Share of the answer's 4-grams of tokens that were there before. */
  repetition: number | null;
  truncated: boolean | null;
  refusal: boolean | null;
  empty: boolean | null;
  parse_ok: boolean | null;
  schema_ok: boolean | null;
  quote_ok: boolean | null;
  verified: boolean | null;
  retrieval_top: number | null;
  retrieval_margin: number | null;
  retrieval_coverage: number | null;
  prompt_tokens: number | null;
  complexity: number | null;
}
