// A remote model: what is sent to it, attempt after attempt until something of an answer is seen, and an account of each.

import { aborted, KingletError } from '../errors.js';
import { wait } from '../sources/retry.js';
import { addressOf } from './address.js';
import { anthropic } from './anthropic.js';
import type { Known, Protocol } from './answer.js';
import { Asking } from './asking.js';
import { Breaker, type Health } from './breaker.js';
import { cleaned, errorOf, Failure } from './failure.js';
import { attempt, TIMEOUTS, type Fetch } from './http.js';
import { Keys } from './keys.js';
import { openai } from './openai.js';
import type { Account, Payload, RemoteEndpoint, RemotePart, RemoteTimeouts, Spent } from './types.js';

/** What is the browser's otherwise. */
export interface RemoteModelOptions {
  fetch?: Fetch;
  /** Milliseconds of a clock that does not go back; for the breaker and for how long is left. */
  now?: () => number;
  /** From 0 to 1, for the pauses between attempts. */
  random?: () => number;
}

/** One asking. */
export interface AskOptions {
  /** Of the answer: what its attempts have in common, also as `Idempotency-Key`. */
  id: string;
  account: Account;
  signal?: AbortSignal | undefined;
}

/** Attempts after the first. */
const RETRIES = 2;
/** Pauses are drawn from 0 to this, twice as much before each further attempt, up to the other. */
const PAUSE_MS = { first: 500, most: 8_000 };
/** Longest pause that a service may ask for: beyond it somebody else is asked. */
const LONGEST_PAUSE_MS = 60_000;

/** A remote model that is asked. */
export class RemoteModel {
  readonly #endpoint: RemoteEndpoint;
  readonly #protocol: Protocol;
  readonly #url: URL;
  readonly #keys: Keys;
  readonly #breaker: Breaker;
  readonly #times: Required<RemoteTimeouts>;
  readonly #fetch: Fetch;
  readonly #now: () => number;
  readonly #random: () => number;
  /** What made it rest. */
  #failed: KingletError | undefined;

  /** `endpoint` is one of `checkEndpoints`. */
  constructor(endpoint: RemoteEndpoint, options: RemoteModelOptions = {}) {
    this.#endpoint = endpoint;
    this.#protocol = endpoint.api === 'anthropic' ? anthropic : openai;
    this.#url = addressOf(`remote "${endpoint.name}".baseURL`, endpoint.baseURL, this.#protocol.path);
    this.#keys = new Keys(endpoint);
    this.#breaker = new Breaker(endpoint.breaker);
    this.#times = { ...TIMEOUTS, ...endpoint.timeouts };
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#now = options.now ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  get name(): string {
    return this.#endpoint.name;
  }

  /** Who gets what is asked. */
  get host(): string {
    return this.#url.host;
  }

  /** Protocol and host, as `openai:relay.example`. */
  get provider(): string {
    return `${this.#endpoint.api ?? 'openai'}:${this.host}`;
  }

  /** How the service calls the model. */
  get model(): string {
    return this.#endpoint.model;
  }

  /** It has failed too often, or its key was refused: {@link ask} fails at once. */
  get resting(): boolean {
    return this.#breaker.resting(this.#now()) > 0;
  }

  /** Attempts of one request, at most. */
  get attempts(): number {
    return 1 + (this.#endpoint.retries ?? RETRIES);
  }

  /** The kind of failure after which it rests; undefined: it does not. */
  get restsAfter(): unknown {
    return this.resting ? this.#failed?.detail['kind'] : undefined;
  }

  /** Exactly the text that is sent. No key is in it. */
  body(payload: Payload): string {
    return JSON.stringify(this.#protocol.body(this.#endpoint, payload));
  }

  /**
   * Asks. Texts and calls come as they arrive, then the usage where it was counted, and last the finish, when the account of it
   * has ended. Attempts that fail before the first text or call leave no part. To stop: `signal`, or leave the generator.
   *
   * @throws KingletError `remote_failed` with `detail.kind`, `rate_limited`, `budget_exhausted`, `aborted`; what `account.begin` throws.
   */
  async *ask(payload: Payload, { id, account, signal }: AskOptions): AsyncGenerator<RemotePart, void, void> {
    if (signal?.aborted) {
      throw aborted(signal);
    }
    const entry = this.#breaker.enter(this.#now());
    if (entry === undefined) {
      throw this.#rests();
    }
    const asking = new Asking(this.#now() + this.#times.totalMs, this.#times.totalMs, signal);
    const retries = entry.probe ? 0 : (this.#endpoint.retries ?? RETRIES);
    let health: Health = 'neither';
    let refused = false;
    try {
      yield* this.#attempts({ payload, id, account, asking, retries });
    } catch (thrown) {
      const failure = asking.meaning(thrown);
      if (!(failure instanceof Failure)) {
        throw failure;
      }
      const error = errorOf(failure, { remote: this.name, host: this.host, attempts: asking.attempts }, (text) => cleaned(text, asking.secrets, payload));
      health = healthOf(failure);
      refused = failure.kind === 'auth' && failure.more.status !== undefined;
      this.#failed = health === 'failed' ? error : this.#failed;
      throw error;
    } finally {
      asking.end();
      this.#breaker.left(entry, asking.complete ? 'well' : health, this.#now(), refused);
    }
  }

  /** Attempt after attempt, while nothing was shown and what failed may pass. */
  async *#attempts(all: All): AsyncGenerator<RemotePart, void, void> {
    const { payload, asking, retries } = all;
    const body = this.body(payload);
    for (;;) {
      try {
        return yield* this.#attempt(body, all);
      } catch (thrown) {
        const failure = asking.meaning(thrown);
        if (!(failure instanceof Failure) || failure.more.passing !== true || asking.shown || asking.attempts > retries) {
          throw failure;
        }
        const after = failure.more.after ?? 0;
        const pause = after + this.#random() * Math.min(PAUSE_MS.most, PAUSE_MS.first * 2 ** (asking.attempts - 1));
        if (after > LONGEST_PAUSE_MS || this.#now() + pause >= asking.deadline) {
          throw failure;
        }
        await wait(pause, asking.signal);
      }
    }
  }

  /** One attempt, and the account of it. */
  async *#attempt(body: string, { id, account, asking }: All): AsyncGenerator<RemotePart, void, void> {
    asking.attempts += 1;
    asking.check();
    const keys = await this.#keys.headers(this.#times.connectMs, asking.signal, asking.secrets);
    const sent = { url: this.#url, headers: this.#headers(keys, id), body, credentials: this.#endpoint.credentials ?? 'omit' };
    const reader = this.#protocol.reader();
    const { known } = reader;
    const held: RemotePart[] = [];
    let refused = true;
    await account.begin();
    try {
      asking.check(); // while it was begun; nothing is sent then
      refused = false;
      for await (const part of attempt(sent, reader, this.#fetch, this.#times, asking.signal)) {
        held.push(part.type === 'head' ? asking.head(part) : part);
        if (known.visible) {
          asking.shown = true;
          yield* held.splice(0);
        }
      }
    } catch (thrown) {
      refused ||= thrown instanceof Failure && thrown.more.refused === true;
      throw thrown;
    } finally {
      await account.end(refused ? { kind: 'refused' } : spentOf(known));
    }
    const { finish, usage } = known;
    if (finish === 'content_filter' && !known.visible) {
      throw new Failure('content_filter', 'its filter stopped the answer');
    }
    asking.complete = true; // whoever leaves from here on has all of it
    yield* held;
    if (usage !== undefined) {
      yield { type: 'usage', usage };
    }
    yield { type: 'finish', reason: finish ?? 'stop' };
  }

  /** All headers; the app's own come last, so that it can ask for another version of a protocol. */
  #headers(keys: readonly [string, string][], id: string): [string, string][] {
    const all = new Map([
      ['accept', 'text/event-stream, application/json'],
      ['content-type', 'application/json'],
      ...this.#protocol.headers,
      ...keys,
      ...(this.#endpoint.idempotency === true ? [['idempotency-key', encodeURIComponent(id)] as const] : []),
      ...Object.entries(this.#endpoint.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const),
    ]);
    return [...all];
  }

  /** The error of a request while it rests: what made it rest. */
  #rests(): KingletError {
    const left = Math.ceil(this.#breaker.resting(this.#now()));
    const { code, detail } = this.#failed ?? new KingletError('remote_failed', '', { kind: 'overloaded' });
    const { kind, status } = detail;
    const until = Number.isFinite(left) ? `for another ${left} ms` : 'while one request tries whether it answers again';
    const message = `remote model "${this.name}" (${this.host}) rests ${until}, after ${String(kind ?? code)}`;
    return new KingletError(code, message, {
      ...(kind === undefined ? { by: 'service' } : { kind }),
      remote: this.name,
      host: this.host,
      attempts: 0,
      ...(status === undefined ? {} : { status }),
      resting: true,
      ...(Number.isFinite(left) ? { retry_after_ms: left } : {}),
    });
  }
}

/** What all attempts of one asking share. */
interface All {
  payload: Payload;
  id: string;
  account: Account;
  asking: Asking;
  retries: number;
}

/** What is known of an attempt's cost. Counts in an answer that was not complete are not all of it. */
function spentOf({ finish, usage }: Known): Spent {
  return finish === undefined || usage === undefined ? { kind: 'unknown' } : { kind: 'usage', usage };
}

/** Failures that say something of the service. The others are of the request's own making. */
function healthOf({ kind, more: { status = 500 } }: Failure): Health {
  const own = kind === 'budget_exhausted' || kind === 'overflow' || kind === 'content_filter' || ((kind === 'http' || kind === 'reported') && status < 500 && status !== 408);
  return own ? 'neither' : 'failed';
}
