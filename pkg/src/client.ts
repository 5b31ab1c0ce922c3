// The page's client: what `createKinglet` gives back.

import { availabilityOf } from './availability.js';
import { ChatCompletions } from './chat.js';
import { Completions } from './completions.js';
import { Embeddings } from './embeddings.js';
import { aborted, KingletError } from './errors.js';
import { Decisions } from './escalation.js';
import { begin, type Ways } from './hosts.js';
import { Lasting } from './lasting.js';
import { checkOptions, loadArguments, wasmFiles } from './options.js';
import { callOf, invalid, refuseOthers, signalIn } from './params.js';
import { told, type Report } from './progress.js';
import type { Labelled, LabelledRow, Verdict } from './route/feedback.js';
import type { Trace } from './route/types.js';
import type { FindDesk } from './sources/resolve.js';
import type { Given } from './sources/supply.js';
import { tokenIds, tokenizeArguments, type TokenizeOptions } from './tokens.js';
import type { Availability, CallOptions, ChatMessage, ChatParams, ContextUsage, Info, KingletOptions, Notice, Stats } from './types.js';

/** `createKinglet`, with the ways to an engine that there are. */
export async function create(options: KingletOptions, ways: Ways, findDesk?: FindDesk): Promise<Kinglet> {
  checkOptions(options);
  if (options.signal?.aborted) {
    throw aborted(options.signal);
  }
  const given: Given = { fetch: options.fetch, streams: [] };
  const load = await loadArguments(options, given, findDesk);
  const decisions = await Decisions.of(options, wasmFiles(options.wasm)?.route, (notice) => options.onNotice?.(notice));
  const listener = {
    progress: (report: Report) => options.onProgress?.(told(report)),
    notice: (notice: Notice) => options.onNotice?.(notice),
  };
  const again = (signal?: AbortSignal) => begin(options, load, given, ways, listener, signal);
  const first = await again(options.signal);
  const once = typeof options.worker === 'object' && !(options.worker instanceof URL);
  return new Kinglet(new Lasting(first, once ? undefined : again, listener, options.restart ?? true), () => availabilityOf(options, ways, findDesk), decisions);
}

/** A loaded model. Its requests run one after the other. */
export class Kinglet {
  /** Conversations, through the model's own chat template. */
  readonly chat: { readonly completions: ChatCompletions };
  /** Raw text, continued; for models without a chat template. */
  readonly completions: Completions;
  /** Texts as vectors. */
  readonly embeddings: Embeddings;

  /** @internal */
  constructor(
    private readonly link: Lasting,
    /** Whether this model can be had here (now, or again after {@link unload}), and from where. */
    readonly availability: () => Promise<Availability>,
    private readonly decisions?: Decisions,
  ) {
    this.chat = { completions: new ChatCompletions(link, decisions) };
    this.completions = new Completions(link);
    this.embeddings = new Embeddings(link);
  }

  /** What was loaded, and where it runs. */
  get info(): Info {
    return this.link.info;
  }

  /** Text to token ids. With `special: 'parse'` the texts of control tokens become those tokens; default `'text'`. */
  async tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    return this.link.call('tokenize', tokenizeArguments(text, options));
  }

  /** Token ids to text. */
  async detokenize(ids: readonly number[]): Promise<string> {
    return this.link.call('detokenize', { ids: tokenIds(ids) });
  }

  /**
   * Tokens that a text, or the prompt of a conversation with its template, takes of the context. `params`: the other
   * parameters of the chat; tools and `chat_template_kwargs` are part of its prompt.
   */
  async countTokens(input: string | readonly ChatMessage[], params: Partial<ChatParams> = {}): Promise<number> {
    if (typeof input === 'string') {
      refuseOthers('params', params, () => 'nothing beside a text');
      return (await this.tokenize(input)).length;
    }
    const { request } = callOf({ ...callOf(params, undefined).request, messages: input }, undefined);
    return this.link.call('count', { request });
  }

  /** The record of what was decided on an answer, by its `id`; the latest 256 are remembered. */
  trace(id: string): Trace {
    const trace = this.deciding().trace(id);
    if (trace === undefined) {
      throw invalid('id', 'that of one of the latest answers', id);
    }
    return trace;
  }

  /** One sentence: why that was decided. */
  explain(id: string): string {
    return this.deciding().explain(this.trace(id));
  }

  /** What a user says of an answer, for a calibration of this app's own. */
  feedback(id: string, verdict: Verdict): Labelled {
    return this.deciding().feedback(this.trace(id), verdict);
  }

  /** What users said: the rows of `kinglet route calibrate`, to be written one to a line. */
  labelled(): LabelledRow[] {
    return this.deciding().labelled();
  }

  private deciding(): Decisions {
    if (this.decisions === undefined) {
      throw invalid('options', 'one of those that have answers decided on (docs/routing.md)', 'none');
    }
    return this.decisions;
  }

  /** {@link dispose} was called: this model is of no use any more. */
  get disposed(): boolean {
    return this.link.ended;
  }

  /** Counters: GPU dispatches, Wasm memory. */
  stats(): Promise<Stats> {
    return this.link.call('stats', null);
  }

  /** How full the context is. */
  async contextUsage(): Promise<ContextUsage> {
    return this.link.loaded ? this.link.call('context', null) : { used: 0, total: this.info.context };
  }

  /**
   * Ends the engine and frees its memory, the handle stays: the next request, or {@link load}, brings it back. What is under
   * way fails with `not_loaded`.
   */
  unload(): Promise<void> {
    return this.link.unload();
  }

  /** Brings the engine back after {@link unload}, so that the next request need not. */
  async load(options: CallOptions = {}): Promise<void> {
    await this.link.live(signalIn(options));
  }

  /** Lets go of the engine for good: it ends with its memory unless other tabs share it. Calls fail with `not_loaded`. */
  dispose(): void {
    this.link.close(new KingletError('not_loaded', 'this model was disposed; create it again'));
  }
}
