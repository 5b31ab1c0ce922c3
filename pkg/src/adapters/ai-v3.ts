// Version 3 of the AI SDK's specification (`ai` 6) over version 4. They differ in how a prompt holds files; answers have the
// same form.

import type {
  EmbeddingModelV3,
  EmbeddingModelV3Result,
  EmbeddingModelV4,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FilePart,
  LanguageModelV3GenerateResult,
  LanguageModelV3Message,
  LanguageModelV3StreamResult,
  LanguageModelV3ToolResultPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
} from '@ai-sdk/provider';

type Message = LanguageModelV4CallOptions['prompt'][number];

/** The same model for `ai` 6. */
export function languageModelV3(model: LanguageModelV4): LanguageModelV3 {
  const { provider, modelId, supportedUrls } = model;
  // Of what an answer may hold the model gives text and calls of tools, which both versions have.
  return {
    specificationVersion: 'v3',
    provider,
    modelId,
    supportedUrls,
    doGenerate: async (options) => (await model.doGenerate(newer(options))) as LanguageModelV3GenerateResult,
    doStream: async (options) => (await model.doStream(newer(options))) as LanguageModelV3StreamResult,
  };
}

/** The same model for `ai` 6. */
export function embeddingModelV3(model: EmbeddingModelV4): EmbeddingModelV3 {
  const { provider, modelId, maxEmbeddingsPerCall, supportsParallelCalls } = model;
  return {
    specificationVersion: 'v3',
    provider,
    modelId,
    maxEmbeddingsPerCall,
    supportsParallelCalls,
    doEmbed: async (options) => (await model.doEmbed(options)) as EmbeddingModelV3Result,
  };
}

function newer(options: LanguageModelV3CallOptions): LanguageModelV4CallOptions {
  return { ...options, prompt: options.prompt.map(message) };
}

function message(older: LanguageModelV3Message): Message {
  if (older.role === 'system') {
    return older;
  }
  const content = older.content.map((part) => {
    switch (part.type) {
      case 'file':
        return { ...part, data: fileData(part.data) };
      case 'tool-result':
        return { ...part, output: output(part.output) };
      default:
        return part;
    }
  });
  return { ...older, content } as Message;
}

function fileData(data: LanguageModelV3FilePart['data']): object {
  return data instanceof URL ? { type: 'url', url: data } : { type: 'data', data };
}

/** Files by their bytes; others keep their names, by which they are refused. */
function output(older: LanguageModelV3ToolResultPart['output']): object {
  if (older.type !== 'content') {
    return older;
  }
  const value = older.value.map((part) => {
    if (part.type !== 'file-data' && part.type !== 'image-data') {
      return part;
    }
    return { type: 'file', mediaType: part.mediaType, data: { type: 'data', data: part.data } };
  });
  return { ...older, value };
}
