// Every reason, warning and state of an answer in one plain sentence: for people, without a word of this project's own.

/** Why a bigger model is asked; stands behind "because". The codes that ask, of docs/routing.md. */
export const ASKS = {
  policy_always: 'the settings send every question to a bigger model',
  user_requested: 'you asked for the bigger model',
  reask: 'you asked the same again',
  context_overflow: 'the conversation does not fit the model on this device',
  local_unavailable: 'no model was ready on this device',
  slow_device: 'this device would have taken too long',
  complexity: 'the question was rated too hard for the model on this device',
  retrieval_miss: 'nothing that was found speaks of the question',
  mid_abort: 'the answer from this device became too doubtful while it was being written',
  schema_invalid: 'the answer from this device did not have the required form',
  verifier_failed: 'a check of the answer from this device failed',
  refusal: 'the model on this device said that it does not know',
  repetition: 'the answer from this device ran in circles',
  truncated: 'the answer from this device was cut off by its length',
  out_of_scope: 'the text belongs to none of the labels',
  low_confidence: 'the model on this device was not sure enough',
  audit_sample: 'it was drawn at random, to check answers that are otherwise kept',
};

/** Why an answer from this device stands. The codes that keep, of docs/routing.md. */
export const KEPT = {
  confident: 'Answered on this device: it was sure enough',
  no_objection: 'Answered on this device: nothing spoke against the answer',
  policy_never: 'Kept here: the settings forbid that it leaves',
  privacy_never: 'Kept here: a label forbids that it leaves',
  consent_denied: 'Kept here: you did not agree to send it',
  no_remote: 'Answered on this device: there is no bigger model that could be asked',
  offline: 'Answered on this device: there is no connection',
  breaker_open: 'Answered on this device: the bigger model has failed several times and rests for a while',
  rate_limited: 'Answered on this device: the requests per minute are used up',
  budget_exhausted: 'Answered on this device: the budget is used up',
  max_rate: 'Answered on this device: as large a share as you allow has left already',
  budget_pacing: 'Answered on this device: the budget would be used up too early',
  not_worth: 'Answered on this device: a bigger model would gain less than it costs',
  remote_failed: 'Answered on this device: the bigger model was asked and failed',
};

/** What else is to be known of an answer. */
export const WARNINGS = {
  model_changed: 'Another model than the one that was asked for says that it has answered.',
  placeholders: 'Some placeholders in the answer could not be turned back into what they stood for.',
  usage_missing: 'The service did not say what it counted, so the most that it can cost stays booked.',
  queued: 'There is no connection: the bigger model will be asked when there is one, and its answer takes this one’s place.',
};

/** What came of asking. */
export const STATES = {
  answered: 'It was asked, and answered.',
  consent_denied: 'Nothing was sent: you did not agree.',
  rate_limited: 'It was not answered: requests per time are used up.',
  failed: 'It was asked and gave no answer that can be used.',
};

/** What is noted beside a decision. */
export const NOTES = {
  uncalibrated: 'No calibration speaks for this answer: the rule for the first days decided, which promises nothing of quality.',
  profile_mismatch: 'A calibration was there, but it was made with something else, so the rule for the first days decided.',
  no_probabilities: 'The model says nothing of its own probabilities.',
  signals_missing: 'A signal that the calibration needs is missing.',
  pooled_threshold: 'The group had too few rated answers for a threshold of its own.',
  warming_up: 'There are fewer than 20 answers in this session yet, so fixed bounds decided.',
  tightened: 'Drift was noticed: fewer answers are kept until that was seen to.',
  suspended: 'Drift was noticed: the calibration is not used until that was seen to.',
};

const own = (table, code) => (Object.hasOwn(table, code) ? table[code] : undefined);

/** What `table` says of a code; a code of a later version is told as it is. */
export const told = (table, code) => own(table, code) ?? `${String(code).replaceAll('_', ' ')}.`;

/**
 * One sentence: where an answer came from, and why. `answer` as the conversation keeps it; `money(micros)` writes a cost.
 */
export function sentence({ source, decision, provenance, escalation, cost, waited, warnings = [] }, money) {
  const reason = decision?.reason;
  if (source === 'remote') {
    const { model, provider = '', remote } = provenance ?? {};
    const why = own(ASKS, reason) ?? own(ASKS, decision?.asked);
    const because = waited ? ' when there was a connection again' : why ? ` because ${why}` : '';
    const most = warnings.some(({ code }) => code === 'usage_missing') ? 'at most ' : '';
    const price = typeof cost === 'number' ? `, cost ${most}${money(cost)}` : '';
    return `Asked ${model ?? remote ?? 'a bigger model'} at ${hostOf(provider)}${because}${price}.`;
  }
  if (reason === undefined || reason === null) return 'Answered on this device.';
  const paid = cost > 0 ? `; it cost ${money(cost)} all the same` : '';
  const kept = own(KEPT, reason) ?? stood(reason, escalation);
  return `${kept}${doubt(decision)}${paid}.`;
}

/** The protocol and host that an answer names: the host. */
export const hostOf = (provider) => provider.slice(provider.indexOf(':') + 1) || 'an unknown address';

/** Something asked, and the answer from here stands all the same. */
function stood(reason, escalation) {
  const because = own(ASKS, reason);
  if (because === undefined) return `Answered on this device: ${told({}, reason).slice(0, -1)}`;
  if (reason === 'audit_sample') return `Answered on this device; a bigger model is asked beside it, because ${because}`;
  const then = { consent_denied: 'you did not agree', rate_limited: 'requests per time are used up', failed: 'it failed' }[escalation];
  return `Answered on this device, although a bigger model would have been asked because ${because}${then ? `; ${then}` : ''}`;
}

/** What had asked where something forbade it. */
function doubt({ reason, asked }) {
  const because = asked === reason ? undefined : own(ASKS, asked);
  return because && own(KEPT, reason) ? ` (a bigger model would have been asked, because ${because})` : '';
}
