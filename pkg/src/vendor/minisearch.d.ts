// What is used of MiniSearch (MIT), whose script `cargo xtask pkg` puts beside the others: a page without a bundler has it, too.

export interface MiniSearchOptions {
  fields: string[];
  idField?: string;
  tokenize?: (text: string) => string[];
  processTerm?: (term: string) => string | null;
  searchOptions?: { boost?: Record<string, number>; bm25?: { k: number; b: number; d: number } };
}

export interface SearchResult {
  id: string;
  score: number;
}

export default class MiniSearch<T> {
  constructor(options: MiniSearchOptions);
  /** Documents in it. */
  readonly documentCount: number;
  has(id: string): boolean;
  static loadJSON<T>(json: string, options: MiniSearchOptions): MiniSearch<T>;
  add(document: T): void;
  /** Removes a document, which must be as it was added. */
  remove(document: T): void;
  search(query: string): SearchResult[];
}
