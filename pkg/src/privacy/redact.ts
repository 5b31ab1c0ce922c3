// Replaces what is recognised by placeholders, everywhere in what is sent. What it cannot walk it refuses: nothing is sent then.

import { KingletError } from '../errors.js';
import type { Payload } from '../remote/types.js';
import { redactedJson } from './json.js';
import { Dictionary } from './recognise/dictionary.js';
import { ENTITIES, spansOf } from './recognise/index.js';
import type { Entity, EntityCounts, PrivacyOptions } from './types.js';
import { PLACEHOLDER, Vault } from './vault.js';

const PLACEHOLDERS = new RegExp(PLACEHOLDER, 'g');
/** How deep values may stand in each other. */
const DEEPEST = 100;
/** Names of the protocols' and of schemas' own fields: no value of anybody. */
const FIELDS = new Set(
  (
    'messages role content name tool_calls tool_call_id refusal type text id function arguments tools tool_choice parallel_tool_calls response_format json_schema ' +
    'schema strict description parameters temperature top_p stop max_tokens $schema $id $ref $defs $comment definitions properties required items prefixItems ' +
    'additionalProperties patternProperties propertyNames enum const default examples title format pattern minLength maxLength minimum maximum exclusiveMinimum ' +
    'exclusiveMaximum multipleOf minItems maxItems uniqueItems contains minProperties maxProperties allOf anyOf oneOf not if then else nullable readOnly writeOnly deprecated'
  ).split(' '),
);
/** Of these fields of a schema, the values are of the field that it describes. */
const VALUES = new Set(['enum', 'const', 'default', 'examples']);
/** What the protocols' own fields may say. */
const SAYS: Readonly<Record<string, RegExp>> = {
  role: /^(?:system|user|assistant|tool|developer)$/,
  type: /^(?:text|refusal|function|json_object|json_schema|string|number|integer|boolean|object|array|null)$/,
  tool_choice: /^(?:none|auto|required)$/,
  $schema: /^https?:\/\/json-schema\.org\/[\w/#.-]*$/,
};

/** What came of it. */
export interface Redacted {
  payload: Payload;
  /** Of each kind, each time that it stood there. */
  counts: EntityCounts;
  vault: Vault;
}

/** Looks for the kinds and words of an app. */
export class Redactor {
  private readonly entities: readonly Entity[];
  private readonly dictionary: Dictionary;

  constructor({ entities = ENTITIES, dictionary = [] }: Pick<PrivacyOptions, 'entities' | 'dictionary'> = {}) {
    this.dictionary = new Dictionary(dictionary);
    this.entities = ENTITIES.filter((entity) => entities.includes(entity) && !(entity === 'dictionary' && this.dictionary.empty));
  }

  /** @throws KingletError `invalid_request` for what is no plain data. */
  redact(payload: Payload): Redacted {
    const work = new Work(this.entities, this.dictionary);
    const redacted = walked(() => work.value(payload, { path: 'payload', key: '', about: '', depth: 0 })) as Payload;
    return { payload: redacted, counts: work.counts, vault: work.vault };
  }

  /** What is left in something that was redacted; placeholders are nothing. @throws KingletError as {@link redact}. */
  left(redacted: Payload): EntityCounts {
    const work = new Work(this.entities, this.dictionary, true);
    walked(() => work.value(redacted, { path: 'payload', key: '', about: '', depth: 0 }));
    return work.counts;
  }

  /** What would be replaced. @throws KingletError as {@link redact}. */
  count(payload: Payload): EntityCounts {
    return this.redact(payload).counts;
  }
}

/** Where a value stands: its path, the name of its field, and the nearest name that is the user's own. */
interface Place {
  path: string;
  key: string;
  about: string;
  depth: number;
}

/** The name that says what a value is. */
function subject({ key, about }: Place): string {
  return VALUES.has(key) || !FIELDS.has(key) ? about : '';
}

/** One payload. */
class Work {
  readonly vault = new Vault();
  counts: EntityCounts = {};

  constructor(
    private readonly entities: readonly Entity[],
    private readonly dictionary: Dictionary,
    /** What holds nothing but placeholders is left as it is. */
    private readonly again = false,
  ) {}

  value(value: unknown, place: Place): unknown {
    if (place.depth > DEEPEST) {
      throw unwalkable(place.path, `at most ${DEEPEST} values inside of each other`, 'more');
    }
    switch (typeof value) {
      case 'string':
        return SAYS[place.key]?.test(value) === true ? value : this.string(value, place);
      case 'number':
        return this.number(value, place);
      case 'boolean':
      case 'undefined':
        return value;
      case 'object':
        return value === null ? null : this.object(value, place);
      default:
        throw unwalkable(place.path, 'plain data', typeof value);
    }
  }

  private object(value: object, place: Place): unknown {
    const { path, key, about, depth } = place;
    if (Array.isArray(value)) {
      const parts = key === 'content' ? this.parts(value) : undefined;
      return parts ?? Array.from(value, (one: unknown, i) => this.value(one, { ...place, path: `${path}[${i}]`, depth: depth + 1 }));
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw unwalkable(path, 'plain data', 'an object of a class');
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]: [string, unknown]) => [
        FIELDS.has(name) ? name : this.text(name),
        this.value(inner, { path: `${path}.${name}`, key: name, about: FIELDS.has(name) ? about : name, depth: depth + 1 }),
      ]),
    );
  }

  /** A number may be that of a card. */
  private number(value: number, place: Place): unknown {
    if (!Number.isFinite(value)) {
      throw unwalkable(place.path, 'a finite number', value);
    }
    const text = Number.isInteger(value) ? BigInt(value).toString() : String(value);
    const redacted = this.text(text, subject(place));
    return redacted === text ? value : redacted;
  }

  /** A text of which parts may be JSON: arguments of calls stay JSON, and so does what was. */
  private string(value: string, place: Place): string {
    if (place.key === 'arguments') {
      return redactedJson(value, this) ?? this.text(value);
    }
    const counted = { ...this.counts };
    const redacted = this.text(value, subject(place));
    if (redacted === value || !isJson(value) || isJson(redacted)) {
      return redacted;
    }
    this.counts = counted; // it is done over
    return redactedJson(value, this) ?? redacted;
  }

  /** A text, whatever it is; `key` names the field that it stands in. */
  text(value: string, key = ''): string {
    return this.replaced([value], key)[0] ?? '';
  }

  /** Pieces of one text: what begins in one and ends in another is replaced where it begins. */
  private replaced(pieces: readonly string[], key = ''): string[] {
    const text = pieces.join('');
    const all = spansOf(text, this.entities, this.dictionary, key);
    const spans = this.again ? all.filter(({ start, end }) => /[\p{L}\p{N}]/u.test(text.slice(start, end).replace(PLACEHOLDERS, ''))) : all;
    const out: string[] = [];
    let offset = 0;
    let next = 0;
    let from = 0;
    for (const piece of pieces) {
      const end = offset + piece.length;
      let kept = '';
      for (let span = spans[next]; span !== undefined && span.start < end; span = spans[next]) {
        kept += text.slice(from, span.start) + this.placeholder(span.entity, text.slice(span.start, span.end));
        from = span.end;
        next += 1;
      }
      out.push(from < end ? kept + text.slice(from, end) : kept);
      from = Math.max(from, end);
      offset = end;
    }
    return out;
  }

  placeholder(entity: Entity | 'text', value: string): string {
    if (entity !== 'text') {
      this.counts[entity] = (this.counts[entity] ?? 0) + 1;
    }
    return this.vault.put(entity, value);
  }

  /** The parts of a message's content are read as one text where they are texts that follow each other. */
  private parts(parts: readonly unknown[]): unknown[] | undefined {
    const texts = parts.map((part) => (isText(part) ? part.text : undefined)).filter((text) => text !== undefined);
    return texts.length === parts.length ? this.replaced(texts).map((text) => ({ type: 'text', text })) : undefined;
  }
}

function isText(part: unknown): part is { type: 'text'; text: string } {
  const { type, text, ...others } = (part ?? {}) as { type?: unknown; text?: unknown };
  return type === 'text' && typeof text === 'string' && Object.keys(others).length === 0;
}

function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) {
    return false;
  }
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whatever goes wrong, it is an error of ours, and nothing is sent. */
function walked<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof KingletError ? thrown : unwalkable('payload', 'plain data', `what fails when it is read (${String(thrown)})`);
  }
}

function unwalkable(path: string, expected: string, got: unknown): KingletError {
  const message = `invalid request: ${path}: expected ${expected}, got ${String(got)}; it could not be searched for what is to be replaced, and nothing was sent`;
  return new KingletError('invalid_request', message, { param: path, expected, got: String(got) });
}
