// Option `remote`: what of it is wrong, by its path, and what of each remote model the routing core sees.

import { kind, number, whole } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import type { Remote } from '../route/types.js';
import { addressOf } from './address.js';
import { checkHeaders } from './headers.js';
import { sendable } from './keys.js';
import type { BreakerOptions, RemoteEndpoint, RemoteTimeouts } from './types.js';

/** A day: longer times overflow the timers of browsers. */
const DAY_MS = 86_400_000;
/** Longest name of a remote model, or of a model. */
const NAME = 200;
/** Most remote models. */
const MOST = 32;

const POLICY = ['name', 'price', 'contextWindow', 'latencyMs'] as const;
const ALTERNATIVES = ['onOverflow', 'onContentFilter', 'onBudget'] as const;
const CHOICES = {
  api: ['openai', 'anthropic'],
  credentials: ['omit', 'same-origin', 'include'],
  maxTokensField: ['max_tokens', 'max_completion_tokens'],
  structured: ['json_schema', 'json_object', 'words'],
} as const;
const TIMEOUTS = ['connectMs', 'firstTokenMs', 'idleMs', 'totalMs'] as const satisfies readonly (keyof RemoteTimeouts)[];
const BREAKER = ['failures', 'of', 'restMs'] as const satisfies readonly (keyof BreakerOptions)[];
const ENDPOINT = [
  ...POLICY,
  ...ALTERNATIVES,
  ...(Object.keys(CHOICES) as (keyof typeof CHOICES)[]),
  'baseURL',
  'model',
  'getToken',
  'apiKey',
  'dangerouslyAllowBrowserKey',
  'headers',
  'timeouts',
  'retries',
  'idempotency',
  'breaker',
] as const satisfies readonly (keyof RemoteEndpoint)[];

/**
 * Checks option `remote`. Prices, windows and latencies are checked by the routing core, which gets {@link policyPart}.
 *
 * @returns copies, of which a key is neither listed nor copied.
 * @throws KingletError `invalid_request` that names the field, as `remote[0].timeouts.idleMs`.
 */
export function checkEndpoints(value: unknown): readonly (Remote | RemoteEndpoint)[] {
  if (!Array.isArray(value) || value.length > MOST) {
    throw invalid('remote', `a list of at most ${MOST} remote models`, Array.isArray(value) ? value.length : kind(value));
  }
  const names = new Map<string, string>();
  const checked = value.map((one: unknown, i) => {
    const at = `remote[${i}]`;
    const found = checkOne(at, one);
    const before = names.get(found.name);
    if (before !== undefined) {
      throw invalid(`${at}.name`, `another name than that of ${before}`, JSON.stringify(found.name));
    }
    names.set(found.name, at);
    return found;
  });
  checked.forEach((one, i) => isEndpoint(one) && checkAlternatives(`remote[${i}]`, one, checked.filter(isEndpoint)));
  return checked;
}

/** Whether it can be asked: the others are values that are decided for. */
export function isEndpoint(remote: Remote | RemoteEndpoint): remote is RemoteEndpoint {
  return (remote as Partial<RemoteEndpoint>).baseURL !== undefined;
}

/** What the routing core sees of a remote model: it knows nothing of addresses. */
export function policyPart(remote: Remote): Remote {
  return Object.fromEntries(POLICY.filter((name) => remote[name] !== undefined).map((name) => [name, remote[name]])) as unknown as Remote;
}

function checkOne(at: string, value: unknown): Remote | RemoteEndpoint {
  // What is undefined is as if it were not there.
  const given = Object.fromEntries(Object.entries(record(at, value)).filter(([, one]) => one !== undefined));
  refuseUnknown(at, given, ENDPOINT);
  const name = named(`${at}.name`, given['name']);
  if (given['baseURL'] === undefined) {
    const [other] = Object.keys(given).filter((key) => !(POLICY as readonly string[]).includes(key));
    if (other !== undefined) {
      throw invalid(`${at}.baseURL`, `an address, beside ${other}`, 'none');
    }
    return { ...(given as unknown as Remote), name };
  }
  addressOf(`${at}.baseURL`, given['baseURL'], '');
  named(`${at}.model`, given['model']);
  for (const [field, choices] of Object.entries(CHOICES)) {
    choice(`${at}.${field}`, given[field], choices);
  }
  checkKey(at, given);
  flag(`${at}.idempotency`, given['idempotency']);
  checkHeaders(`${at}.headers`, given['headers']);
  checkTimeouts(`${at}.timeouts`, given['timeouts']);
  const retries = number(`${at}.retries`, given['retries'], 0, 10);
  if (retries !== undefined && !Number.isInteger(retries)) {
    throw invalid(`${at}.retries`, 'a whole number', retries);
  }
  checkBreaker(`${at}.breaker`, given['breaker']);
  return concealed(given as unknown as RemoteEndpoint);
}

/** A copy of which `apiKey` can be read, but which `JSON.stringify`, `structuredClone`, a spread and a log leave out. */
function concealed(endpoint: RemoteEndpoint): RemoteEndpoint {
  const { apiKey, ...copy } = endpoint;
  return apiKey === undefined ? copy : Object.defineProperty(copy, 'apiKey', { value: apiKey, enumerable: false });
}

function checkKey(at: string, given: Record<string, unknown>): void {
  const { apiKey, getToken, dangerouslyAllowBrowserKey: allowed } = given;
  flag(`${at}.dangerouslyAllowBrowserKey`, allowed);
  if (getToken !== undefined && typeof getToken !== 'function') {
    throw invalid(`${at}.getToken`, 'a function', kind(getToken));
  }
  if (apiKey === undefined) {
    return;
  }
  if (getToken !== undefined) {
    throw invalid(`${at}.apiKey`, 'either it or getToken', 'both');
  }
  if (!sendable(apiKey)) {
    throw invalid(`${at}.apiKey`, 'a text without blanks that a header can carry', kind(apiKey)); // and not the text
  }
  if (allowed !== true) {
    const why = 'dangerouslyAllowBrowserKey: true beside it, because whoever opens this page can read the key; safer is an endpoint of your own that holds it, or getToken for short-lived tokens';
    throw invalid(`${at}.apiKey`, why, 'a key alone');
  }
}

function checkTimeouts(at: string, value: unknown): void {
  if (value === undefined) {
    return;
  }
  const given = record(at, value);
  refuseUnknown(at, given, TIMEOUTS);
  TIMEOUTS.forEach((name) => milliseconds(`${at}.${name}`, given[name]));
}

function checkBreaker(at: string, value: unknown): void {
  if (value === undefined) {
    return;
  }
  const given = record(at, value);
  refuseUnknown(at, given, BREAKER);
  const { restMs } = given;
  const failures = whole(`${at}.failures`, given['failures']) ?? 1;
  const of = whole(`${at}.of`, given['of']) ?? Infinity;
  if (failures > of) {
    throw invalid(`${at}.failures`, `at most ${at}.of, ${of}`, failures);
  }
  if (restMs !== undefined && (!Array.isArray(restMs) || restMs.length < 1 || restMs.length > 16)) {
    throw invalid(`${at}.restMs`, 'a list of 1 to 16 times', Array.isArray(restMs) ? `${restMs.length}` : kind(restMs));
  }
  (restMs as unknown[] | undefined)?.forEach((ms, i) => milliseconds(`${at}.restMs[${i}]`, ms ?? null));
}

/** Each names another that can be asked, and no way leads back. */
function checkAlternatives(at: string, one: RemoteEndpoint, all: readonly RemoteEndpoint[]): void {
  for (const field of ALTERNATIVES) {
    const seen = new Set([one.name]);
    for (let { [field]: next } = one; next !== undefined; next = all.find(({ name }) => name === next)?.[field]) {
      if (!all.some(({ name }) => name === next)) {
        throw invalid(`${at}.${field}`, `the name of another remote model that has a baseURL`, JSON.stringify(next));
      }
      if (seen.has(next)) {
        throw invalid(`${at}.${field}`, 'the name of another remote model, from which none leads back', JSON.stringify(next));
      }
      seen.add(next);
    }
  }
}

function record(at: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(at, 'an object', kind(value));
  }
  return value as Record<string, unknown>;
}

function refuseUnknown(at: string, given: Record<string, unknown>, known: readonly string[]): void {
  const others = Object.entries(given).filter(([name]) => !known.includes(name));
  refuseOthers(at, Object.fromEntries(others), () => `one of ${known.join(', ')}`);
}

function named(at: string, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > NAME) {
    throw invalid(at, `a name of at most ${NAME} characters`, typeof value === 'string' ? `${value.length} characters` : kind(value));
  }
  return value;
}

function choice(at: string, value: unknown, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value as string)) {
    throw invalid(at, choices.join(' or '), typeof value === 'string' ? JSON.stringify(value) : kind(value));
  }
}

function flag(at: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw invalid(at, 'true or false', kind(value));
  }
}

function milliseconds(at: string, value: unknown): void {
  if (value === null) {
    throw invalid(at, 'a number of milliseconds', 'null');
  }
  number(at, value, 1, DAY_MS);
}
