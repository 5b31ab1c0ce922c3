// Errors as the AI SDK recognises them, by marks instead of classes, so that nothing of it is loaded for their sake.

import { KingletError, type ErrorCode, type WireError } from '../errors.js';
import type { Body } from './client.js';

/** Codes that tell of the request itself, not of the engine. */
const CALLERS: readonly ErrorCode[] = [
  'invalid_request',
  'invalid_grammar',
  'unsupported_grammar',
  'unsupported_feature',
  'context_overflow',
  'template',
  'template_refused',
];

const SDK = Symbol.for('vercel.ai.error');
const CALL = Symbol.for('vercel.ai.error.AI_APICallError');
const NO_MODEL = Symbol.for('vercel.ai.error.AI_NoSuchModelError');

/**
 * A {@link KingletError} (same code, message and detail) that is also an `APICallError` of the AI SDK:
 * `APICallError.isInstance(error)` holds. It is not tried again: here the same request fails the same way.
 */
export class KingletCallError extends KingletError {
  /** No address was called. */
  readonly url = 'kinglet:chat.completions';
  /** The request that was sent to the engine. */
  readonly requestBodyValues: unknown;
  /** 400 where the request was at fault, else 500. */
  readonly statusCode: number;
  /** Never. */
  readonly isRetryable = false;
  /** `{code, message, detail}`. */
  readonly data: WireError;

  constructor(cause: KingletError, body: Body) {
    super(cause.code, cause.message, cause.detail, { cause });
    this.requestBodyValues = body;
    this.statusCode = CALLERS.includes(cause.code) ? 400 : 500;
    this.data = cause.toJSON();
    Object.defineProperty(this, SDK, { value: true });
    Object.defineProperty(this, CALL, { value: true });
  }
}

/** What to throw for `thrown`: an abort as the platform's `AbortError`, an error of ours as a call's error. */
export function callError(thrown: unknown, body: Body, signal: AbortSignal | undefined): unknown {
  if (!(thrown instanceof KingletError)) {
    return thrown;
  }
  if (thrown.code !== 'aborted') {
    return new KingletCallError(thrown, body);
  }
  const reason: unknown = signal?.reason;
  if (reason instanceof Error && ['AbortError', 'TimeoutError'].includes(reason.name)) {
    return reason;
  }
  return Object.assign(new DOMException(thrown.message, 'AbortError'), { cause: thrown });
}

/** `NoSuchModelError.isInstance` holds; there is no such model in the provider. */
export function noSuchModel(modelId: string, modelType: string, known: readonly string[]): KingletError {
  const expected = known.length > 0 ? `one of ${known.join(', ')}` : `no ${modelType}: kinglet has none`;
  const message = `invalid request: model: expected ${expected}, got "${modelId}"`;
  const error = new KingletError('invalid_request', message, { param: 'model' });
  Object.defineProperty(error, SDK, { value: true });
  Object.defineProperty(error, NO_MODEL, { value: true });
  return Object.assign(error, { modelId, modelType });
}
