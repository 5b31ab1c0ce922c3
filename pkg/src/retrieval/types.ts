// The public types of an index of documents.

import type { Consent, Redact } from '../route/types.js';
import type { CallOptions } from '../types.js';

/** A document of the app's own. */
export interface Document {
  /** One with the same id replaces it. */
  id: string;
  text: string;
  /** Is searched, too, and counts twice. */
  title?: string;
  /** Whether what is found of it may leave this device, and is redacted first; default: what option `privacy` says. */
  consent?: Consent;
  redact?: Redact;
}

/** Options of `createIndex`. */
export interface IndexOptions {
  /** Names the index among those of this origin; default `documents`. */
  name?: string;
  /** Where it is kept; default `auto`: in IndexedDB where the browser has one, else in memory. */
  store?: 'auto' | 'indexeddb' | 'memory';
  /** Words of a piece that documents are cut into; default 120. */
  chunkWords?: number;
  /** Also searches by the model's embeddings; default false. */
  vectors?: boolean;
  /** What stands before the embedded texts, for models that want it. */
  prefix?: { query?: string; document?: string };
}

/** Options of `search`. */
export interface SearchOptions extends CallOptions {
  /** Most hits; default 5. */
  k?: number;
  /** Default: `hybrid` with vectors, else `words`. */
  by?: 'words' | 'vectors' | 'hybrid';
}

/** A piece of a document that was found. */
export interface Hit {
  /** Of the document. */
  id: string;
  title?: string;
  text: string;
  /** Where it stands in the document's text. */
  start: number;
  end: number;
  /** As the document has them. */
  consent?: Consent;
  redact?: Redact;
  /** By which hits are ordered: BM25+, the cosine, or the fused rank. Comparable within one search only. */
  score: number;
}

/** What a search found. */
export interface Found {
  hits: Hit[];
  /** Absent where nothing was found. */
  signals: { retrieval_top?: number; retrieval_margin?: number };
}

/** What there is in an index, and how it was opened. */
export interface IndexStatus {
  documents: number;
  chunks: number;
  kept: 'indexeddb' | 'memory';
  /** How the words' index came about: stored as it was, or made again of the documents (the stored one was old or damaged). */
  opened: 'new' | 'stored' | 'rebuilt';
  /** Records that could not be read, and were removed. */
  damaged: number;
}
