// The page's client: what `createKinglet` gives back.

import { ChatCompletions } from './chat.js';
import { Completions } from './completions.js';
import { aborted, KingletError } from './errors.js';
import { begin, type Ways } from './hosts.js';
import { Lasting } from './lasting.js';
import { told, type Report } from './progress.js';
import type { Calls, LoadOptions } from './protocol.js';
import { readingOf, resolveModel, type FindDesk } from './sources/resolve.js';
import type { Given } from './sources/supply.js';
import { MAX_THREADS } from './threads.js';
import type { ChatMessage, Info, KingletOptions, Notice, Stats, WasmFiles } from './types.js';

/** `createKinglet`, with the ways to an engine that there are. */
export async function create(options: KingletOptions, ways: Ways, findDesk?: FindDesk): Promise<Kinglet> {
  if (options.signal?.aborted) {
    throw aborted(options.signal);
  }
  const given: Given = { fetch: options.fetch, streams: [] };
  const sources = await resolveModel(options.model, given, findDesk);
  const wasm = wasmFiles(options.wasm);
  const load: Calls['load'][0] = {
    sources,
    reading: readingOf(options),
    options: loadOptions(options),
    ...(wasm === undefined ? {} : { wasm }),
    ...(options.module === undefined ? {} : { module: options.module }),
  };
  const listener = {
    progress: (report: Report) => options.onProgress?.(told(report)),
    notice: (notice: Notice) => options.onNotice?.(notice),
  };
  const again = (signal?: AbortSignal) => begin(options, load, given, ways, listener, signal);
  const first = await again(options.signal);
  const once = options.restart === false || (typeof options.worker === 'object' && !isAddress(options.worker));
  return new Kinglet(new Lasting(first, once ? undefined : again, listener));
}

/** A loaded model. Its requests run one after the other. */
export class Kinglet {
  /** Conversations, through the model's own chat template. */
  readonly chat: { readonly completions: ChatCompletions };
  /** Raw text, continued; for models without a chat template. */
  readonly completions: Completions;

  /** @internal */
  constructor(
    private readonly link: Lasting,
  ) {
    this.chat = { completions: new ChatCompletions(link) };
    this.completions = new Completions(link);
  }

  /** What was loaded, and where it runs. */
  get info(): Info {
    return this.link.info;
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

  /** Lets go of the engine, which ends with its memory unless other tabs share it; pending calls fail with `not_loaded`. */
  dispose(): void {
    this.link.close(new KingletError('not_loaded', 'this model was disposed; create it again'));
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
  for (const kind of ['baseline', 'relaxed', 'grammar'] as const) {
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
