// Retrieval, fetched when an index is first made.

import type { Lasting } from '../lasting.js';
import type { Vector } from '../protocol.js';
import { pieces } from '../stream.js';
import { DocumentIndex, type Embedder } from './documents.js';
import type { IndexOptions } from './types.js';

/** How this module is had. */
export interface RetrievalModule {
  createIndex: typeof createIndex;
}

/** See `Kinglet.createIndex`. */
export function createIndex(link: Lasting, options: IndexOptions | undefined): Promise<DocumentIndex> {
  return DocumentIndex.open(options, embedder(link));
}

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
