// `embeddings`: texts as vectors, in OpenAI's shape.

import type { Lasting } from './lasting.js';
import { callOf, invalid } from './params.js';
import type { Vector } from './protocol.js';
import { pieces } from './stream.js';
import type { CallOptions, Embedding, EmbeddingParams, EmbeddingResponse } from './types.js';

/** `embeddings`. */
export class Embeddings {
  /** @internal */
  constructor(private readonly link: Lasting) {}

  /** Makes a vector of length 1 of each text. */
  async create(params: EmbeddingParams, options?: CallOptions): Promise<EmbeddingResponse> {
    const { request, signal } = callOf(params, options);
    const { encoding_format: format } = params;
    for (const name of ['stream', 'stream_options']) {
      const value: unknown = (params as unknown as Record<string, unknown>)[name];
      if (value !== undefined && value !== null && value !== false) {
        throw invalid(name, 'nothing: embeddings come as a whole', value);
      }
    }
    if (format !== undefined && format !== null && format !== 'float' && format !== 'base64') {
      throw invalid('encoding_format', '"float" or "base64"', format);
    }
    const data: Embedding[] = [];
    let tokens = 0;
    for await (const { index, embedding, usage } of pieces<Vector>(this.link, 'embedding', request, signal)) {
      data.push({ object: 'embedding', index, embedding: (format === 'base64' ? base64(embedding) : embedding) as number[] });
      tokens = usage?.prompt_tokens ?? tokens;
    }
    return { object: 'list', data, model: this.link.info.model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
  }
}

/** 32-bit floats, little-endian, as OpenAI's clients decode them. */
function base64(values: readonly number[]): string {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
  let text = '';
  for (let i = 0; i < bytes.byteLength; i++) {
    text += String.fromCharCode(bytes.getUint8(i));
  }
  return btoa(text);
}
