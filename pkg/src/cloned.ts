// A request of one's own: what the app does to its objects meanwhile is of no effect.

import { uncloneable } from './cloneable.js';
import { invalid } from './params.js';

/** A copy that nobody changes. @throws KingletError `invalid_request` that names what cannot be copied. */
export function cloned(request: Record<string, unknown>): Record<string, unknown> {
  try {
    return structuredClone(request);
  } catch (thrown) {
    const { path, got } = uncloneable(request) ?? { path: '', got: String(thrown) };
    throw invalid(path || 'request', 'plain data', got);
  }
}
