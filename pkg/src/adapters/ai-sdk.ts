// `kinglet/ai-sdk`: a provider for the Vercel AI SDK (`ai` 7: version 4 of its specification; `ai` 6: version 3).

import type {
  EmbeddingModelV3,
  EmbeddingModelV4,
  EmbeddingModelV4CallOptions,
  EmbeddingModelV4Result,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import { contentOf, finishReason, metadataOf, Parts, responseOf, usageOf } from './ai-answer.js';
import { callError, noSuchModel } from './ai-errors.js';
import { NAME, requestOf } from './ai-request.js';
import { embeddingModelV3, languageModelV3 } from './ai-v3.js';
import { KingletError } from '../errors.js';
import { answer, chunks, embed, type Body, type Engine, type KingletClient } from './client.js';

export { KingletCallError } from './ai-errors.js';
export type { KingletClient } from './client.js';

/** One engine, or several by the model ids that they shall have. */
export type Engines = Engine | Readonly<Record<string, Engine>>;

/** The provider: call it, or hand it to `createProviderRegistry`. */
export interface KingletProvider {
  (modelId?: string): LanguageModelV4;
  readonly specificationVersion: 'v4';
  /** A model for `generateText`, `streamText`, `generateObject`, `streamObject`. */
  languageModel(modelId?: string): LanguageModelV4;
  /** A model for `embed` and `embedMany`. */
  embeddingModel(modelId?: string): EmbeddingModelV4;
  /** @throws always: kinglet makes no images. */
  imageModel(modelId: string): never;
}

/** The same for `ai` 6. */
export interface KingletProviderV3 {
  (modelId?: string): LanguageModelV3;
  readonly specificationVersion: 'v3';
  /** A model for `generateText`, `streamText`, `generateObject`, `streamObject`. */
  languageModel(modelId?: string): LanguageModelV3;
  /** A model for `embed` and `embedMany`. */
  embeddingModel(modelId?: string): EmbeddingModelV3;
  /** @throws always: kinglet makes no images. */
  imageModel(modelId: string): never;
}

/**
 * A provider for the Vercel AI SDK over models that `createKinglet` loaded (or is still loading: a promise will do).
 *
 * It is one for `ai` 7; for `ai` 6 it takes `{ specification: 'v3' }`.
 *
 * With one engine, the model id is a label. With several, `{chat: a, embed: b}`, it chooses; an unknown one is an error.
 *
 * @example
 * const kinglet = createKingletProvider(createKinglet({ model: 'desk' }));
 * const { text } = await generateText({ model: kinglet(), prompt: 'Hello' });
 */
export function createKingletProvider(engines: Engines, options?: { specification?: 'v4' }): KingletProvider;
export function createKingletProvider(engines: Engines, options: { specification: 'v3' }): KingletProviderV3;
export function createKingletProvider(
  engines: Engines,
  { specification = 'v4' }: { specification?: 'v3' | 'v4' } = {},
): KingletProvider | KingletProviderV3 {
  const find = (modelId: string | undefined, type: string): [engine: Engine, id: string] => {
    if (isEngine(engines)) {
      return [engines, modelId ?? nameOf(engines)];
    }
    const known = Object.keys(engines);
    const id = modelId ?? known[0] ?? '';
    const engine = Object.hasOwn(engines, id) ? engines[id] : undefined;
    if (engine === undefined) {
      throw noSuchModel(id, type, known);
    }
    return [engine, id];
  };
  const language = (modelId?: string) => new KingletLanguageModel(...find(modelId, 'languageModel'));
  const embedding = (modelId?: string) => new KingletEmbeddingModel(...find(modelId, 'embeddingModel'));
  const imageModel = (modelId: string): never => {
    throw noSuchModel(modelId, 'imageModel', []);
  };
  switch (specification) {
    case 'v4':
      return provider(specification, language, embedding, imageModel);
    case 'v3':
      return provider(
        specification,
        (modelId) => languageModelV3(language(modelId)),
        (modelId) => embeddingModelV3(embedding(modelId)),
        imageModel,
      );
    default:
      throw new KingletError(
        'invalid_request',
        `invalid request: specification: expected 'v3' or 'v4', got ${JSON.stringify(specification)}`,
        { param: 'specification' },
      );
  }
}

function provider<Version, Language, Embedding>(
  specificationVersion: Version,
  languageModel: (modelId?: string) => Language,
  embeddingModel: (modelId?: string) => Embedding,
  imageModel: (modelId: string) => never,
) {
  const call = (modelId?: string) => languageModel(modelId);
  return Object.assign(call, { specificationVersion, languageModel, embeddingModel, imageModel });
}

function isEngine(engines: Engines): engines is Engine {
  const { then, chat } = engines as { then?: unknown; chat?: { completions?: unknown } };
  return typeof then === 'function' || chat?.completions !== undefined;
}

/** The name in the file, or the package's where there is none or it is not known yet. */
function nameOf(engine: Engine): string {
  const client = engine as Partial<KingletClient>;
  return ('info' in engine && client.ready !== false && client.info?.model) || NAME;
}

/** A signal that fires with `outer`, or when the reader of a stream goes away; `end` stops listening. */
function linked(outer: AbortSignal | undefined): { signal: AbortSignal; abort: () => void; end: () => void } {
  const control = new AbortController();
  const forward = () => control.abort(outer?.reason);
  if (outer?.aborted) {
    forward();
  }
  outer?.addEventListener('abort', forward);
  const end = () => outer?.removeEventListener('abort', forward);
  return {
    signal: control.signal,
    abort: () => {
      end();
      control.abort();
    },
    end,
  };
}

class KingletLanguageModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = NAME;
  /** None: nothing but text is read, and nothing is fetched. */
  readonly supportedUrls = {};

  constructor(
    private readonly engine: Engine,
    readonly modelId: string,
  ) {}

  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const { body, warnings } = this.request(options);
    try {
      const whole = await answer(this.engine, body, options.abortSignal);
      const choice = whole.choices[0];
      const providerMetadata = metadataOf(whole.kinglet, choice?.logprobs);
      return {
        content: contentOf(whole),
        finishReason: finishReason(choice?.finish_reason),
        usage: usageOf(whole.usage),
        warnings,
        request: { body },
        response: { ...responseOf(whole), body: whole },
        ...(providerMetadata ? { providerMetadata } : {}),
      };
    } catch (thrown) {
      throw callError(thrown, body, options.abortSignal);
    }
  }

  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const { body, warnings } = this.request(options);
    const { signal, abort, end } = linked(options.abortSignal);
    const parts = this.parts(body, options, signal);
    const stream = new ReadableStream<LanguageModelV4StreamPart>(
      {
        start: (controller) => controller.enqueue({ type: 'stream-start', warnings }),
        // What nobody reads is not computed.
        pull: async (controller) => {
          const { done, value } = await parts.next().catch((thrown: unknown) => {
            end();
            throw thrown;
          });
          if (!done) {
            return controller.enqueue(value);
          }
          end();
          controller.close();
        },
        cancel: async () => {
          abort();
          await parts.return();
        },
      },
      { highWaterMark: 0 },
    );
    return { stream, request: { body } };
  }

  private async *parts(
    body: Body,
    options: LanguageModelV4CallOptions,
    signal: AbortSignal,
  ): AsyncGenerator<LanguageModelV4StreamPart, void, void> {
    const parts = new Parts();
    try {
      for await (const chunk of await chunks(this.engine, body, signal)) {
        if (options.includeRawChunks) {
          yield { type: 'raw', rawValue: chunk };
        }
        yield* parts.of(chunk);
      }
      yield* parts.finish();
    } catch (thrown) {
      const error = callError(thrown, body, signal);
      if (signal.aborted) {
        throw error;
      }
      yield { type: 'error', error };
      yield* parts.finish(true);
    }
  }

  private request(options: LanguageModelV4CallOptions): ReturnType<typeof requestOf> {
    try {
      return requestOf(options);
    } catch (thrown) {
      throw callError(thrown, {}, undefined);
    }
  }
}

class KingletEmbeddingModel implements EmbeddingModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider = NAME;
  readonly maxEmbeddingsPerCall = Infinity;
  /** One engine computes one thing at a time. */
  readonly supportsParallelCalls = false;

  constructor(
    private readonly engine: Engine,
    readonly modelId: string,
  ) {}

  async doEmbed(options: EmbeddingModelV4CallOptions): Promise<EmbeddingModelV4Result> {
    const { values, dimensions, abortSignal, providerOptions } = options;
    const more = { ...(dimensions === undefined ? {} : { dimensions }), ...providerOptions?.[NAME] };
    try {
      const { vectors, tokens } = await embed(this.engine, values, more, abortSignal);
      return { embeddings: vectors, usage: { tokens }, warnings: [] };
    } catch (thrown) {
      throw callError(thrown, { input: values, ...more }, abortSignal);
    }
  }
}
