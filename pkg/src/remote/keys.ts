// What a remote model lets one in by: a key in memory, a token for each attempt, or nothing. Kept where no copy, log or trace of
// an object finds it.

import { aborted } from '../errors.js';
import { Failure } from './failure.js';
import type { RemoteEndpoint } from './types.js';

/** Longest key or token, in characters: servers take headers of 8 KiB. */
const LONGEST = 8192;
/** What may stand in a header: no blanks, nothing that is not ASCII. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** Whether this is a text that a header can carry as a key. */
export function sendable(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST && SENDABLE.test(value);
}

/** Gives the headers that let one in. */
export class Keys {
  readonly #key: string | undefined;
  readonly #getToken: RemoteEndpoint['getToken'];
  readonly #remote: string;
  readonly #anthropic: boolean;

  constructor(endpoint: RemoteEndpoint) {
    this.#key = endpoint.apiKey;
    this.#getToken = endpoint.getToken;
    this.#remote = endpoint.name;
    this.#anthropic = endpoint.api === 'anthropic';
  }

  /**
   * For one attempt; `used` gets what must not be repeated anywhere.
   *
   * @throws Failure `auth`: there is no token; KingletError `aborted`.
   */
  async headers(ms: number, signal: AbortSignal, used: string[]): Promise<[string, string][]> {
    if (this.#key !== undefined) {
      used.push(this.#key);
      // Without the second header Anthropic refuses what comes from a page: only who has opted in sends it.
      return this.#anthropic
        ? [['x-api-key', this.#key], ['anthropic-dangerous-direct-browser-access', 'true']]
        : [['authorization', `Bearer ${this.#key}`]];
    }
    if (this.#getToken === undefined) {
      return [];
    }
    const token = await this.#token(this.#getToken, ms, signal);
    if (!sendable(token)) {
      throw new Failure('auth', 'getToken() gave no token: expected a text without blanks that a header can carry');
    }
    used.push(token);
    return [['authorization', `Bearer ${token}`]];
  }

  async #token(getToken: NonNullable<RemoteEndpoint['getToken']>, ms: number, outer: AbortSignal): Promise<unknown> {
    const ending = new AbortController();
    const signal = AbortSignal.any([outer, ending.signal]);
    const over = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    over.catch(() => undefined);
    const timer = setTimeout(() => ending.abort(), ms);
    try {
      return await Promise.race([(async () => getToken({ remote: this.#remote, signal }))(), over]);
    } catch {
      // Its own words may contain what it should not.
      if (outer.aborted) {
        throw aborted(outer);
      }
      throw new Failure('auth', ending.signal.aborted ? `getToken() did not answer within ${ms} ms` : 'getToken() failed');
    } finally {
      clearTimeout(timer);
    }
  }
}
