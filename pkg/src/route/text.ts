// Values as JSON for the Wasm module. JSON has no word for what is no number: it would become null, which means "not
// measured". So it is refused here, by its path.

import { invalid } from '../params.js';

/**
 * The JSON of a value.
 *
 * @throws KingletError `invalid_request` that names the path of what is no number, or that it cannot be said in JSON.
 */
export function text(path: string, value: unknown): string {
  let said: string | undefined;
  try {
    said = JSON.stringify(value); // refuses what contains itself, so that the walk below ends
  } catch (thrown) {
    throw invalid(path, 'what JSON can say', String(thrown));
  }
  if (said === undefined) {
    throw invalid(path, 'an object', typeof value);
  }
  refuse(path, value);
  return said;
}

function refuse(path: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw invalid(path, 'a finite number', value);
  }
  if (Array.isArray(value)) {
    value.forEach((entry, i) => refuse(`${path}[${i}]`, entry));
  } else if (typeof value === 'object' && value !== null) {
    Object.entries(value).forEach(([name, entry]) => refuse(`${path}.${name}`, entry));
  }
}
