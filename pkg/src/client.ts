// The page's client: what `createKinglet` gives back.

import { availabilityOf } from './availability.js';
import { ChatCompletions } from './chat.js';
import { Completions } from './completions.js';
import { Embeddings } from './embeddings.js';
import { aborted, KingletError } from './errors.js';
import type { BatchOptions, BatchResult } from './act/batch.js';
import type { Acting } from './act/acting.js';
import type { DecidingModule } from './deciding.js';
import type { Check, Decisions, EscalateOptions } from './escalation.js';
import { begin, type Ways } from './hosts.js';
import { Lasting, type Started } from './lasting.js';
import type { Ledger } from './ledger/index.js';
import { checkOptions, loadArguments, wasmFiles } from './options.js';
import type { Queue } from './offline/index.js';
import { callOf, invalid, refuseOthers, signalIn } from './params.js';
import type { Consents, EgressLog } from './privacy/index.js';
import { profile, type EngineProfile, type ProfileOptions, type SelfTest } from './profile.js';
import { told, type Report } from './progress.js';
import type { Collected, Progress as FeedbackProgress, Verdict } from './feedback/types.js';
import type { RouterOptions } from './route/router.js';
import type { Alarm, Binding, Trace } from './route/types.js';
import type { FindDesk } from './sources/resolve.js';
import type { Given } from './sources/supply.js';
import type { DocumentIndex } from './retrieval/documents.js';
import type { IndexOptions } from './retrieval/types.js';
import type { Tasks } from './tasks/index.js';
import type {
  Answered,
  AnswerOptions,
  Classified,
  ClassifyOptions,
  Example,
  Extracted,
  ExtractOptions,
  ExtractSchema,
  Filtered,
  FilterOptions,
  FitOptions,
  Head,
  Passages,
  Summarised,
  SummariseOptions,
} from './tasks/types.js';
import { tokenIds, tokenizeArguments, type TokenizeOptions } from './tokens.js';
import type { Availability, CallOptions, ChatChunk, ChatCompletion, ChatMessage, ChatParams, ContextUsage, Info, KingletOptions, Notice, Stats } from './types.js';

/** `createKinglet`, with the ways to an engine that there are. */
export async function create(options: KingletOptions, ways: Ways, findDesk?: FindDesk): Promise<Kinglet> {
  checkOptions(options);
  if (options.signal?.aborted) {
    throw aborted(options.signal);
  }
  const given: Given = { fetch: options.fetch, streams: [] };
  const load = await loadArguments(options, given, findDesk);
  if (options.feedback !== undefined) {
    (await fetched(ways.tasks())).checkFeedback(options.feedback, has(options.remote, 'baseURL'));
  }
  const decisions = await decisionsOf(options, ways);
  const listener = {
    progress: (report: Report) => options.onProgress?.(told(report)),
    notice: (notice: Notice) => options.onNotice?.(notice),
  };
  const again = (signal?: AbortSignal) => begin(options, load, given, ways, listener, signal);
  const once = typeof options.worker === 'object' && !(options.worker instanceof URL);
  const kinglet = (first: Started | undefined): Kinglet => {
    const told = { ...listener, first: (info: Info) => decisions?.loaded(info) };
    const lasting = new Lasting(first, once && first !== undefined ? undefined : again, told, options.restart ?? true);
    const { feedback, wasm } = options;
    const own = { ...(feedback === undefined ? {} : { feedback }), ...(wasm === undefined ? {} : { wasm }) };
    return new Kinglet(lasting, () => availabilityOf(options, ways, findDesk), ways, own, decisions);
  };
  const elsewhere = options.mode === 'only-remote' && has(options.remote, 'baseURL');
  if (elsewhere || options.progressive === true) {
    const coming = kinglet(undefined);
    if (!elsewhere) {
      // Who asks meanwhile is answered elsewhere, or waits for the same load; why it fails is told to whoever asks next.
      coming.load(options.signal ? { signal: options.signal } : {}).catch(() => undefined);
    }
    return coming;
  }
  const first = await again(options.signal);
  try {
    decisions?.loaded(first.info);
  } catch (thrown) {
    first.link.close(aborted()); // nobody would have it
    throw thrown;
  }
  return kinglet(first);
}

/** A loaded model. Its requests run one after the other. */
export class Kinglet {
  /** Conversations, through the model's own chat template. */
  readonly chat: { readonly completions: ChatCompletions };
  /** Raw text, continued; for models without a chat template. */
  readonly completions: Completions;
  /** Texts as vectors. */
  readonly embeddings: Embeddings;
  private loadedTasks: Tasks | undefined;

  /** @internal */
  constructor(
    private readonly link: Lasting,
    /** Whether this model can be had here (now, or again after {@link unload}), and from where. */
    readonly availability: () => Promise<Availability>,
    private readonly ways: Pick<Ways, 'tasks' | 'retrieval' | 'deciding'>,
    /** No more of them: the others may hold a key. */
    private readonly options: Pick<KingletOptions, 'feedback' | 'wasm'>,
    private readonly decisions?: Decisions,
  ) {
    this.chat = { completions: new ChatCompletions(link, decisions) };
    this.completions = new Completions(link, decisions);
    this.embeddings = new Embeddings(link);
  }

  /**
   * Chooses one of `labels` for a text (docs/tasks.md): every label is scored by the model's own probability of saying it, or
   * by a head that was fitted to examples.
   */
  async classify(text: string, labels: readonly string[], options?: ClassifyOptions): Promise<Classified> {
    return (await this.tasks()).classify(text, labels, options);
  }

  /** Fits a head for {@link classify} to labelled examples, on this device, in seconds: plain data to be kept as JSON. */
  async fitHead(examples: readonly Example[], options?: FitOptions): Promise<Head> {
    return (await this.tasks()).fitHead(examples, options);
  }

  /** Takes values out of a text: JSON of this schema, or with these fields. */
  async extract<T = Record<string, unknown>>(text: string, schema: ExtractSchema, options?: ExtractOptions): Promise<Extracted<T>> {
    return (await this.tasks()).extract<T>(text, schema, options);
  }

  /** Answers a question from passages, or from an index of documents: what it says is looked for in them. */
  async answer(question: string, passages: Passages, options?: AnswerOptions): Promise<Answered> {
    return (await this.tasks()).answer(question, passages, options);
  }

  /** Shortens a text. */
  async summarise(text: string, options?: SummariseOptions): Promise<Summarised> {
    return (await this.tasks()).summarise(text, options);
  }

  /** Lets a text pass, holds it, or is unsure, with a risk for each side. No safety system. */
  async filter(text: string, options?: FilterOptions): Promise<Filtered> {
    return (await this.tasks()).filter(text, options);
  }

  /** Opens an index of the app's own documents, with what was kept of it (docs/tasks.md): for {@link answer}, or by itself. */
  async createIndex(options?: IndexOptions): Promise<DocumentIndex> {
    if (!this.link.known) {
      await this.link.live(); // whose vectors they are
    }
    return (await fetched(this.ways.retrieval())).createIndex(this.link, options);
  }

  /**
   * Says whether an answer was right, of a task call or one that was decided on: labelled answers become a calibration
   * (docs/tasks.md).
   */
  async feedback(id: string, verdict: Verdict): Promise<FeedbackProgress> {
    const tasks = await this.tasks();
    const decided = this.decisions?.of(id);
    if (decided !== undefined && !tasks.knows(id)) {
      tasks.remember(decided);
    }
    const progress = await tasks.feedback(id, verdict);
    if (decided !== undefined) {
      this.decisions?.heard(decided, verdict.ok);
    }
    return progress;
  }

  /**
   * What one of the latest answers was made with, of a task call or one that was decided on: what a calibration of such answers
   * is bound to (docs/calibration.md).
   */
  binding(id: string): Binding {
    const binding = this.decisions?.of(id)?.binding ?? this.loadedTasks?.binding(id);
    if (binding === undefined) {
      throw invalid('id', 'that of one of the latest answers', id);
    }
    return binding;
  }

  /** What feedback has collected on this device. */
  async collected(): Promise<Collected> {
    return (await this.tasks()).collected;
  }

  private async tasks(): Promise<Tasks> {
    const { Tasks } = await fetched(this.ways.tasks());
    const deciding = (): Promise<DecidingModule> => fetched(this.ways.deciding());
    const heads = async () => (await deciding()).openHeads(wasmFiles(this.options.wasm)?.route);
    return (this.loadedTasks ??= new Tasks(this.link, heads, this.options.feedback, this.decisions, async () => (await deciding()).calibrate));
  }

  /** Whether {@link info} is there: not before the first load, which `progressive` does not wait for. */
  get ready(): boolean {
    return this.link.known;
  }

  /** Little: it ends up in logs. */
  toJSON(): { model: string | null; ready: boolean } {
    return { model: this.link.known ? this.link.info.model : null, ready: this.ready };
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
    const decided = this.deciding().of(id);
    if (decided === undefined) {
      throw invalid('id', 'that of one of the latest answers', id);
    }
    return decided.trace;
  }

  /** One sentence: why that was decided. */
  explain(id: string): string {
    return this.deciding().explain(this.trace(id));
  }

  /**
   * Asks a remote model for an answer that is here already: on the user's word, whatever decided before. What forbids that anything
   * leaves still does. `draft`: it is shown the local answer, to be refined; default false. One of the latest 32 chats.
   *
   * @throws KingletError `invalid_request` where there is no such answer or no remote model; as `chat.completions.create`.
   */
  escalate(id: string, options: EscalateOptions & { stream: true }): Promise<AsyncIterableIterator<ChatChunk>>;
  escalate(id: string, options?: EscalateOptions & { stream?: false }): Promise<ChatCompletion>;
  escalate(id: string, options?: EscalateOptions & { stream?: boolean }): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion>;
  async escalate(id: string, options: EscalateOptions & { stream?: boolean } = {}): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion> {
    this.acting();
    const { call, known } = this.deciding().refined(id, options);
    return this.chat.completions.answer(call, { known });
  }

  /** Answers many chats under one budget, in their order; one that fails is an error in its place. */
  async batch(requests: readonly ChatParams[], options: BatchOptions): Promise<BatchResult[]> {
    return this.acting().batch(this.chat.completions, requests, options);
  }

  /** What was spent, and what it would have cost elsewhere (docs/budget.md). */
  get ledger(): Ledger {
    return this.acting().ledger;
  }

  /** What left this device: to whom, when, how much; no text of it (docs/privacy.md). */
  get egress(): EgressLog {
    return this.acting().log;
  }

  /** What waits for a connection: to be listed, cancelled, asked for again (docs/escalation.md). */
  get queue(): Queue {
    const waiting = this.acting().waiting;
    if (waiting === undefined) {
      throw invalid('options.offline', 'an object', 'none');
    }
    return waiting.queue;
  }

  /** What the user has granted; to be taken back. */
  get consents(): Consents {
    return this.acting().consents;
  }

  /** When nothing goes on behind answers' backs: audits. */
  async idle(): Promise<void> {
    await this.decisions?.acting?.idle();
  }

  private acting(): Acting {
    const acting = this.decisions?.acting;
    if (acting === undefined) {
      throw invalid('options', 'a remote model with a baseURL, or a budget (docs/escalation.md)', 'none');
    }
    return acting;
  }

  /** Alarms of drift of this kind were seen to: what they had tightened or suspended is as before, and they may come again. */
  acknowledge(kind: Alarm['kind']): void {
    this.deciding().acknowledge(kind);
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

  /**
   * Takes a step of an answer and a step of a prompt apart: what each operation costs here (docs/api.md). It waits for its
   * turn like a request, and leaves nothing of the conversation in the cache.
   *
   * @throws KingletError `invalid_request` for a wrong option, and with `exact`, whose operations are not timed.
   */
  profile(options: ProfileOptions = {}): Promise<EngineProfile> {
    return profile(this.link, options);
  }

  /**
   * Tries once more whether what computes here computes correctly: on the GPU every operation that this model asks of it, against
   * plain twins, as when it was loaded; everywhere the Wasm build's SIMD, against plain integer arithmetic.
   */
  async selfTest(): Promise<SelfTest> {
    const tested = await this.link.call('test', null);
    const { backend, adapter } = this.info;
    return { ok: tested.wrong === undefined, backend, adapter, ...tested };
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
    this.loadedTasks?.close();
    this.decisions?.acting?.close();
    this.link.close(new KingletError('not_loaded', 'this model was disposed; create it again'));
  }
}

/** Decisions where an option asks for them; wrong options are refused before anything is loaded. */
async function decisionsOf(options: KingletOptions, ways: Ways): Promise<Decisions | undefined> {
  if (DECIDING.every((name) => options[name] === undefined)) {
    return undefined;
  }
  const { policy, acting, check } = await actingOf(options, ways);
  const { Decisions, createRouter } = await fetched(ways.deciding());
  const wasm = wasmFiles(options.wasm)?.route;
  const decisions = await Decisions.of(createRouter, { ...policy, ...(wasm === undefined ? {} : { wasm }) }, (notice) => options.onNotice?.(notice), acting, check);
  acting?.begin(decisions);
  return decisions;
}

/** Options that have answers decided on. */
const DECIDING = ['mode', 'remote', 'escalation', 'tasks', 'privacy', 'profiles', 'budget', 'offline', 'telemetry'] as const;
/** Those of them that only what acts knows. */
const ACTING = ['budget', 'offline', 'telemetry'] as const;

/** What acts, where something can, and the policy under the names that `createRouter` has for it. */
async function actingOf(options: KingletOptions, ways: Ways): Promise<{ policy: RouterOptions; acting?: Acting; check?: Check }> {
  const { mode, remote, escalation, tasks, privacy, profiles } = options;
  const plain = { policy: defined({ mode, remotes: remote, escalation, tasks, privacy, profiles }) };
  const own = ACTING.find((name) => options[name] !== undefined);
  const sends = own !== undefined || has(remote, 'baseURL');
  if (!sends && !has([escalation], 'handover', 'probation', 'longDocuments') && !has([privacy], 'entities', 'dictionary', 'onConsent')) {
    return plain;
  }
  if (ways.acting === undefined) {
    const which = own ?? (has(remote, 'baseURL') ? 'remote' : 'escalation or privacy');
    throw invalid(which, 'nothing of remote models, for this entry of the package asks none (the entry "kinglet" does)', 'options for asking one');
  }
  const { checkActing, checkRequest, openActing } = await fetched(ways.acting());
  const { acting, ...known } = checkActing(options);
  return { policy: defined({ mode, tasks, profiles, ...known }), ...(sends ? { acting: await openActing(acting), check: checkRequest } : {}) };
}

/** Whether one of these has one of the fields. */
function has(values: unknown, ...fields: string[]): boolean {
  return Array.isArray(values) && values.some((value: unknown) => typeof value === 'object' && value !== null && fields.some((field) => field in value));
}

const defined = (options: object): RouterOptions => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as RouterOptions;

/** A part of the package that is fetched when it is first used. */
export async function fetched<T>(part: Promise<T>): Promise<T> {
  try {
    return await part;
  } catch (thrown) {
    throw new KingletError('io', `a part of kinglet could not be loaded: ${String(thrown)}`, {}, { cause: thrown });
  }
}
