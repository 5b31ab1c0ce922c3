// What is used of @cfworker/json-schema (MIT), whose scripts `cargo xtask pkg` puts beside the others. It evaluates no code, so a
// strict Content-Security-Policy lets it run.

export interface OutputUnit {
  keyword: string;
  /** Of the schema, and of the value: `#/properties/age`, `#/age`. */
  keywordLocation: string;
  instanceLocation: string;
  error: string;
}

export class Validator {
  constructor(schema: object, draft?: '4' | '7' | '2019-09' | '2020-12', shortCircuit?: boolean);
  /** All schemas in it, by their addresses. */
  readonly lookup: Readonly<Record<string, unknown>>;
  validate(instance: unknown): { valid: boolean; errors: OutputUnit[] };
}
