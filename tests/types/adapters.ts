// The adapters as their users compile them: nothing here runs.
import { createProviderRegistry, embed, generateText, streamText, type EmbeddingModel, type LanguageModel } from 'ai';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import type { AIMessageChunk } from '@langchain/core/messages';
import { z } from 'zod';
import { createKinglet, type ChatChunk, type ChatCompletion, type EmbeddingResponse } from '../../pkg/dist/index.js';
import type { WireAnswer, WireChunk, WireEmbeddings } from '../../pkg/dist/adapters/client.js';
import { createKingletProvider, KingletCallError } from '../../pkg/dist/adapters/ai-sdk.js';
import { ChatKinglet, KingletEmbeddings } from '../../pkg/dist/adapters/langchain.js';

type Fits<Ours extends Theirs, Theirs> = [Ours, Theirs];

/** What the adapters read is what the package answers. */
export type Read = [Fits<ChatCompletion, WireAnswer>, Fits<ChatChunk, WireChunk>, Fits<EmbeddingResponse, WireEmbeddings>];

export async function aiSdk(): Promise<string> {
  const loading = createKinglet({ model: 'm.gguf' });
  const provider = createKingletProvider(loading);
  const several = createKingletProvider({ one: loading, two: await loading });
  const model: LanguageModel = provider();
  const embedding: EmbeddingModel = several.embeddingModel('two');
  const registry = createProviderRegistry({ kinglet: provider });
  streamText({ model: registry.languageModel('kinglet:any'), prompt: 'x' });
  const { embedding: vector } = await embed({ model: embedding, value: 'x' });
  const { text } = await generateText({ model, prompt: 'x' });
  try {
    // @ts-expect-error a model is made from an engine, not from its address
    createKingletProvider('m.gguf');
  } catch (error) {
    return error instanceof KingletCallError ? error.code : text + vector.length;
  }
  return text;
}

export async function langChain(): Promise<number> {
  const kinglet = await createKinglet({ model: 'm.gguf' });
  const model = new ChatKinglet({ kinglet, temperature: 0, callbacks: [] });
  const base: BaseChatModel = model;
  const embeddings: EmbeddingsInterface = new KingletEmbeddings({ kinglet });
  const answer: AIMessageChunk = await model.bindTools([], { tool_choice: 'auto' }).invoke('x', { topK: 3 });
  const bird = await model.withStructuredOutput(z.object({ grams: z.number() })).invoke('x');
  const both = await model.withStructuredOutput(z.object({ grams: z.number() }), { includeRaw: true }).invoke('x');
  // @ts-expect-error the schema has no such field
  const wrong: unknown = bird.feathers;
  // @ts-expect-error an engine is needed
  new ChatKinglet({ temperature: 0 });
  return bird.grams + both.parsed.grams + base.lc_namespace.length + answer.text.length + (await embeddings.embedQuery('x')).length;
}
