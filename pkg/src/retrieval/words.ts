// Search by words: BM25+ (Lv and Zhai 2011) of MiniSearch, over words without case and accents.

import { wordsOf } from '../tasks/quotes.js';
import MiniSearch, { type MiniSearchOptions } from '../vendor/minisearch.js';

/** A piece as it is indexed. */
export interface Entry {
  id: string;
  text: string;
  title: string;
}

const OPTIONS: MiniSearchOptions = {
  fields: ['text', 'title'],
  tokenize: termsOf,
  processTerm: (word) => stem(word),
  searchOptions: { boost: { title: 2 } },
};

/** Scripts that write without blanks. */
const DENSE = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]`;
const RUNS = new RegExp(`${DENSE}+|(?:(?!${DENSE})[^])+`, 'gu');
const IS_DENSE = new RegExp(`^${DENSE}`, 'u');

/** What a text is found by: its words; of scripts that write without blanks, each two neighbouring signs. */
export function termsOf(text: string): string[] {
  return wordsOf(text).flatMap((word) => (word.match(RUNS) ?? []).flatMap((run) => (IS_DENSE.test(run) ? pairs([...run]) : [run])));
}

const pairs = (signs: readonly string[]): string[] => (signs.length < 3 ? [signs.join('')] : signs.slice(1).map((sign, i) => `${signs[i]}${sign}`));

/** English plurals and possessives, as Harman's S stemmer (1991) treats them: other languages are hardly touched by it. */
export function stem(word: string): string {
  if (word.length <= 3 || !word.endsWith('s')) {
    return word;
  }
  if (word.endsWith('ies') && !/[ae]ies$/.test(word)) {
    return `${word.slice(0, -3)}y`;
  }
  if (word.endsWith('es') && !/[aeo]es$/.test(word)) {
    return word.slice(0, -1);
  }
  return /[us]s$/.test(word) ? word : word.slice(0, -1);
}

/** Words in pieces. */
export class Words {
  private constructor(private readonly index: MiniSearch<Entry>) {}

  static empty(): Words {
    return new Words(new MiniSearch<Entry>(OPTIONS));
  }

  /** A stored one of these pieces; undefined: it is none, of others, or damaged. */
  static load(text: string, ids: readonly string[]): Words | undefined {
    try {
      const index = MiniSearch.loadJSON<Entry>(text, OPTIONS);
      const words = new Words(index);
      words.search('a');
      return index.documentCount === ids.length && ids.every((id) => index.has(id)) ? words : undefined;
    } catch {
      return undefined;
    }
  }

  add(entry: Entry): void {
    this.index.add(entry);
  }

  /** Removes what was added just so. (Statistics of words then are as if it had never been there.) */
  remove(entry: Entry): void {
    this.index.remove(entry);
  }

  /** Ids with their scores, best first. */
  search(query: string): { id: string; score: number }[] {
    const found = this.index.search(query);
    // Of equals, the first by name: the same everywhere.
    return found.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  }

  toText(): string {
    return JSON.stringify(this.index);
  }
}
