// What the arguments of an index must be; every error names its parameter.

import { count, kind, object, text } from '../check.js';
import { labelOf } from '../label.js';
import { invalid, refuseOthers, signalIn } from '../params.js';
import type { CallOptions } from '../types.js';
import type { Document, IndexOptions, SearchOptions } from './types.js';

/** Words of a piece, where the app says nothing: some 160 tokens, so that five of them fit into a small context. */
const CHUNK_WORDS = 120;
/** Hits, where the app says nothing. */
const K = 5;

/** Options of an index, with what there is where nothing is said. */
export function checkIndexOptions(options: IndexOptions | undefined) {
  const { name, store = 'auto', chunkWords, vectors = false, prefix, ...others } = object('options', options);
  refuseOthers('options', others, () => 'an option of createIndex');
  if (store !== 'auto' && store !== 'indexeddb' && store !== 'memory') {
    throw invalid('options.store', '"auto", "indexeddb" or "memory"', store);
  }
  if (typeof vectors !== 'boolean') {
    throw invalid('options.vectors', 'true or false', kind(vectors));
  }
  const { query = '', document = '', ...rest } = object('options.prefix', prefix);
  refuseOthers('options.prefix', rest, () => 'query or document');
  if (typeof query !== 'string' || typeof document !== 'string') {
    throw invalid('options.prefix', 'texts', 'something else');
  }
  return {
    name: name === undefined ? 'documents' : text('options.name', name),
    store,
    vectors,
    chunkWords: count('options.chunkWords', chunkWords, CHUNK_WORDS),
    prefix: { query, document },
  };
}

/** Documents to add. */
export function checkDocuments(documents: unknown, options: CallOptions | undefined): { list: Document[]; signal: AbortSignal | undefined } {
  const given: unknown[] = Array.isArray(documents) ? documents : [documents];
  const seen = new Set<string>();
  const list = given.map((one, i): Document => {
    const at = Array.isArray(documents) ? `documents[${i}]` : 'document';
    if (typeof one !== 'object' || one === null) {
      throw invalid(at, '{id, text, title?}', kind(one));
    }
    const { id, text: said, title, consent, redact, ...others } = one as Document;
    refuseOthers(at, others, () => 'id, text, title, consent or redact');
    const name = text(`${at}.id`, id);
    if (seen.has(name)) {
      throw invalid(`${at}.id`, 'ids that differ', `"${name}" again`);
    }
    seen.add(name);
    return { id: name, text: text(`${at}.text`, said), ...(title === undefined ? {} : { title: text(`${at}.title`, title) }), ...labelOf(at, { consent, redact }) };
  });
  return { list, signal: signalIn(options) };
}

/** Ids to remove. */
export function checkIds(ids: unknown): string[] {
  return (Array.isArray(ids) ? ids : [ids]).map((id: unknown, i) => text(Array.isArray(ids) ? `ids[${i}]` : 'id', id));
}

/** A search. */
export function checkSearch(query: unknown, options: SearchOptions | undefined, vectors: boolean) {
  text('query', query);
  const { k, by = vectors ? 'hybrid' : 'words', signal, ...others } = object('options', options);
  refuseOthers('options', others, () => 'an option of search');
  if (by !== 'words' && by !== 'vectors' && by !== 'hybrid') {
    throw invalid('options.by', '"words", "vectors" or "hybrid"', by);
  }
  if (by !== 'words' && !vectors) {
    throw invalid('options.by', '"words", for this index was made without vectors', by);
  }
  return { k: count('options.k', k, K), by, signal: signalIn(signal === undefined ? undefined : { signal }) };
}
