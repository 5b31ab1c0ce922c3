// One attempt: a request over HTTP, how long each part of it may take, and the parts of its answer.

import { aborted } from '../errors.js';
import { isOffline, retryAfter, Stall } from '../sources/retry.js';
import { fields, type AnswerReader, type Fields } from './answer.js';
import { steps, textOf, type Body } from './body.js';
import { Failure } from './failure.js';
import { failureOf } from './reported.js';
import { TooLong } from './sse.js';
import type { RemoteEndpoint, RemotePart, RemoteTimeouts } from './types.js';

/** The browser's `fetch`, or the caller's own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The defaults. */
export const TIMEOUTS: Required<RemoteTimeouts> = { connectMs: 15_000, firstTokenMs: 60_000, idleMs: 30_000, totalMs: 300_000 };

/** Most characters of an error's body; the rest is not read. */
const LONGEST_ERROR = 65_536;
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
  let cancel: () => void = () => undefined;
  try {
    const asked = fetch(sent.url.href, initOf(sent, stall.signal));
    cancel = () => void asked.then(({ body }) => body?.cancel()).catch(() => undefined);
    const response = await Promise.race([asked, stall.over]);
    const opened = response.body?.getReader();
    cancel = () => void opened?.cancel().catch(() => undefined);
    // Ends the read that is under way. A race for each read would keep something of every one of them until the end.
    stall.signal.addEventListener('abort', cancel);
    stall.signal.throwIfAborted();
    let until = performance.now() + times.firstTokenMs;
    const body: Body = {
      read: async () => {
        const piece = await opened?.read();
        stall.signal.throwIfAborted();
        return piece;
      },
      expect: () => stall.expect(Math.max(0, until - performance.now())),
      rest: () => stall.rest(),
    };
    checkOrigin(response, sent.url);
    if (!response.ok) {
      until = performance.now() + Math.min(ERROR_MS, times.idleMs);
      throw await refusal(response, body);
    }
    phase = 'first';
    for await (const step of steps(body, reader)) {
      const now = performance.now();
      if (step === 'piece') {
        phase = 'idle';
        until = now + (known.finish === undefined ? times.idleMs : Math.min(REST_MS, times.idleMs));
      } else {
        yield step;
        until += performance.now() - now; // whoever reads slowly is not a slow service
      }
    }
  } catch (thrown) {
    // When the end is known, all of the answer was there: what is missing is what it cost, or that nothing follows.
    if (known.finish === undefined || signal.aborted) {
      throw meaning(thrown, stall, signal, phase, times);
    }
  } finally {
    stall.end();
    cancel();
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
  const elsewhere = redirected || (url !== '' && !url.startsWith(`${asked.origin}/`));
  if (type === 'opaqueredirect' || elsewhere || (status >= 300 && status < 400)) {
    throw new Failure('redirect', 'it redirects to another address, which is not asked: configure the address itself', status === 0 ? {} : { status });
  }
}

/** The failure that an answer of another status is. */
async function refusal({ status, headers }: Response, body: Body): Promise<Failure> {
  let text = '';
  try {
    for await (const piece of textOf(body)) {
      text += piece;
      if (text.length > LONGEST_ERROR) {
        break;
      }
    }
  } catch {
    // what came of it will do
  }
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
  const known = typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? code : undefined;
  const why = known === undefined ? '' : ` (${known})`;
  const message = `no connection${why}, or the browser forbids it (CORS, mixed content, a Content-Security-Policy)`;
  return new Failure('network', message, { passing: !isOffline(), refused: NEVER_SENT.has(known ?? '') });
}

/** Of Node's reasons those for which nothing was sent. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);
