// `kinglet/langchain`: a chat model and embeddings for LangChain.js (`@langchain/core` 1).

import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { Embeddings, type EmbeddingsParams } from '@langchain/core/embeddings';
import type {
  BaseLanguageModelInput,
  FunctionDefinition,
  StructuredOutputMethodOptions,
} from '@langchain/core/language_models/base';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from '@langchain/core/language_models/chat_models';
import {
  assembleStructuredOutputPipeline,
  createContentParser,
  createFunctionCallingParser,
} from '@langchain/core/language_models/structured_output';
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import type { SerializableSchema } from '@langchain/core/utils/standard_schema';
import type { InteropZodType } from '@langchain/core/utils/types';
import { toJsonSchema } from '@langchain/core/utils/json_schema';
import { answer, chunks, embed, given, placed, type Body, type Engine } from './client.js';
import { chunkOf, messageOf, messagesOf } from './langchain-messages.js';

export type { KingletClient } from './client.js';

/** Sampling and length: what stands here holds for every call. */
export interface ChatKingletSampling {
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  maxTokens?: number;
  seed?: number;
  stop?: string[];
  /** Report each token's log-probability in `response_metadata.logprobs`. */
  logprobs?: boolean;
  topLogprobs?: number;
  /** Further parameters of the request, as they are: `{kinglet: {regex: '…'}}`. */
  modelKwargs?: Record<string, unknown>;
}

const SAMPLING = [
  'temperature',
  'topP',
  'topK',
  'minP',
  'presencePenalty',
  'frequencyPenalty',
  'maxTokens',
  'seed',
  'stop',
  'logprobs',
  'topLogprobs',
  'modelKwargs',
] as const satisfies readonly (keyof ChatKingletSampling)[];

/** Fields of {@link ChatKinglet}. */
export interface ChatKingletFields extends ChatKingletSampling, BaseChatModelParams {
  /** What `createKinglet` gave back, or the promise of it. */
  kinglet: Engine;
}

/** A schema: zod's, a standard one, or JSON Schema. */
type Schema<T extends Record<string, any>> = SerializableSchema<T> | InteropZodType<T> | Record<string, any>;

/** Options of one call. */
export interface ChatKingletCallOptions extends BaseChatModelCallOptions, Omit<ChatKingletSampling, 'stop'> {
  tools?: BindToolsInput[];
  response_format?: Record<string, unknown>;
  parallel_tool_calls?: boolean;
}

/**
 * A chat model of LangChain over a model that `createKinglet` loaded.
 *
 * @example
 * const model = new ChatKinglet({ kinglet: createKinglet({ model: 'desk' }), temperature: 0 });
 * for await (const chunk of await model.stream('Hello')) console.log(chunk.text);
 */
export class ChatKinglet extends BaseChatModel<ChatKingletCallOptions> {
  /** The engine cannot be written down. */
  override lc_serializable = false;

  private readonly kinglet: Engine;
  private readonly sampling: ChatKingletSampling;

  constructor(fields: ChatKingletFields) {
    super(fields);
    this.kinglet = fields.kinglet;
    this.sampling = given(Object.fromEntries(SAMPLING.map((name) => [name, fields[name]])));
  }

  static override lc_name(): string {
    return 'ChatKinglet';
  }

  override _llmType(): string {
    return 'kinglet';
  }

  override getLsParams(options: this['ParsedCallOptions']): LangSmithParams {
    const { temperature, maxTokens } = { ...this.sampling, ...options };
    return {
      ls_provider: 'kinglet',
      ls_model_type: 'chat',
      ...(temperature === undefined ? {} : { ls_temperature: temperature }),
      ...(maxTokens === undefined ? {} : { ls_max_tokens: maxTokens }),
    };
  }

  /** The request's parameters, but for its messages. */
  override invocationParams(options?: this['ParsedCallOptions']): Body {
    const all = { ...this.sampling, ...given({ ...options }) } as ChatKingletSampling & ChatKingletCallOptions;
    return placed({
      temperature: all.temperature,
      top_p: all.topP,
      top_k: all.topK,
      min_p: all.minP,
      presence_penalty: all.presencePenalty,
      frequency_penalty: all.frequencyPenalty,
      max_completion_tokens: all.maxTokens,
      seed: all.seed,
      stop: all.stop === undefined || all.stop.length === 0 ? undefined : all.stop,
      logprobs: all.logprobs,
      top_logprobs: all.topLogprobs,
      response_format: all.response_format,
      parallel_tool_calls: all.parallel_tool_calls,
      ...(all.tools !== undefined && all.tools.length > 0
        ? { tools: all.tools.map((tool) => convertToOpenAITool(tool)), tool_choice: toolChoice(all.tool_choice) }
        : {}),
      ...all.modelKwargs,
    });
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const body = { messages: messagesOf(messages), ...this.invocationParams(options) };
    const whole = await answer(this.kinglet, body, options.signal);
    const message = messageOf(whole);
    const { usage } = whole;
    return {
      generations: [{ text: message.text, message, generationInfo: message.response_metadata }],
      llmOutput: usage
        ? {
            tokenUsage: {
              promptTokens: usage.prompt_tokens,
              completionTokens: usage.completion_tokens,
              totalTokens: usage.total_tokens,
            },
          }
        : {},
    };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const body = { messages: messagesOf(messages), ...this.invocationParams(options) };
    for await (const piece of await chunks(this.kinglet, body, options.signal)) {
      const message = chunkOf(piece);
      const chunk = new ChatGenerationChunk({ text: message.text, message, generationInfo: message.response_metadata });
      yield chunk;
      await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
    }
  }

  override bindTools(
    tools: BindToolsInput[],
    kwargs?: Partial<ChatKingletCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatKingletCallOptions> {
    return this.withConfig({ tools: tools.map((tool) => convertToOpenAITool(tool)), ...kwargs });
  }

  /**
   * Answers that satisfy a schema (zod, standard or JSON Schema): by `response_format`, which needs no support of the
   * chat template; or with `method: 'functionCalling'` by a tool that must be called, or with `'jsonMode'` as any JSON.
   */
  override withStructuredOutput<T extends Record<string, any> = Record<string, any>>(
    outputSchema: Schema<T>,
    config?: StructuredOutputMethodOptions<false>,
  ): Runnable<BaseLanguageModelInput, T>;
  override withStructuredOutput<T extends Record<string, any> = Record<string, any>>(
    outputSchema: Schema<T>,
    config?: StructuredOutputMethodOptions<true>,
  ): Runnable<BaseLanguageModelInput, { raw: BaseMessage; parsed: T }>;
  override withStructuredOutput(outputSchema: Schema<any>, config?: StructuredOutputMethodOptions<boolean>): any {
    const { method = 'jsonSchema', name, includeRaw } = config ?? {};
    const schema = toJsonSchema(outputSchema as Parameters<typeof toJsonSchema>[0]) as Record<string, unknown>;
    const text = (field: string) => (typeof schema[field] === 'string' ? schema[field] : undefined);
    const title = name ?? text('title') ?? 'extract';
    const pipeline = (model: Runnable<BaseLanguageModelInput>, parser: Runnable<any, any>) =>
      assembleStructuredOutputPipeline(model, parser, includeRaw, 'StructuredOutput');
    if (method === 'functionCalling') {
      const description = text('description') ?? 'The answer, in this form.';
      const definition: FunctionDefinition = { name: title, description, parameters: schema };
      const model = this.bindTools([{ type: 'function', function: definition }], { tool_choice: title });
      return pipeline(model, createFunctionCallingParser(outputSchema, title));
    }
    const response_format =
      method === 'jsonMode'
        ? { type: 'json_object' }
        : { type: 'json_schema', json_schema: { name: title, schema, strict: true } };
    return pipeline(this.withConfig({ response_format }), createContentParser(outputSchema));
  }
}

/** LangChain's `any` is OpenAI's `required`, a name of a tool is that tool. */
function toolChoice(choice: BaseChatModelCallOptions['tool_choice']): unknown {
  if (choice === 'any') {
    return 'required';
  }
  if (typeof choice === 'string' && !['auto', 'none', 'required'].includes(choice)) {
    return { type: 'function', function: { name: choice } };
  }
  return choice;
}

/** Fields of {@link KingletEmbeddings}. */
export interface KingletEmbeddingsFields extends EmbeddingsParams {
  /** What `createKinglet` gave back, or the promise of it. */
  kinglet: Engine;
  /** Texts in one request; default 32. */
  batchSize?: number;
}

/** Embeddings of LangChain: the model's last hidden states, as `embeddings.create` gives them. */
export class KingletEmbeddings extends Embeddings {
  private readonly kinglet: Engine;
  private readonly batchSize: number;

  constructor(fields: KingletEmbeddingsFields) {
    // A request that fails here fails again: it is not repeated.
    super({ maxRetries: 0, ...fields });
    this.kinglet = fields.kinglet;
    this.batchSize = Math.max(1, fields.batchSize ?? 32);
  }

  override async embedDocuments(documents: string[]): Promise<number[][]> {
    const all: number[][] = [];
    for (let at = 0; at < documents.length; at += this.batchSize) {
      const batch = documents.slice(at, at + this.batchSize);
      const { vectors } = await this.caller.call(() => embed(this.kinglet, batch, {}, undefined));
      all.push(...vectors);
    }
    return all;
  }

  override async embedQuery(document: string): Promise<number[]> {
    return (await this.embedDocuments([document]))[0] ?? [];
  }
}
