// Whether answers to one prompt say the same: route/src/agree.rs has the same rules, and a test holds both to the same cases.

/**
 * Agreeing pairs over all pairs, of two answers or more. `json`: by value, where order of keys and the way a number is written do
 * not matter; what is no JSON is compared as text: but for case, white space and a final period.
 */
export function agreement(answers: readonly string[], json: boolean): number {
  const said = answers.map((answer) => (json ? value(answer) : undefined) ?? { text: normalised(answer) });
  let [pairs, agreeing] = [0, 0];
  said.forEach((one, i) =>
    said.slice(i + 1).forEach((other) => {
      pairs += 1;
      agreeing += same(one, other) ? 1 : 0;
    }),
  );
  return agreeing / pairs;
}

/** Whether two answers say the same, as JSON where both are. */
export function agree(one: string, other: string): boolean {
  return agreement([one, other], true) === 1;
}

/** What an answer is as JSON. Numbers that JavaScript cannot tell apart count as text. */
function value(answer: string): { json: unknown } | undefined {
  let exact = true;
  try {
    const json: unknown = JSON.parse(answer, (_, inner: unknown) => {
      exact &&= typeof inner !== 'number' || Math.abs(inner) <= Number.MAX_SAFE_INTEGER;
      return inner;
    });
    return exact ? { json } : undefined;
  } catch {
    return undefined; // none, or too deep
  }
}

function normalised(text: string): string {
  return text.split(/\s+/).filter(Boolean).join(' ').toLowerCase().replace(/\.$/, '').trimEnd();
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b;
  }
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(b, key) && same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}
