// The errors of asking a remote model: none of them contains a key, or what was asked.

import { KingletError } from '../errors.js';
import type { Payload, RemoteFailure } from './types.js';

/** Most characters of a service's own words in an error. */
const SAID = 200;
/** What repeats so many characters in a row of what was asked is left out, and so many of a key. */
const REPEATED = { payload: 8, secret: 4 };

/** Failures that are codes of their own: the app's budget knows them, too. */
export type Refusal = 'rate_limited' | 'budget_exhausted';

/** How an attempt failed. */
export class Failure extends Error {
  constructor(
    readonly kind: RemoteFailure | Refusal,
    message: string,
    readonly more: {
      status?: number;
      /** The service's own words, as they came. */
      said?: string;
      /** Another attempt may go well. */
      passing?: boolean;
      /** Milliseconds that it asks to wait. */
      after?: number | undefined;
      /** It was turned away before anything was computed. */
      refused?: boolean;
    } = {},
  ) {
    super(message);
  }
}

/** Who failed, for {@link errorOf}. */
export interface Asked {
  remote: string;
  host: string;
  attempts: number;
}

/**
 * The error of a failure: `remote_failed` with `detail.kind`, or a {@link Refusal}; `detail.said` has what the service said of it,
 * a text to be shown as text.
 */
export function errorOf({ kind, message, more }: Failure, { remote, host, attempts }: Asked, clean: (text: string) => string): KingletError {
  const said = clean(more.said ?? '');
  const code = kind === 'rate_limited' || kind === 'budget_exhausted' ? kind : 'remote_failed';
  const detail = {
    ...(code === kind ? { by: 'service' } : { kind }),
    remote,
    host,
    attempts,
    ...(more.status === undefined ? {} : { status: more.status }),
    ...(more.after === undefined ? {} : { retry_after_ms: more.after }),
    ...(said === '' ? {} : { said }),
  };
  const text = `remote model "${remote}" (${host}): ${message}${said === '' ? '' : `; it says: ${said}`}`;
  return new KingletError(code, text, detail);
}

/** A service's words without keys, without what was asked, without what is no text; and not too many of them. */
export function cleaned(text: string, secrets: readonly string[], payload: Payload): string {
  const short = text.slice(0, 4 * SAID);
  const bare = without(without(short, secrets, REPEATED.secret), textsIn(payload), REPEATED.payload);
  const plain = bare.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return plain.length > SAID ? `${plain.slice(0, SAID - 1)}…` : plain;
}

/** A name that a service gives itself, where it does not repeat a key. */
export function withoutSecrets(name: string, secrets: readonly string[]): string {
  return without(name, secrets, REPEATED.payload);
}

/** `text` with an ellipsis for every run of `least` characters, or a whole one of `others`, that stands in `others`. */
function without(text: string, others: readonly string[], least: number): string {
  const hidden = new Uint8Array(text.length);
  const runs = new Map<number, Map<string, number[]>>();
  for (const other of others) {
    const length = Math.min(least, other.length);
    if (length < 2) {
      continue; // a single letter is in every text
    }
    const found = runs.get(length) ?? runsOf(text, length);
    runs.set(length, found);
    for (let at = 0; at + length <= other.length; at++) {
      found.get(other.slice(at, at + length))?.forEach((start) => hidden.fill(1, start, start + length));
    }
  }
  return [...hidden].map((is, i) => (is === 0 ? text[i] : hidden[i - 1] === 1 ? '' : '…')).join('');
}

/** Where each run of so many characters stands. */
function runsOf(text: string, length: number): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (let at = 0; at + length <= text.length; at++) {
    const run = text.slice(at, at + length);
    found.set(run, [...(found.get(run) ?? []), at]);
  }
  return found;
}

/** Fields whose values are words of the protocol, not of the user. */
const WORDS = new Set(['role', 'type']);

/** All texts of a payload. Only as deep as the page checks requests to be. */
function textsIn(value: unknown, found: string[] = []): string[] {
  if (typeof value === 'string') {
    found.push(value);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (!WORDS.has(name)) {
        textsIn(inner, found);
      }
    }
  }
  return found;
}
