// What of a request's parameters the page itself needs; the rest goes to the engine, which checks it.

import { uncloneable } from './cloneable.js';
import { KingletError } from './errors.js';
import type { CallOptions, StreamOptions } from './types.js';

/** A request, taken apart. */
export interface Call {
  /** For the engine. */
  request: Record<string, unknown>;
  stream: boolean;
  includeUsage: boolean;
  signal: AbortSignal | undefined;
}

/** How deep a request may nest: the engine reads it by recursion, and has a stack of a megabyte. */
const DEEPEST = 100;
/** How many lists and objects it may hold, each counted wherever it stands: the engine gets no references. */
const MOST = 200_000;

/** The error of a parameter, worded like the engine's. */
export function invalid(param: string, expected: string, got: unknown): KingletError {
  const message = `invalid request: ${param}: expected ${expected}, got ${String(got)}`;
  return new KingletError('invalid_request', message, { param, expected, got: String(got) });
}

/** What OpenAI's clients take in the second argument, and what there is instead. */
const INSTEAD: Record<string, string> = {
  timeout: 'signal: AbortSignal.timeout(ms)',
  maxRetries: 'only signal: a request that fails here fails again',
  headers: 'only signal: nothing is sent',
};

/**
 * The signal of a second argument, which may hold nothing else.
 *
 * @throws KingletError `invalid_request` that names what else it holds.
 */
export function signalIn(options: CallOptions | null | undefined): AbortSignal | undefined {
  if (options === undefined || options === null) {
    return undefined;
  }
  if (typeof options !== 'object') {
    throw invalid('options', 'an object', typeof options);
  }
  const { signal, ...others } = options;
  refuseOthers('options', others, (name) => (Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined) ?? 'only signal');
  return signalOf(signal);
}

/** Names the first of `others` that is given, as a parameter of `place` which is not known. */
export function refuseOthers(place: string, others: object, expected: (name: string) => string): void {
  const [first] = Object.entries(others).filter(([, value]) => value !== undefined);
  if (first !== undefined) {
    throw invalid(`${place}.${first[0]}`, expected(first[0]), 'an unknown one');
  }
}

/**
 * Takes a request apart. OpenAI's clients give the signal in a second argument, ours takes it in both places.
 *
 * @throws KingletError `invalid_request` that names the parameter.
 */
export function callOf(params: object, options: CallOptions | undefined): Call {
  if (typeof params !== 'object' || params === null) {
    throw invalid('request', 'an object', params === null ? 'null' : typeof params);
  }
  const given = params as Record<string, unknown>;
  const { stream, stream_options, signal, ...request } = given;
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    throw invalid('stream', 'true or false', stream);
  }
  checkSize(request);
  return {
    request,
    stream: stream === true,
    includeUsage: includesUsage(stream_options, stream === true),
    signal: either(signalOf(signal), signalIn(options)),
  };
}

/** Refuses what is too deep or too much for the engine. What cannot cross to it at all is refused there, by its path. */
function checkSize(request: object): void {
  const found = excess(request, '', 0, { left: MOST });
  if (found !== undefined && uncloneable(request) === undefined) {
    throw invalid(found.path || 'request', found.expected, 'more');
  }
}

/** Where `value` goes too deep, as one that contains itself does, or becomes too much. */
function excess(value: object, path: string, depth: number, count: { left: number }): { path: string; expected: string } | undefined {
  if (depth > DEEPEST) {
    return { path, expected: `at most ${DEEPEST} values inside of each other` };
  }
  count.left -= 1;
  if (count.left < 0) {
    return { path, expected: `at most ${MOST} lists and objects` };
  }
  for (const [key, inner] of entries(value)) {
    if (typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner)) {
      const at = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
      const found = excess(inner, at, depth + 1, count);
      if (found !== undefined) {
        return found;
      }
    }
  }
  return undefined;
}

function entries(value: object): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch {
    return []; // a getter that throws, which cannot be cloned
  }
}

function includesUsage(options: unknown, stream: boolean): boolean {
  if (options === undefined || options === null) {
    return false;
  }
  if (typeof options !== 'object') {
    throw invalid('stream_options', 'an object', typeof options);
  }
  if (!stream) {
    throw invalid('stream_options', '"stream": true beside it', 'no stream');
  }
  const { include_usage, include_obfuscation, ...unknown } = options as StreamOptions & Record<string, unknown>;
  const [name] = Object.keys(unknown);
  if (name !== undefined) {
    throw invalid(`stream_options.${name}`, 'a parameter that kinglet knows', 'an unknown one');
  }
  for (const [key, value] of Object.entries({ include_usage, include_obfuscation })) {
    if (value !== undefined && value !== null && typeof value !== 'boolean') {
      throw invalid(`stream_options.${key}`, 'true or false', value);
    }
  }
  return include_usage === true;
}

/** Fires when one of both does. */
function either(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one === undefined || other === undefined ? (one ?? other) : AbortSignal.any([one, other]);
}

function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) {
    return undefined;
  }
  if (signal instanceof AbortSignal) {
    return signal;
  }
  throw invalid('signal', 'an AbortSignal', typeof signal);
}
