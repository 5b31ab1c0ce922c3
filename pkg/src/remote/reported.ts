// What a service's errors mean: statuses, and the words of many services for the same things. Pure.

import { fields, word, type Fields } from './answer.js';
import { Failure, type Refusal } from './failure.js';
import type { RemoteFailure } from './types.js';

/** How services say that a prompt is too long: OpenAI, Anthropic, llama.cpp, vLLM, Gemini, Mistral, Groq, TGI. */
const OVERFLOW =
  /context_length|exceed_context|model_context_window|request_too_large|context (length|window|size|limit)|maximum context|maximum (number of )?(input )?tokens allowed|(prompt|input|inputs?` tokens?) (is|are) too long|too many (input )?tokens|reduce the length|prompt contains \d+ tokens|`max_new_tokens` must be/i;
/** And that a filter stopped it: OpenAI, Azure, Anthropic, OpenRouter, Alibaba. */
const FILTERED = /content[ _-](filter|policy|management|moderation)|responsible_?ai|moderation.{0,40}flagged|flagged.{0,40}moderation|data_inspection_failed/i;

/**
 * What an error of a service means. `status`: of the answer, or of the error's own code where it came inside of a good one.
 */
export function failureOf(status: number | undefined, value: Fields | undefined, text: string, after?: number): Failure {
  const error = fields(value?.['error']) ?? value;
  const said = word(error?.['message']) ?? word(value?.['error']) ?? word(value?.['message']) ?? word(value?.['detail']) ?? text;
  const names = ['type', 'code', 'status'].map((name) => plain(error?.[name])).join(' ');
  const own = status ?? statusOf(error?.['code'], names);
  const all = `${names} ${plain(fields(error?.['innererror'])?.['code'])} ${said.slice(0, 2000)}`;
  const more = { ...(own === undefined ? {} : { status: own }), said, after };
  // Turned away before anything was computed, where the status itself says so; an error inside of an answer does not.
  const refused = status !== undefined && ((status >= 400 && status < 500 && status !== 408) || status === 503 || status === 529);
  const failed = (kind: RemoteFailure | Refusal, message: string, passing = false) => new Failure(kind, message, { ...more, refused, passing });
  if (own === 429) {
    const paid = /insufficient_quota|billing/i.test(names);
    return failed('rate_limited', paid ? 'its quota is used up' : 'too many requests', !paid);
  }
  if (own === 402) {
    return failed('budget_exhausted', 'its budget for this user is used up');
  }
  if (own === 413 || ((own === undefined || own <= 500) && OVERFLOW.test(all))) {
    return failed('overflow', 'the prompt does not fit its window');
  }
  if ((own === undefined || own < 500) && FILTERED.test(all)) {
    return failed('content_filter', 'its filter stopped the request');
  }
  if (own === 401 || own === 403) {
    return failed('auth', `it refused the key or token (status ${own})`);
  }
  if (own === 503 || own === 529) {
    return failed('overloaded', `it is overloaded (status ${own})`, true);
  }
  if (status === undefined) {
    return failed('reported', 'it reported an error in its answer', own !== undefined && (own >= 500 || own === 408));
  }
  return failed('http', `HTTP status ${status}`, status === 408 || status === 409 || status === 425 || status >= 500);
}

/** Statuses of errors that came inside of an answer: a number, or the names of OpenAI and Anthropic. */
const STATUSES: readonly [RegExp, number][] = [
  [/overloaded/i, 529],
  [/rate_limit|insufficient_quota|RESOURCE_EXHAUSTED/i, 429],
  [/authentication_error|invalid_api_key|UNAUTHENTICATED/i, 401],
  [/permission_error|PERMISSION_DENIED/i, 403],
  [/timeout_error/i, 504],
  [/service_unavailable|UNAVAILABLE/i, 503],
  [/api_error|server_error|internal/i, 500],
  [/not_found/i, 404],
  [/invalid_request|BadRequest/i, 400],
];

function statusOf(code: unknown, names: string): number | undefined {
  const number = Number(plain(code));
  if (Number.isInteger(number) && number >= 400 && number < 600) {
    return number;
  }
  return STATUSES.find(([pattern]) => pattern.test(names))?.[1];
}

/** A text or a number as text; whatever else stands there says nothing. */
function plain(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
