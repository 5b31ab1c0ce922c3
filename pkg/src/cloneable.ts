// What of a value keeps it from crossing to a worker, by its path.

/** How deep is looked: deeper than requests are, and no value that holds itself goes on for ever. */
const DEEPEST = 16;

/** The path of the innermost part of `value` that cannot be cloned, and what it is; undefined when all of it can. */
export function uncloneable(value: unknown, path = '', depth = 0): { path: string; got: string } | undefined {
  try {
    structuredClone(value);
    return undefined;
  } catch (thrown) {
    const got = typeof value === 'object' ? (thrown instanceof Error ? thrown.message : String(thrown)) : `a ${typeof value}`;
    return (depth < DEEPEST && within(value, path, depth)) || { path, got };
  }
}

function within(value: unknown, path: string, depth: number): { path: string; got: string } | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  for (const name of Object.keys(value)) {
    const at = Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    let part: unknown;
    try {
      part = (value as Record<string, unknown>)[name];
    } catch (thrown) {
      return { path: at, got: `a getter that throws ${String(thrown)}` };
    }
    const found = uncloneable(part, at, depth + 1);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}
