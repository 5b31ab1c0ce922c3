// One batch on its way to the collector: to its origin and nowhere else, tried again where OTLP says so, for a while.

import { retryAfter, wait } from '../sources/retry.js';

/** The browser's `fetch`, or a test's. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What is tried again: <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>. */
const PASSING = new Set([429, 502, 503, 504]);
/** Attempts in all. */
const ATTEMPTS = 4;
/** Before the second attempt, twice as long before each further one; drawn between half of it and all. */
const PAUSE_MS = 1_000;
/** Longest pause that a collector may ask for: by then the next batch is due. */
const LONGEST_MS = 60_000;
/** Of one attempt. */
const TIMEOUT_MS = 10_000;
/** Bytes that a browser sends after its page has gone. */
const KEPT_ALIVE = 60_000;
/** Characters of an answer that are read. */
const LONGEST_ANSWER = 65_536;

/** How it is sent. */
export interface Way {
  fetch: Fetch;
  headers: Readonly<Record<string, string>>;
  /** Ends trying again; an attempt that runs may end. */
  signal: AbortSignal;
  /** The page goes: one attempt, which survives it. */
  last: boolean;
}

/** Sends `batch`; how many of its items were not taken, by what the collector says: all of them (infinity) if nobody took it. */
export async function send(url: URL, batch: object, { fetch, headers, signal, last }: Way): Promise<number> {
  const body = JSON.stringify(batch);
  for (let attempt = 1; ; attempt += 1) {
    let after = 0;
    try {
      const response = await fetch(url.href, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        credentials: 'omit',
        redirect: 'error',
        mode: 'cors',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
        keepalive: last && body.length < KEPT_ALIVE,
      });
      if (response.ok) {
        return rejected(await text(response));
      }
      void response.body?.cancel().catch(() => undefined);
      if (!PASSING.has(response.status)) {
        return Infinity;
      }
      after = retryAfter(response.headers);
    } catch {
      // no connection, a redirect, or too slow: as a collector that is away
    }
    if (attempt === ATTEMPTS || last || signal.aborted || after > LONGEST_MS) {
      return Infinity;
    }
    try {
      await wait(Math.max(after, PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)), signal);
    } catch {
      return Infinity;
    }
  }
}

async function text(response: Response): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) {
      return text;
    }
    text += next.value;
    if (text.length > LONGEST_ANSWER) {
      void reader?.cancel().catch(() => undefined);
      return '';
    }
  }
}

/** `partialSuccess` of an answer: its count is a string or a number. */
function rejected(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as { partialSuccess?: { rejectedSpans?: unknown } | null };
    const count = Number(partialSuccess?.rejectedSpans ?? 0);
    return count > 0 ? count : 0;
  } catch {
    return 0; // it took it, and says nothing of it
  }
}
