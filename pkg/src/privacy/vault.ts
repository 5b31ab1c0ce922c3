// Which placeholder stands for what, for one request: in memory only, and nothing that prints it shows a value.

import type { Entity, EntityCounts } from './types.js';

/** How placeholders call the kinds; `text` is a text that looked like one. */
const NAMES: Readonly<Record<Entity | 'text', string>> = {
  email: 'EMAIL',
  phone: 'PHONE',
  card: 'CARD',
  iban: 'IBAN',
  ip: 'IP',
  url: 'URL',
  secret: 'SECRET',
  dictionary: 'TERM',
  text: 'TEXT',
};

/** What any placeholder looks like. */
export const PLACEHOLDER = /__[A-Z]+_\d+__/;
/** What is left of one that was mangled: its name and number, whatever is around them. */
export const MANGLED = new RegExp(String.raw`(?<![A-Za-z])(?:${Object.values(NAMES).join('|')})\\?_\d+`, 'gi');

/** How many of each kind stand in something that was redacted, each time that they stand there. */
export function placeholdersIn(redacted: unknown): EntityCounts {
  const counts: EntityCounts = {};
  for (const [, name] of (JSON.stringify(redacted) ?? '').matchAll(/__([A-Z]+)_\d+__/g)) {
    const [entity] = Object.entries(NAMES).find(([, one]) => one === name) ?? [];
    if (entity !== undefined && entity !== 'text') {
      counts[entity as Entity] = (counts[entity as Entity] ?? 0) + 1;
    }
  }
  return counts;
}

/** The placeholders of one request. */
export class Vault {
  readonly #values = new Map<string, string>();
  readonly #placeholders = new Map<string, string>();
  readonly #numbers = new Map<string, number>();
  #longest = 0;

  /** The placeholder of a value: the same for the same value. */
  put(entity: Entity | 'text', value: string): string {
    const key = `${entity} ${value}`;
    const known = this.#placeholders.get(key);
    if (known !== undefined) {
      return known;
    }
    const number = (this.#numbers.get(entity) ?? 0) + 1;
    const placeholder = `__${NAMES[entity]}_${number}__`;
    this.#numbers.set(entity, number);
    this.#placeholders.set(key, placeholder);
    this.#values.set(placeholder, value);
    this.#longest = Math.max(this.#longest, placeholder.length);
    return placeholder;
  }

  /** What a placeholder stands for. */
  value(placeholder: string): string | undefined {
    return this.#values.get(placeholder);
  }

  /** Characters of the longest placeholder; 0 without any. */
  get longest(): number {
    return this.#longest;
  }

  /** How many there are. */
  get size(): number {
    return this.#values.size;
  }

  toJSON(): { placeholders: number } {
    return { placeholders: this.size };
  }
}
