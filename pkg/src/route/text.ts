// Values as JSON for the Wasm module. JSON has no word for what is no number: it would become null, which means "not
// measured". So it is refused here, by its path.

import { KingletError } from '../errors.js';
import { invalid } from '../params.js';

/**
 * The JSON of a value.
 *
 * @throws KingletError `invalid_request` that names the path of what is no number, or that it cannot be said in JSON.
 */
export function text(path: string, value: unknown): string {
  const paths = new Map<unknown, string>();
  let wrong: { at: string; value: number } | undefined;
  let said: string | undefined;
  try {
    // In the same walk, so that what is said is what was looked at, and nothing nests too deep for one alone.
    said = JSON.stringify(value, function (this: unknown, key: string, inner: unknown) {
      const above = paths.get(this);
      const at = above === undefined ? path : Array.isArray(this) ? `${above}[${key}]` : `${above}.${key}`;
      if (typeof inner === 'object' && inner !== null) {
        paths.set(inner, at);
      } else if (typeof inner === 'number' && !Number.isFinite(inner)) {
        wrong ??= { at, value: inner };
      }
      return inner;
    });
  } catch (thrown) {
    throw invalid(path, 'what JSON can say', String(thrown));
  }
  if (wrong !== undefined) {
    throw invalid(wrong.at, 'a finite number', wrong.value);
  }
  if (said === undefined) {
    throw invalid(path, 'an object', typeof value);
  }
  return said;
}

/** What `read` makes of something from outside; whatever it stumbles over is the caller's mistake, and says so. */
export function reading<T>(path: string, expected: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof KingletError ? thrown : invalid(path, expected, String(thrown));
  }
}
