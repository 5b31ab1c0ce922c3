// The error of both sides of the protocol: its code is the engine's, or one of the protocol's own.

import { isWire } from '../errors.js';
import type { EmbedCode, EmbedWireError } from './types.js';

/** Branch on {@link EmbedError.code}, show its message. */
export class EmbedError extends Error {
  /** Stable machine-readable name. */
  readonly code: EmbedCode;
  /** The error's fields. */
  readonly detail: Record<string, unknown>;

  constructor(code: EmbedCode, message: string, detail: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbedError';
    this.code = code;
    this.detail = detail;
  }

  /** `{code, message, detail}`, as it crosses. */
  toJSON(): EmbedWireError {
    return { code: this.code, message: this.message, detail: this.detail };
  }
}

/** Whatever was thrown, as plain data: a typed error keeps its code, anything else is `internal`. */
export function embedWire(thrown: unknown): EmbedWireError {
  if (isWire(thrown)) {
    return { code: thrown.code, message: thrown.message, detail: plain(thrown.detail) };
  }
  return { code: 'internal', message: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown), detail: {} };
}

/** Only what can be said as JSON: an error's fields are numbers and texts, but nobody promises that. */
function plain(detail: unknown): Record<string, unknown> {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(detail ?? {}));
    return typeof copy === 'object' && copy !== null && !Array.isArray(copy) ? (copy as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
