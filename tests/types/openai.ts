// The package's types held against those of the `openai` package, by the compiler: nothing here runs.
import type OpenAI from 'openai';
import type {
  AnswerDecision,
  ChatChunk,
  ChatCompletion,
  ChatMessage,
  ChatParams,
  CompletionParams,
  Consents,
  EgressLog,
  EmbeddingParams,
  EmbeddingResponse,
  EscalateOptions,
  Grant,
  HandoverPart,
  Kinglet,
  Ledger,
  LedgerTotals,
  Provenance,
  Purse,
  TextCompletion,
  Trace,
  WarningCode,
} from '../../pkg/dist/index.js';

/** Compiles where `Ours` can be used as `Theirs`. */
type Fits<Ours extends Theirs, Theirs> = [Ours, Theirs];

/** What kinglet answers is what code for OpenAI's answers expects. */
export type Answers = [
  Fits<ChatCompletion, OpenAI.ChatCompletion>,
  Fits<ChatChunk, OpenAI.ChatCompletionChunk>,
  Fits<TextCompletion, OpenAI.Completion>,
  Fits<EmbeddingResponse, OpenAI.CreateEmbeddingResponse>,
  // @ts-expect-error a chunk is no whole answer: the check above can fail
  Fits<ChatChunk, OpenAI.ChatCompletion>,
];

type Chat = OpenAI.ChatCompletionCreateParams;
type Completion = OpenAI.CompletionCreateParams;
/** All messages but the old `function` ones; a user's content is text. */
type Messages =
  | Exclude<OpenAI.ChatCompletionMessageParam, OpenAI.ChatCompletionFunctionMessageParam | OpenAI.ChatCompletionUserMessageParam>
  | (Omit<OpenAI.ChatCompletionUserMessageParam, 'content'> & { content: string | OpenAI.ChatCompletionContentPartText[] });
/** Parameters of which kinglet takes less than OpenAI. */
type Narrower = 'messages' | 'modalities' | 'prompt' | 'tools' | 'tool_choice';
/** Tools that are functions, and choices among them. */
type FunctionTools = {
  messages: Messages[];
  tools: OpenAI.ChatCompletionFunctionTool[];
  tool_choice: OpenAI.ChatCompletionNamedToolChoice | 'none' | 'auto' | 'required';
};
type Shared<Theirs, Ours> = Pick<Theirs, Exclude<keyof Theirs & keyof Ours, Narrower>>;

/** What was written as a request to OpenAI is one to kinglet. */
export type Requests = [
  Fits<Messages, ChatMessage>,
  Fits<Shared<Chat, ChatParams>, Omit<ChatParams, Narrower>>,
  Fits<Shared<Completion, CompletionParams>, Omit<CompletionParams, Narrower>>,
  Fits<NonNullable<Completion['prompt']>, CompletionParams['prompt']>,
  Fits<FunctionTools, ChatParams>,
  Fits<OpenAI.EmbeddingCreateParams, EmbeddingParams>,
  // @ts-expect-error pictures are refused, by the compiler, too
  Fits<OpenAI.ChatCompletionUserMessageParam, ChatMessage>,
];

type Whole = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, Narrower> & FunctionTools;
type Streamed = Omit<OpenAI.ChatCompletionCreateParamsStreaming, Narrower> & FunctionTools;

/** The part of the official client that most code uses. */
interface Client {
  chat: {
    completions: {
      create(body: Whole, options?: { signal?: AbortSignal | null }): Promise<OpenAI.ChatCompletion>;
      create(body: Streamed): Promise<AsyncIterable<OpenAI.ChatCompletionChunk>>;
    };
  };
  completions: { create(body: Omit<OpenAI.CompletionCreateParamsNonStreaming, 'prompt'> & { prompt: string }): Promise<OpenAI.Completion> };
  embeddings: { create(body: OpenAI.EmbeddingCreateParams): Promise<OpenAI.CreateEmbeddingResponse> };
}

/** Code that is given such a client works with either. */
export const official = (client: OpenAI): Client => client;
export const ours = (kinglet: Kinglet): Client => kinglet;

/** What a hand-over gives can be named. */
export type Named = [AnswerDecision, EscalateOptions, Consents, Grant, EgressLog, Ledger, LedgerTotals, Purse, Trace, HandoverPart, Provenance, WarningCode];
export const again = (kinglet: Kinglet, options: EscalateOptions & { stream: boolean }): Promise<AsyncIterable<ChatChunk> | ChatCompletion> => kinglet.escalate('id', options);
