// One attempt: a request over HTTP, how long each part of it may take, and the parts of its answer.

import { aborted } from '../errors.js';
import { retryAfter, Stall } from '../sources/retry.js';
import { failureOf, fields, json, type AnswerReader, type Fields, type Known } from './answer.js';
import { Failure } from './failure.js';
import { EventReader, TooLong } from './sse.js';
import type { RemoteEndpoint, RemotePart, RemoteTimeouts } from './types.js';

/** The browser's `fetch`, or the caller's own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The defaults. */
export const TIMEOUTS: Required<RemoteTimeouts> = { connectMs: 15_000, firstTokenMs: 60_000, idleMs: 30_000, totalMs: 300_000 };

/** Most characters of an answer that is not a stream, and of an error's body; the rest is not read. */
const LONGEST = { whole: 16_777_216, error: 65_536 };
/** Until an error's body is there: what it says is only for the message. */
const ERROR_MS = 5_000;
/** Until the rest of an answer of which the end is known: usage, and the word that nothing follows. */
const REST_MS = 5_000;
/** Longest wait that a service may ask for, in milliseconds: more than that is said as this. */
const LONGEST_AFTER_MS = 30 * 86_400_000;

/** What is sent. */
export interface Sent {
  url: URL;
  headers: readonly (readonly [string, string])[];
  body: string;
  credentials: NonNullable<RemoteEndpoint['credentials']>;
}

/**
 * Sends it, and yields heads, texts and calls; usage and finish are in `reader.known` when it has ended. Leaving early cancels.
 *
 * @throws Failure; KingletError `aborted`.
 */
export async function* attempt(sent: Sent, reader: AnswerReader, fetch: Fetch, times: Required<RemoteTimeouts>, signal: AbortSignal): AsyncGenerator<RemotePart, void, void> {
  const stall = new Stall(times.connectMs, signal);
  const { known } = reader;
  let phase: Phase = 'connect';
  let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    const response = await Promise.race([fetch(sent.url.href, initOf(sent, stall.signal)), stall.over]);
    body = response.body?.getReader();
    checkOrigin(response, sent.url);
    if (!response.ok) {
      stall.expect(ERROR_MS);
      throw await refusal(response, body, stall);
    }
    phase = 'first';
    let deadline = performance.now() + times.firstTokenMs;
    for await (const step of steps(body, reader, () => (stall.expect(Math.max(0, deadline - performance.now())), stall.over), () => stall.rest())) {
      if (step === 'piece') {
        phase = 'idle';
        deadline = performance.now() + (known.finish === undefined ? times.idleMs : Math.min(REST_MS, times.idleMs));
        continue;
      }
      const before = performance.now();
      yield step;
      deadline += performance.now() - before; // whoever reads slowly is not a slow service
    }
  } catch (thrown) {
    const failure = meaning(thrown, stall, signal, phase, times);
    // All of the answer was there: what is missing is only the word that nothing follows, or what it cost.
    if (known.finish === undefined || signal.aborted) {
      throw failure;
    }
  } finally {
    stall.end();
    body?.cancel().catch(() => undefined);
  }
}

type Phase = 'connect' | 'first' | 'idle';

function initOf({ headers, body, credentials }: Sent, signal: AbortSignal): RequestInit {
  return {
    method: 'POST',
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body,
    signal,
    credentials,
    // Not followed, and other than with `error` it can be told from a network that fails.
    redirect: 'manual',
    mode: 'cors',
    cache: 'no-store',
    referrerPolicy: 'no-referrer',
  };
}

/** What came is from where it was asked for. */
function checkOrigin({ type, status, redirected, url }: Response, asked: URL): void {
  const elsewhere = redirected || (url !== '' && URL.canParse(url) && new URL(url).origin !== asked.origin);
  if (type === 'opaqueredirect' || elsewhere || (status >= 300 && status < 400)) {
    throw new Failure('redirect', 'it redirects to another address, which is not asked: configure the address itself', status === 0 ? {} : { status });
  }
}

/** The failure that an answer of another status is. */
async function refusal(response: Response, body: ReadableStreamDefaultReader<Uint8Array> | undefined, stall: Stall): Promise<Failure> {
  let text = '';
  try {
    for await (const piece of textOf(body, () => stall.over)) {
      text += piece;
      if (text.length > LONGEST.error) {
        break;
      }
    }
  } catch {
    // what came of it will do
  }
  const { status, headers } = response;
  return failureOf(status, parsed(text), isPage(text) ? '' : text, afterOf(headers));
}

/** How long it asks to wait: the standard's header, or the finer one that some services have beside it. */
function afterOf(headers: Headers): number | undefined {
  const fine = Number(headers.get('retry-after-ms') ?? NaN);
  if (fine >= 0) {
    return Math.min(fine, LONGEST_AFTER_MS);
  }
  return headers.has('retry-after') ? Math.min(retryAfter(headers), LONGEST_AFTER_MS) : undefined;
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return fields(Array.isArray(value) ? value[0] : value);
  } catch {
    return undefined;
  }
}

const isPage = (text: string) => /^\s*</.test(text);

/** The text of a body, piece by piece; `over` is asked before each. */
async function* textOf(body: ReadableStreamDefaultReader<Uint8Array> | undefined, over: () => Promise<never>, rest: () => void = () => undefined): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for (;;) {
    const { value } = (body && (await Promise.race([body.read(), over()]))) ?? {};
    rest();
    if (value === undefined) {
      return;
    }
    yield decoder.decode(value, { stream: true });
  }
}

/** The parts of an answer's body, whatever its media type says it is; `piece` when something of the answer came, shown or not. */
async function* steps(body: ReadableStreamDefaultReader<Uint8Array> | undefined, reader: AnswerReader, over: () => Promise<never>, rest: () => void): AsyncGenerator<RemotePart | 'piece', void, void> {
  const { known } = reader;
  const events = new EventReader();
  let begin = '';
  let seen = 0;
  const told = function* (parts: readonly RemotePart[]): Generator<RemotePart | 'piece'> {
    if (known.pieces > seen || known.finish !== undefined) {
      seen = known.pieces;
      yield 'piece';
    }
    yield* parts;
  };
  let form: 'unknown' | 'events' | 'whole' = 'unknown';
  const whole: string[] = [];
  let length = 0;
  for await (const text of textOf(body, over, rest)) {
    let fresh = text;
    if (form === 'unknown') {
      begin = (begin + text).trimStart();
      if (begin === '') {
        continue;
      }
      if (begin.startsWith('<')) {
        throw new Failure('bad_answer', 'it sent a page instead of an answer');
      }
      form = begin.startsWith('{') || begin.startsWith('[') ? 'whole' : 'events';
      fresh = begin;
    }
    if (form === 'whole') {
      whole.push(fresh);
      length += fresh.length;
      if (length > LONGEST.whole) {
        throw new TooLong(`an answer of more than ${LONGEST.whole} characters`);
      }
      continue;
    }
    for (const event of events.feed(fresh)) {
      yield* told(reader.event(event));
      if (known.ended) {
        finished(known);
        return;
      }
    }
  }
  if (form === 'whole') {
    yield* told(reader.whole(json(whole.join(''))));
  }
  finished(known);
}

/** The body has ended: whether the answer was complete. */
function finished(known: Known): void {
  if (known.finish !== undefined) {
    return;
  }
  if (known.ended && known.pieces > 0) {
    known.finished('stop');
    return;
  }
  throw known.ended || known.pieces === 0
    ? new Failure('bad_answer', 'it sent no answer')
    : new Failure('cut', 'the answer ended before it was complete', { passing: true });
}

/** What was thrown, for the caller. */
function meaning(thrown: unknown, stall: Stall, signal: AbortSignal, phase: Phase, times: Required<RemoteTimeouts>): unknown {
  if (signal.aborted) {
    return aborted(signal);
  }
  if (thrown instanceof Failure) {
    return thrown;
  }
  if (stall.stalled) {
    const passing = { passing: true };
    return {
      connect: new Failure('connect_timeout', `no answer within ${times.connectMs} ms`, passing),
      first: new Failure('first_token_timeout', `nothing of the answer within ${times.firstTokenMs} ms`, passing),
      idle: new Failure('idle_timeout', `nothing more of the answer within ${times.idleMs} ms`, passing),
    }[phase];
  }
  if (thrown instanceof TooLong) {
    return new Failure('bad_answer', `it sent ${thrown.message}`);
  }
  if (phase !== 'connect') {
    return new Failure('cut', 'the connection broke off before the answer was complete', { passing: true });
  }
  // Node says why; a browser says nothing, so that a page learns nothing of other networks.
  const code = (thrown as { cause?: { code?: unknown } } | null)?.cause?.code;
  const why = typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? ` (${code})` : '';
  return new Failure('network', `no connection${why}, or the browser forbids it (CORS, mixed content, a Content-Security-Policy)`, { passing: true });
}
