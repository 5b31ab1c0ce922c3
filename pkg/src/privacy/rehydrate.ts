// Puts values back into an answer while it arrives. Never holds more back than the longest placeholder has.

import { MANGLED, PLACEHOLDER, type Vault } from './vault.js';

/** What the end of a text may be the beginning of a placeholder. */
const BEGUN = /_(?:_(?:[A-Z]+(?:_(?:\d+_?)?)?)?)?$/;
/** Longer than what is left of a mangled placeholder. */
const MARGIN = 32;

/** What is known when an answer has ended. */
export interface Rehydrated {
  /** What was held back. */
  text: string;
  /** What looks like a placeholder, or like what is left of one, and stayed: a reason to warn. */
  missing: number;
}

/** The placeholders of one request, in one text. */
export class Rehydrator {
  private held = '';
  private readonly missing = new Missing();

  /** `json`: the text is JSON (the arguments of a call, structured output), in whose strings values are put as JSON has it. */
  constructor(
    private readonly vault: Vault,
    private readonly options: { json?: boolean } = {},
  ) {}

  /** A piece of the answer; what comes back is to be shown. */
  push(text: string): string {
    const { out, rest } = this.replaced(this.held + text, false);
    this.held = rest;
    return out;
  }

  end(): Rehydrated {
    const { out } = this.replaced(this.held, true);
    this.held = '';
    return { text: out, missing: this.missing.end() };
  }

  /** A placeholder is what is one of the vault's; of what only looks like one, the next letter may begin one. */
  private replaced(text: string, last: boolean): { out: string; rest: string } {
    if (this.vault.size === 0) {
      return { out: text, rest: '' }; // nothing was replaced, so that nothing can be missing
    }
    let out = '';
    let from = 0;
    const shape = new RegExp(PLACEHOLDER, 'g');
    for (let match = shape.exec(text); match !== null; match = shape.exec(text)) {
      const value = this.vault.value(match[0]);
      if (value === undefined) {
        shape.lastIndex = match.index + 1;
        continue;
      }
      const before = text.slice(from, match.index);
      this.missing.add(`${before}\n`);
      out += before + (this.options.json === true ? JSON.stringify(value).slice(1, -1) : value);
      from = shape.lastIndex;
    }
    const tail = text.slice(from);
    const begun = last ? undefined : BEGUN.exec(tail.slice(1 - this.vault.longest));
    const rest = begun === undefined || begun === null ? '' : begun[0];
    const plain = tail.slice(0, tail.length - rest.length);
    this.missing.add(plain);
    return { out: out + plain, rest };
  }
}

/** All at once, of a whole text. */
export function rehydrated(text: string, vault: Vault, options: { json?: boolean } = {}): Rehydrated {
  const rehydrator = new Rehydrator(vault, options);
  const first = rehydrator.push(text);
  const { text: rest, missing } = rehydrator.end();
  return { text: first + rest, missing };
}

/** Counts what looks like placeholders, in pieces. */
class Missing {
  private count = 0;
  private pending = '';

  add(text: string): void {
    this.pending += text;
    this.take(this.pending.length - MARGIN);
  }

  end(): number {
    this.take(this.pending.length);
    return this.count;
  }

  /** Those that begin before `until`; the letter before what is left is kept, for where words begin. */
  private take(until: number): void {
    if (until <= 1) {
      return;
    }
    let kept = until;
    for (const { 0: all, index } of this.pending.matchAll(MANGLED)) {
      if (index >= until) {
        break;
      }
      this.count += 1;
      kept = Math.max(kept, index + all.length);
    }
    this.pending = this.pending.slice(kept - 1);
  }
}
