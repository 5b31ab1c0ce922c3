// What an app gives when it connects to a page in a frame, and when it loads a model into it.

import type { ConsentAnswer, ConsentRequest } from '../privacy/types.js';
import type { ChatChunk, ChatCompletion, ChatParams, CallOptions, Notice, Progress } from '../types.js';
import type { EmbedModel, EmbedOptions, EmbedPatience } from './types.js';

/** Options of `connectEmbed`. */
export interface ConnectOptions {
  /** The origin of the page in the frame, exactly: nobody else is spoken to, and nobody else is heard. */
  origin: string;
  /** Asks the user. Without it, what needs consent does not leave. */
  onConsent?: (request: ConsentRequest) => ConsentAnswer | Promise<ConsentAnswer>;
  /** Gives a token for one attempt at a remote model. */
  getToken?: (ask: { remote: string; signal: AbortSignal }) => string | Promise<string>;
  onNotice?: (notice: Notice) => void;
  /** The page was ended and is there again: the model is being loaded, and what was open goes on. */
  onRestart?: (session: string) => void;
  /** Load again and go on with answers when the page was ended. Default true. */
  resume?: boolean;
  /** How long the page waits for this side. */
  patience?: EmbedPatience;
  /** How long this side waits for a sign of life of the page while something is open, in milliseconds. Default 30,000. */
  patienceMs?: number;
  /** Ends connecting. */
  signal?: AbortSignal;
}

/** What to load. A `Blob` is handed over in pieces. */
export interface EmbedLoad {
  model: EmbedModel | Blob;
  options?: EmbedOptions;
  /** Bytes that weights, cache and activations may take together. */
  memory?: number;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

/** `chat.completions` of a page in a frame. */
export interface EmbedChat {
  create(params: ChatParams & { stream: true }, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk>>;
  create(params: ChatParams & { stream?: false | null }, options?: CallOptions): Promise<ChatCompletion>;
  create(params: ChatParams, options?: CallOptions): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion>;
}
