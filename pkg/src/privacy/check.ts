// The option `privacy`, checked.

import { kind, object, text } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import { ENTITIES } from './recognise/index.js';
import type { Entity, PrivacyOptions } from './types.js';

/** Words of a dictionary, and letters of each, at most. */
const MOST_WORDS = 100_000;
const LONGEST_WORD = 200;

/** @throws KingletError `invalid_request` that names the path. */
export function checkPrivacy(value: unknown): PrivacyOptions {
  const { consent, redact, entities, dictionary, onConsent, ...others } = object<PrivacyOptions>('privacy', value as PrivacyOptions | undefined);
  refuseOthers('privacy', others, () => 'an option of privacy');
  return {
    ...given('consent', oneOf('privacy.consent', consent, ['free', 'ask', 'never'] as const)),
    ...given('redact', oneOf('privacy.redact', redact, ['no', 'yes'] as const)),
    ...given('entities', list('privacy.entities', entities, (at, one) => oneOf(at, one, ENTITIES) ?? missing(at))),
    ...given('dictionary', list('privacy.dictionary', dictionary, word)),
    ...given('onConsent', hook(onConsent)),
  };
}

function given<K extends keyof PrivacyOptions>(name: K, value: PrivacyOptions[K] | undefined): Pick<PrivacyOptions, K> | object {
  return value === undefined ? {} : { [name]: value };
}

function oneOf<T extends string>(at: string, value: unknown, known: readonly T[]): T | undefined {
  const found = known.find((one) => one === value);
  if (value !== undefined && found === undefined) {
    throw invalid(at, known.map((one) => `"${one}"`).join(', '), typeof value === 'string' ? JSON.stringify(value) : kind(value));
  }
  return found;
}

function missing(at: string): Entity {
  throw invalid(at, ENTITIES.map((one) => `"${one}"`).join(', '), 'undefined');
}

function list<T>(at: string, value: unknown, one: (at: string, value: unknown) => T): T[] | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (!Array.isArray(value) || value.length > MOST_WORDS) {
    throw invalid(at, `a list of at most ${MOST_WORDS}`, Array.isArray(value) ? value.length : kind(value));
  }
  return Array.from(value, (inner: unknown, i) => one(`${at}[${i}]`, inner));
}

function word(at: string, value: unknown): string {
  const found = text(at, value);
  if (found.length > LONGEST_WORD) {
    throw invalid(at, `at most ${LONGEST_WORD} characters`, found.length);
  }
  return found;
}

function hook(value: unknown): PrivacyOptions['onConsent'] {
  if (value !== undefined && typeof value !== 'function') {
    throw invalid('privacy.onConsent', 'a function', kind(value));
  }
  return value as PrivacyOptions['onConsent'];
}
