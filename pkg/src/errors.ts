// The one error class of the package. Codes are stable API; messages say what happened and what to do.

/** Codes that the engine raises (the Rust variants' names) and those that only exist in JavaScript. */
export type ErrorCode =
  | 'bad_file'
  | 'truncated'
  | 'unsupported_architecture'
  | 'unsupported_type'
  | 'unsupported_feature'
  | 'unsupported_tokenizer'
  | 'too_large'
  | 'context_overflow'
  | 'template'
  | 'template_refused'
  | 'invalid_request'
  | 'invalid_grammar'
  | 'unsupported_grammar'
  | 'not_finite'
  | 'io'
  | 'http'
  | 'gpu_unavailable'
  | 'gpu_lost'
  | 'gpu'
  | 'gpu_wrong'
  | 'aborted'
  | 'not_loaded'
  | 'internal'
  /** The worker could not start, or died (out of memory, a crash, a wrong URL). */
  | 'worker_failed'
  /** This browser or processor has no WebAssembly SIMD. */
  | 'simd_missing'
  /** This browser lacks something that kinglet cannot do without. */
  | 'unsupported_browser'
  /** A package that the model is part of is not installed. */
  | 'package_missing'
  /** The file does not fit into what the browser grants. Nothing of it is kept. */
  | 'quota_exceeded'
  /** The file on the server is another one than before. */
  | 'file_changed'
  /** The file is not the one whose SHA-256 was given. */
  | 'hash_mismatch'
  /** A stored file is damaged, and there is nowhere to get it from again. */
  | 'store_damaged'
  /** A newer version of kinglet, in another tab or earlier, has written the store. */
  | 'store_newer'
  /** Another tab is using the stored file. */
  | 'store_busy'
  /** The kind of store that was asked for is not there. */
  | 'store_unavailable'
  /** The model is not in the store, and this kind of worker does not download: load it once on a page. */
  | 'download_refused'
  /** A head, or a calibration, was made for another model. */
  | 'profile_mismatch'
  /** Labelled answers do not bear the promise of a calibration. */
  | 'cannot_certify'
  /** A remote model was asked and did not answer: `detail.kind` says why. */
  | 'remote_failed'
  /** The budget's requests or tokens per time, or the service's, are used up. */
  | 'rate_limited'
  /** The money is used up. */
  | 'budget_exhausted'
  /** What would leave this device may not: the user, or a label, says so. */
  | 'consent_denied'
  /** There is no answer: the mode wants the remote model, and something forbids it. */
  | 'no_answer';

/** How an error crosses the worker's boundary. */
export interface WireError {
  code: ErrorCode;
  message: string;
  detail: Record<string, unknown>;
}

/** Every failure of the package. Branch on {@link KingletError.code}, show {@link Error.message}. */
export class KingletError extends Error {
  /** Stable machine-readable name, for example `"context_overflow"`. */
  readonly code: ErrorCode;
  /** The error's fields, for example `{needed, available}`. */
  readonly detail: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, detail: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KingletError';
    this.code = code;
    this.detail = detail;
  }

  /** `{code, message, detail}`, also what `JSON.stringify` shows. */
  toJSON(): WireError {
    return { code: this.code, message: this.message, detail: this.detail };
  }
}

/** Whether this is an error of ours, as an object or as plain data. */
export function isWire(value: unknown): value is WireError {
  const error = value as Partial<WireError> | null;
  return typeof error === 'object' && error !== null && typeof error.code === 'string' && typeof error.message === 'string';
}

/** Whatever was thrown in the worker, as plain data: a typed error keeps its code, anything else is `internal`. */
export function toWire(thrown: unknown): WireError {
  if (isWire(thrown)) {
    return { code: thrown.code, message: thrown.message, detail: thrown.detail ?? {} };
  }
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { code: 'internal', message, detail: {} };
}

/** The page's end of {@link toWire}. */
export function fromWire(error: WireError): KingletError {
  return new KingletError(error.code, error.message, error.detail);
}

/** The error of a caller's `AbortSignal`; its reason is the `cause`. */
export function aborted(signal?: AbortSignal): KingletError {
  return new KingletError('aborted', 'aborted by the caller', {}, { cause: signal?.reason });
}
