// What is said of a text: whether it may leave, and whether it is redacted first.

import { invalid } from './params.js';
import type { Consent, Redact } from './route/types.js';

/** A label; what is absent has the default of option `privacy`. */
export interface Label {
  consent?: Consent;
  redact?: Redact;
}

/** From the most lenient to the strictest. */
export const CONSENT: readonly Consent[] = ['free', 'ask', 'never'];
export const REDACT: readonly Redact[] = ['no', 'yes'];

/** @throws KingletError `invalid_request` that names a label that is none. */
export function labelOf(at: string, { consent, redact }: { consent?: unknown; redact?: unknown }): Label {
  oneOf(`${at}.consent`, CONSENT, consent);
  oneOf(`${at}.redact`, REDACT, redact);
  return { ...(consent === undefined ? {} : { consent: consent as Consent }), ...(redact === undefined ? {} : { redact: redact as Redact }) };
}

/** @throws KingletError `invalid_request` that names what is none of those. */
export function oneOf(at: string, known: readonly string[], value: unknown): void {
  if (value !== undefined && !known.includes(value as string)) {
    throw invalid(at, known.join(', '), String(value));
  }
}
