// The page's client: what `createKinglet` gives back.

import { aborted, KingletError } from './errors.js';
import { Link } from './link.js';
import type { LoadOptions } from './protocol.js';
import { chatChunks, chatCompletion, textChunks, textCompletion } from './shape.js';
import { resolveModel } from './sources/resolve.js';
import { pieces } from './stream.js';
import { MAX_THREADS } from './threads.js';
import type {
  ChatChunk,
  ChatCompletion,
  ChatMessage,
  ChatParams,
  CompletionParams,
  Info,
  KingletOptions,
  Stats,
  TextCompletion,
  WasmFiles,
} from './types.js';

/**
 * Loads a model in a worker of its own.
 *
 * @example
 * const kinglet = await createKinglet({ model: '/models/model.gguf' });
 * const stream = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'Hi!' }], stream: true });
 * for await (const chunk of stream) console.log(chunk.choices[0].delta.content);
 *
 * @throws KingletError, for example `http`, `bad_file`, `too_large`, `gpu_unavailable`, `aborted`.
 */
export async function createKinglet(options: KingletOptions): Promise<Kinglet> {
  if (options.signal?.aborted) {
    throw aborted(options.signal);
  }
  const sources = await resolveModel(options.model);
  const wasm = wasmFiles(options.wasm);
  const link = new Link(openWorker(options.worker), (progress) => options.onProgress?.(progress));
  const ignore = link.closeOn(options.signal);
  try {
    const info = await link.call('load', {
      sources,
      options: loadOptions(options),
      ...(wasm === undefined ? {} : { wasm }),
      ...(options.module === undefined ? {} : { module: options.module }),
    });
    return new Kinglet(link, info);
  } catch (thrown) {
    link.close(thrown instanceof KingletError ? thrown : new KingletError('internal', String(thrown)));
    throw thrown;
  } finally {
    ignore();
  }
}

/** A loaded model. Its requests run one after the other. */
export class Kinglet {
  /** Conversations, through the model's own chat template. */
  readonly chat: { readonly completions: ChatCompletions };
  /** Raw text, continued; for models without a chat template. */
  readonly completions: Completions;

  /** @internal */
  constructor(
    private readonly link: Link,
    /** What was loaded, and where it runs. */
    readonly info: Info,
  ) {
    this.chat = { completions: new ChatCompletions(link, info) };
    this.completions = new Completions(link, info);
  }

  /** Text to token ids. With `special: 'parse'` the texts of control tokens become those tokens; default `'text'`. */
  tokenize(text: string, options: { special?: 'parse' | 'text' } = {}): Promise<number[]> {
    return this.link.call('tokenize', { text, special: options.special ?? 'text' });
  }

  /** Token ids to text. */
  detokenize(ids: readonly number[]): Promise<string> {
    return this.link.call('detokenize', { ids: [...ids] });
  }

  /** Tokens that a text, or the prompt of a conversation with its template, takes of the context. */
  async countTokens(input: string | readonly ChatMessage[]): Promise<number> {
    if (typeof input === 'string') {
      return (await this.tokenize(input)).length;
    }
    return this.link.call('count', { request: { messages: input } });
  }

  /** Counters: GPU dispatches, Wasm memory. */
  stats(): Promise<Stats> {
    return this.link.call('stats', null);
  }

  /** Ends the worker and frees all memory; pending calls fail with `not_loaded`. */
  dispose(): void {
    this.link.close(new KingletError('not_loaded', 'this model was disposed; create it again'));
  }
}

/** `chat.completions`. */
export class ChatCompletions {
  /** @internal */
  constructor(
    private readonly link: Link,
    private readonly info: Info,
  ) {}

  /** Answers a conversation: piece by piece with `stream: true`, else when it is complete. */
  create(params: ChatParams & { stream: true }): Promise<AsyncIterableIterator<ChatChunk>>;
  create(params: ChatParams & { stream?: false }): Promise<ChatCompletion>;
  create(params: ChatParams): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion>;
  async create(params: ChatParams): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion> {
    const { stream, signal, ...request } = params;
    const answer = pieces(this.link, 'chat', request, signal);
    return stream ? chatChunks(answer, this.info.model) : chatCompletion(answer, this.info.model);
  }
}

/** `completions`. */
export class Completions {
  /** @internal */
  constructor(
    private readonly link: Link,
    private readonly info: Info,
  ) {}

  /** Continues a text: piece by piece with `stream: true`, else when it is complete. */
  create(params: CompletionParams & { stream: true }): Promise<AsyncIterableIterator<TextCompletion>>;
  create(params: CompletionParams & { stream?: false }): Promise<TextCompletion>;
  create(params: CompletionParams): Promise<AsyncIterableIterator<TextCompletion> | TextCompletion>;
  async create(params: CompletionParams): Promise<AsyncIterableIterator<TextCompletion> | TextCompletion> {
    const { stream, signal, ...request } = params;
    const answer = pieces(this.link, 'completion', request, signal);
    return stream ? textChunks(answer, this.info.model) : textCompletion(answer, this.info.model);
  }
}

function loadOptions(options: KingletOptions): LoadOptions {
  const threads = options.threads ?? 'auto';
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    const message = `invalid request: threads: expected "auto" or 1 to ${MAX_THREADS}, got ${String(threads)}`;
    throw new KingletError('invalid_request', message, { param: 'threads' });
  }
  return {
    backend: options.backend ?? 'auto',
    cache_type: options.cacheType ?? 'f16',
    ignore_window: options.ignoreWindow ?? false,
    exact: options.exact ?? false,
    ...(threads === 'auto' ? {} : { threads }),
    ...(options.context === undefined ? {} : { context: options.context }),
  };
}

/** The file of each build, addresses made absolute; one file alone is the baseline. */
function wasmFiles(wasm: KingletOptions['wasm']): WasmFiles | undefined {
  if (wasm === undefined) {
    return undefined;
  }
  const alone = isAddress(wasm) || wasm instanceof ArrayBuffer || wasm instanceof WebAssembly.Module;
  const files: WasmFiles = alone ? { baseline: wasm } : { ...wasm };
  for (const kind of ['baseline', 'relaxed'] as const) {
    const file = files[kind];
    if (isAddress(file)) {
      files[kind] = absolute(file, 'wasm');
    }
  }
  return files;
}

function isAddress(value: unknown): value is string | URL {
  return typeof value === 'string' || value instanceof URL;
}

function absolute(address: string | URL, param: string): string {
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  try {
    return new URL(address, base).href;
  } catch {
    throw new KingletError('invalid_request', `invalid request: ${param}: expected an address, got "${address}"`, { param });
  }
}

function openWorker(worker: KingletOptions['worker']): Worker {
  if (worker !== undefined && !isAddress(worker)) {
    return worker;
  }
  if (typeof Worker === 'undefined') {
    throw new KingletError('unsupported_browser', 'this browser has no Web Workers, which kinglet needs');
  }
  try {
    // Bundlers recognise this exact form.
    return worker === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'kinglet' })
      : new Worker(worker, { type: 'module', name: 'kinglet' });
  } catch (thrown) {
    throw new KingletError('worker_failed', `the worker could not be started: ${String(thrown)}`, {}, { cause: thrown });
  }
}
