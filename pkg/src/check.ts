// What the arguments of calls must be; every error names its parameter.

import { invalid } from './params.js';

/** Longest text that a task takes, in characters: a context holds far less. */
const LONGEST = 4_000_000;

/** A text that is not empty. */
export function text(param: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw invalid(param, 'a string', kind(value));
  }
  if (value.trim() === '') {
    throw invalid(param, 'a text', 'an empty one');
  }
  if (value.length > LONGEST) {
    throw invalid(param, `at most ${LONGEST} characters`, value.length);
  }
  return value;
}

/** A list of texts that differ. */
export function texts(param: string, value: unknown): string[] {
  if (!Array.isArray(value)) {
    throw invalid(param, 'a list of strings', kind(value));
  }
  if (value.length === 0) {
    throw invalid(param, 'at least one', 'none');
  }
  const seen = new Set<string>();
  return value.map((one: unknown, i) => {
    const at = `${param}[${i}]`;
    const found = text(at, one);
    if (seen.has(found)) {
      throw invalid(at, 'labels that differ', `${JSON.stringify(found)} again`);
    }
    seen.add(found);
    return found;
  });
}

/** A number within bounds, or undefined. */
export function number(param: string, value: unknown, least: number, most: number): number | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw invalid(param, `a number from ${least} to ${most}`, typeof value === 'number' ? value : kind(value));
  }
  return value;
}

/** A whole number from 1, or undefined. */
export function whole(param: string, value: unknown): number | undefined {
  const found = number(param, value, 1, 1e9);
  if (found !== undefined && !Number.isInteger(found)) {
    throw invalid(param, 'a whole number', found);
  }
  return found;
}

/** A whole number from 1, or what there is instead. */
export function count(param: string, value: unknown, otherwise: number): number {
  return whole(param, value) ?? otherwise;
}

/** An object, or an empty one for nothing. */
export function object<T extends object>(param: string, value: T | undefined | null): Partial<T> {
  if (value === undefined || value === null) {
    return {};
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(param, 'an object', kind(value));
  }
  return value;
}

/** What a value is, for messages. */
export function kind(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}
