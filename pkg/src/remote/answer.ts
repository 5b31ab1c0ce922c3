// What both protocols share: what is known of an answer while it comes, and careful looks at JSON that anybody may have written.

import { Failure, type Refusal } from './failure.js';
import type { StreamEvent } from './sse.js';
import type { Payload, RemoteEndpoint, RemoteFailure, RemoteFinish, RemotePart, RemoteUsage } from './types.js';

/** A protocol: how a request is written, and who reads its answer. */
export interface Protocol {
  /** Behind the base address. */
  path: string;
  /** Headers of its own. */
  headers: readonly (readonly [string, string])[];
  body(endpoint: RemoteEndpoint, payload: Payload): Fields;
  reader(): AnswerReader;
}

/** Reads one answer. Both throw {@link Failure}. */
export interface AnswerReader {
  readonly known: Known;
  /** Heads, texts and calls out of one event; usage and finish are {@link known}. */
  event(event: StreamEvent): RemotePart[];
  /** The same out of an answer that came as a whole. */
  whole(body: Fields): RemotePart[];
}

export type Fields = Record<string, unknown>;

/** Most tokens that a count may name. */
const MOST_TOKENS = 1e9;
/** Most characters of texts and calls, to each of which so many are added; no model writes that much. */
const LONGEST = 16_777_216;
const PART = 16;
/** Most characters of a name that a service gives itself or its answer. */
const NAME = 200;

/** What is known of an answer so far. */
export class Known {
  /** Why it ended, as soon as that was said. */
  finish: RemoteFinish | undefined;
  /** The service has said that nothing follows. */
  ended = false;
  /** Something of the answer came, shown or not: thoughts count. */
  pieces = 0;
  /** Something was shown. */
  visible = false;
  calls = 0;
  private headed = false;
  private length = 0;
  /** Pieces when the output was last counted. */
  private counted = 0;
  private readonly counts: { input?: number; output?: number; cached?: number } = {};

  /** Cumulative: the latest holds. Zero is no count where there was one before: it is what services say that do not count. */
  count(name: 'input' | 'output' | 'cached', value: unknown): void {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS && (value > 0 || this.counts[name] === undefined)) {
      this.counts[name] = value;
      this.counted = name === 'output' ? this.pieces : this.counted;
    }
  }

  /**
   * What was counted: nothing where that cannot be all of it. No prompt has zero tokens, and no text; a count that came before
   * the last piece is of less than there is, unless it is of as many tokens as there are pieces.
   */
  get usage(): RemoteUsage | undefined {
    const { input, output, cached } = this.counts;
    const early = this.counted < this.pieces && (output ?? 0) < this.pieces;
    if (input === undefined || input === 0 || output === undefined || (output === 0 && this.visible) || early) {
      return undefined;
    }
    return { input, output, ...(cached === undefined ? {} : { cached: Math.min(cached, input) }) };
  }

  /** What the service says of itself, once. */
  head(id: unknown, model: unknown): RemotePart[] {
    const [short, name] = [word(id)?.slice(0, NAME), word(model)?.slice(0, NAME)];
    if (this.headed || (short ?? name) === undefined) {
      return [];
    }
    this.headed = true;
    return [{ type: 'head', ...(short === undefined ? {} : { id: short }), ...(name === undefined ? {} : { model: name }) }];
  }

  text(text: unknown): RemotePart[] {
    return typeof text === 'string' && text !== '' ? this.shown({ type: 'text', text }, text) : [];
  }

  call(part: Omit<RemotePart & { type: 'call' }, 'type'>): RemotePart[] {
    this.calls = Math.max(this.calls, part.index + 1);
    return this.shown({ type: 'call', ...part }, part.arguments);
  }

  private shown(part: RemotePart, text: string): RemotePart[] {
    this.pieces += 1;
    this.visible = true;
    this.length += text.length + PART;
    if (this.length > LONGEST) {
      throw new Failure('bad_answer', `it sent an answer of more than ${LONGEST} characters`);
    }
    return [part];
  }

  /** Some services say `stop` where they have called a tool. */
  finished(reason: RemoteFinish): void {
    this.finish = reason === 'stop' && this.calls > 0 ? 'tool_calls' : reason;
  }
}

/** The value where it is an object. */
export function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The values of a list that are objects. */
export function objects(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields).filter((one) => one !== undefined) : [];
}

/** The value where it is a text that says something. */
export function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An event's data as JSON. @throws Failure `bad_answer` */
export function json(data: string): Fields {
  try {
    const value: unknown = JSON.parse(data);
    const found = fields(Array.isArray(value) ? value[0] : value); // Gemini's errors come in a list
    if (found !== undefined) {
      return found;
    }
  } catch {
    // the same
  }
  throw new Failure('bad_answer', 'it sent something that is no JSON object');
}

const OVERFLOW =
  /context_length|exceed_context|model_context_window|request_too_large|context (length|window|size|limit)|maximum context|maximum (number of )?(input )?tokens allowed|(prompt|input|inputs?` tokens?) (is|are) too long|too many (input )?tokens|reduce the length|prompt contains \d+ tokens|`max_new_tokens` must be/i;
const FILTERED = /content[ _-](filter|policy|management|moderation)|responsible_?ai|moderation.{0,40}flagged|flagged.{0,40}moderation|data_inspection_failed/i;

/**
 * What an error of a service means. `status`: of the answer, or of the error's own code where it came inside of a good one.
 */
export function failureOf(status: number | undefined, value: Fields | undefined, text: string, after?: number): Failure {
  const error = fields(value?.['error']) ?? value;
  const said = word(error?.['message']) ?? word(value?.['error']) ?? word(value?.['message']) ?? word(value?.['detail']) ?? (value === undefined ? text : JSON.stringify(value));
  const names = ['type', 'code', 'status'].map((name) => String(error?.[name] ?? '')).join(' ');
  const own = status ?? statusOf(error?.['code'], names);
  const all = `${names} ${String(fields(error?.['innererror'])?.['code'] ?? '')} ${said.slice(0, 2000)}`;
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
  const number = Number(code);
  if (code !== null && code !== '' && Number.isInteger(number) && number >= 400 && number < 600) {
    return number;
  }
  return STATUSES.find(([pattern]) => pattern.test(names))?.[1];
}
