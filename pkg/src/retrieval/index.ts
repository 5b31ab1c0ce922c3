// Retrieval, fetched when an index is first made.

import type { Lasting } from '../lasting.js';
import type { Vector } from '../protocol.js';
import { invalid } from '../params.js';
import { pieces } from '../stream.js';
import { checkIndexOptions } from './check.js';
import { DocumentIndex, type Embedder } from './documents.js';
import type { IndexOptions } from './types.js';

/** How this module is had. */
export interface RetrievalModule {
  createIndex: typeof createIndex;
  openIndex: typeof openIndex;
}

/** See `Kinglet.createIndex`. */
export function createIndex(link: Lasting, options: IndexOptions | undefined): Promise<DocumentIndex> {
  return DocumentIndex.open(options, embedder(link));
}

/** See `openIndex` of the entries. */
export async function openIndex(options: IndexOptions | undefined): Promise<DocumentIndex> {
  if (checkIndexOptions(options).vectors) {
    throw invalid('options.vectors', 'false: vectors are a model’s; use kinglet.createIndex', 'true');
  }
  return DocumentIndex.open(options, NO_MODEL);
}

/** An index by words asks it for nothing. */
const NO_MODEL: Embedder = { model: () => '', embed: async () => [] };

function embedder(link: Lasting): Embedder {
  return {
    model: () => `${link.info.model} ${link.info.architecture} ${link.info.embedding_length}`,
    embed: async (input, signal) => {
      const vectors: Float32Array[] = [];
      for await (const { embedding } of pieces<Vector>(link, 'embedding', { input }, signal)) {
        vectors.push(Float32Array.from(embedding));
      }
      return vectors;
    },
  };
}
