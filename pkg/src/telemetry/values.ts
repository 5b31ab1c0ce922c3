// Values as OTLP's JSON has them: 64-bit integers are strings, ids are hexadecimal, texts are well-formed and bounded.

/** A value of an attribute. */
export type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: string }
  | { doubleValue: number }
  | { arrayValue: { values: AnyValue[] } };

/** An attribute. */
export interface KeyValue {
  key: string;
  value: AnyValue;
}

/** What an attribute can be made of; what is undefined, null or not finite makes none. */
export type Given = string | number | boolean | readonly string[] | null | undefined;

/** Characters of a text, and of one that is content. */
const LONGEST = 1_024;
export const LONGEST_CONTENT = 65_536;
const NS_PER_MS = 1_000_000n;
/** The last moment that is told, in milliseconds: nanoseconds since 1970 in 64 bits. */
const LAST_MS = 9_000_000_000_000;

/** A text that every decoder of JSON takes: halves of characters are replaced. */
export function wellFormed(text: string, longest = LONGEST): string {
  return text.slice(0, longest).replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Attributes, without those that say nothing. */
export function attributes(given: Readonly<Record<string, Given>>): KeyValue[] {
  return Object.entries(given).flatMap(([key, value]) => {
    const made = valueOf(value);
    return made === undefined ? [] : [{ key, value: made }];
  });
}

function valueOf(value: Given): AnyValue | undefined {
  if (typeof value === 'string') {
    return { stringValue: wellFormed(value) };
  }
  if (typeof value === 'boolean') {
    return { boolValue: value };
  }
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : Number.isFinite(value) ? { doubleValue: value } : undefined;
  }
  return Array.isArray(value) ? { arrayValue: { values: value.map((text: string) => ({ stringValue: wellFormed(text) })) } } : undefined;
}

/** A moment in nanoseconds since 1970. */
export function nanoseconds(ms: number): string {
  const known = Number.isFinite(ms) ? Math.min(LAST_MS, Math.max(0, ms)) : 0;
  const whole = Math.floor(known);
  return String(BigInt(whole) * NS_PER_MS + BigInt(Math.round((known - whole) * 1e6)));
}

/** So many random bytes, hexadecimal; never all zero, which would be no id. */
export function randomId(bytes: number): string {
  const id = crypto.getRandomValues(new Uint8Array(bytes));
  id[0] = (id[0] ?? 0) | 1;
  return Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
