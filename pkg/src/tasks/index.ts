// The task calls, fetched when the first of them is used: what a page downloads to chat does not grow by them.

import { bindingOf, GREEDY, identityOf, UNBOUND } from '../binding.js';
import type { Calibrate } from '../calibrate/compute.js';
import type { AnswerDecision, Decisions } from '../escalation.js';
import type { Pending } from '../pending.js';
import { purseOf, surroundings } from '../facts.js';
import { Collection, type Known } from '../feedback/collection.js';
import { leaveOf, leaveWithout, type Leave } from '../feedback/leave.js';
import { Observer, type Elsewhere as Ask } from '../feedback/observe.js';
import type { FeedbackOptions, Progress, Verdict } from '../feedback/types.js';
import type { Lasting } from '../lasting.js';
import { invalid } from '../params.js';
import type { Heads } from '../route/heads.js';
import type { Binding, Facts } from '../route/types.js';
import { envelope, type Ending } from '../shape.js';
import type { Signals } from '../signals.js';
import type { ChatMessage, Info, Own, ResponseFormat, Timings, Usage } from '../types.js';
import { answer } from './answer.js';
import type { Size } from './ask.js';
import type { Common } from './check.js';
import { classify } from './classify.js';
import { extract } from './extract.js';
import { filter } from './filter.js';
import { fitHead } from './head.js';
import { joined } from './signals.js';
import { summarise } from './summarise.js';
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
  TaskReport,
} from './types.js';

/** How this module is had. */
export interface TasksModule {
  Tasks: typeof Tasks;
  checkFeedback: typeof checkFeedback;
}

/** `remote`: there is one that can be asked. @throws KingletError `invalid_request` that names a wrong option. */
export function checkFeedback(options: FeedbackOptions, remote: boolean): void {
  Observer.of(options, new Collection(options));
  if (options.observe !== undefined && options.observe.ask === undefined && !remote) {
    throw invalid('feedback.observe.ask', 'a function, or a remote model with a baseURL', 'neither');
  }
}

/** What a task needs of the model that it runs on. */
export interface Desk {
  readonly link: Lasting;
  /** What fits heads, and asks them. */
  heads(): Promise<Heads>;
  /**
   * Before a request is answered, which is when it is decided on. `worded`: from the model's chat template to that and the task's
   * wording (it is asked for where somebody wants to know); `size` likewise; `found`: signals that are known by then.
   */
  begin(own: Who, worded: (template: string) => string, size: () => Promise<Size>, found?: Found): Promise<Begun>;
  /** The model is there; where another one may answer meanwhile, it need not be. */
  there(signal: AbortSignal | undefined): Promise<void>;
  /** Answers: here, or, where that is decided, elsewhere. */
  settle<T extends object>(begun: Begun, local: (rule: Pending['rule']) => Promise<Done<T>>, elsewhere: Elsewhere<T>): Promise<T & { kinglet: TaskReport }>;
}

/** An answer of this engine. */
export interface Done<T> {
  result: T;
  /** Signals that the task itself has found of it. */
  found: Found;
  spent: { signals: Signals | undefined; usage: Usage; timings: Timings; aborted?: Own['aborted'] | undefined };
  /** Kept only where the app's redactor lets them through. */
  texts: { input: string; output: string | null };
  /** Which group the answer has shown, where the app has said none. */
  group?: string;
}

/** How the same is asked of another model. */
export interface Elsewhere<T> {
  input: string;
  messages: () => readonly ChatMessage[];
  response_format?: ResponseFormat;
  /** Tokens of the answer, at most. */
  max_tokens: number;
  /** What of it is long, and how the rest is asked with less of that. */
  documents?: { question: string; texts: readonly string[]; messages(texts: readonly string[]): readonly ChatMessage[] };
  /** What it says; undefined: that is no answer. `done`: what was answered here before. */
  read(text: string, done: Done<T> | undefined): T | undefined;
}

/** What the app says of a request. */
type Who = Pick<Common<never>, 'task' | 'group' | 'complexity' | 'facts' | 'samples' | 'signal'>;

/** Signals that a task itself finds. */
type Found = Parameters<typeof joined>[1];

/** A request that is being answered. */
export interface Begun {
  id: string;
  own: Who;
  /** By what the engine says of the model that it has then. */
  binding: (info: Info) => Binding;
  pending: Pending | undefined;
  /** Where nothing is decided: whether it may be compared elsewhere. */
  leave?: Leave | undefined;
}

/** An answer that feedback may still come for, and what it was made with. */
type Remembered = Known & { binding: () => Binding };

/** Answers that feedback may still come for; older ones are forgotten. */
const REMEMBERED = 500;
/** Characters of their texts that are kept for a redactor, the latest: a few megabytes. */
const MOST_TEXT = 1_000_000;

/** The task calls of one model. */
export class Tasks implements Desk {
  /** What was said of answers. */
  readonly collected: Collection;
  private readonly observer: Observer | undefined;
  private readonly known = new Map<string, Remembered>();

  constructor(
    readonly link: Lasting,
    readonly heads: () => Promise<Heads>,
    feedback: FeedbackOptions = {},
    private readonly decisions?: Decisions,
    calibrating?: () => Promise<Calibrate>,
  ) {
    this.collected = new Collection(feedback, (task) => [...this.known.values()].findLast(({ row }) => row.task === task)?.binding(), calibrating);
    this.observer = Observer.of(feedback, this.collected);
  }

  /** Feedback may still come for this answer. */
  knows(id: string): boolean {
    return this.known.has(id);
  }

  /** An answer that was decided on elsewhere: of a chat. */
  remember({ trace, answer, binding }: NonNullable<ReturnType<Decisions['of']>>): void {
    const { id, facts } = trace.inputs;
    const { task = 'chat', group } = facts;
    const signals = joined(undefined, answer.signals);
    const took = trace.inputs.outcome?.local_ms;
    const row = { id, task, ...(group === undefined ? {} : { group }), signals, ...(took === undefined ? {} : { local_ms: took }) };
    this.keep({ row, binding: () => binding }); // its texts are the app's
  }

  /** What one of the latest answers was made with. */
  binding(id: string): Binding | undefined {
    return this.known.get(id)?.binding();
  }

  private keep(known: Remembered): void {
    this.known.set(known.row.id, known);
    const [oldest] = this.known.keys();
    if (this.known.size > REMEMBERED && oldest !== undefined) {
      this.known.delete(oldest);
    }
    let chars = 0;
    for (const one of [...this.known.values()].toReversed()) {
      chars += one.texts === undefined ? 0 : one.texts.input.length + (one.texts.output?.length ?? 0);
      if (chars > MOST_TEXT && one !== known) {
        one.texts = undefined;
      }
    }
  }

  /** The model was disposed of: nobody is asked any more. */
  close(): void {
    this.observer?.close();
    this.collected.close();
  }

  /** See `Kinglet.feedback`. */
  feedback(id: string, verdict: Verdict): Promise<Progress> {
    const known = this.known.get(id);
    if (known === undefined) {
      throw invalid('id', `that of one of the latest answers`, JSON.stringify(id));
    }
    return this.collected.add(known, verdict);
  }

  /** See `Kinglet.classify`. */
  classify(text: string, labels: readonly string[], options?: ClassifyOptions): Promise<Classified> {
    return classify(this, text, labels, options);
  }

  /** See `Kinglet.fitHead`. */
  fitHead(examples: readonly Example[], options?: FitOptions): Promise<Head> {
    return fitHead(this, examples, options);
  }

  /** See `Kinglet.extract`. */
  extract<T>(text: string, schema: ExtractSchema, options?: ExtractOptions): Promise<Extracted<T>> {
    return extract<T>(this, text, schema, options);
  }

  /** See `Kinglet.answer`. */
  answer(question: string, passages: Passages, options?: AnswerOptions): Promise<Answered> {
    return answer(this, question, passages, options);
  }

  /** See `Kinglet.summarise`. */
  summarise(text: string, options?: SummariseOptions): Promise<Summarised> {
    return summarise(this, text, options);
  }

  /** See `Kinglet.filter`. */
  filter(text: string, options?: FilterOptions): Promise<Filtered> {
    return filter(this, text, options);
  }

  async begin(...[own, worded, size, found = {}]: Parameters<Desk['begin']>): Promise<Begun> {
    const { id } = envelope('task', '');
    // An agreement of two is another number than one of four.
    const sampler = own.samples === undefined ? GREEDY : `${GREEDY} samples=${own.samples}`;
    const binding = (info: Info): Binding => bindingOf(info, sampler, worded(identityOf(info).template_hash));
    const { task, group, complexity, facts } = own;
    if (this.decisions === undefined) {
      const leave = this.observer === undefined ? undefined : leaveWithout({ ...surroundings(this.link), ...facts });
      return { id, own, binding, pending: undefined, leave };
    }
    const known = { task, group, complexity, ...(await size()), retrieval_top: found.retrieval_top, retrieval_margin: found.retrieval_margin };
    const there = Object.entries(known).filter(([, value]) => value !== undefined && value !== null);
    // What the app says of it itself holds.
    const world = await this.decisions.world(this.link, { ...facts, task });
    const all: Facts = { ...(Object.fromEntries(there) as Facts), ...world, ...facts };
    const bound = (): Binding => (this.link.known ? binding(this.link.info) : UNBOUND);
    const pending = this.decisions.begin({ id, facts: all, binding: bound });
    if (this.link.known && !this.link.loaded && pending.needsCount) {
      await this.link.live(own.signal);
      pending.know({ ...(await size()), ...facts });
    }
    return { id, own, binding, pending };
  }

  async there(signal: AbortSignal | undefined): Promise<void> {
    if (this.link.loaded || this.decisions?.acting?.any !== true) {
      await this.link.live(signal); // which may be another model than before, and is worded for
    }
  }

  async settle<T extends object>(...[begun, local, elsewhere]: [Begun, (rule: Pending['rule']) => Promise<Done<T>>, Elsewhere<T>]): Promise<T & { kinglet: TaskReport }> {
    const { pending, own } = begun;
    const acting = this.decisions?.acting;
    if (pending === undefined || acting === undefined) {
      const done = await local(pending?.rule);
      return { ...done.result, kinglet: this.report(begun, done) };
    }
    const { done, result, ending, usage } = await acting.task({ link: this.link, pending, purse: purseOf(pending.step.inputs.facts), local, elsewhere, complexity: own.complexity, group: own.group ?? own.facts.group }, own.signal);
    // An answer of another model is not compared with another one.
    const otherwise = ending.source === 'local' ? acting.observer(pending, elsewhere) : undefined;
    const kinglet = done === undefined ? this.elsewhere(begun, ending, usage) : { ...this.report(begun, done, ending.decision, otherwise), ...ending, usage };
    return { ...result, kinglet };
  }

  /** What stands under `kinglet` of an answer to which this engine has said nothing. */
  private elsewhere({ id }: Begun, ending: Ending, usage: Usage): TaskReport {
    const timings = ending.timings ?? { prefill_ms: 0, decode_ms: 0, reused_tokens: 0 };
    return { ...ending, id, signals: joined(undefined, {}), usage, timings };
  }

  /** What stands under `kinglet` of an answer of this engine. `settled`: it was decided on. */
  private report(begun: Begun, { found, spent: { signals, usage, timings, aborted }, texts, group: shown }: Done<object>, settled?: AnswerDecision, otherwise?: Ask): TaskReport {
    const { id, own, binding, pending } = begun;
    const all = joined(signals, { ...found, complexity: own.complexity });
    const group = own.group ?? shown;
    if (settled === undefined && group !== undefined && group !== own.group && own.facts.group === undefined) {
      pending?.grouped(group);
    }
    const decision = settled ?? pending?.whole({ signals: all, timings, ...(aborted === undefined ? {} : { aborted }) }).decision;
    const { info } = this.link;
    const local_ms = timings.prefill_ms + timings.decode_ms;
    const row = { id, task: own.task, ...(group === undefined ? {} : { group }), signals: all, prompt_chars: texts.input.length, local_ms };
    const known: Remembered = { row, binding: () => binding(info), ...(this.collected.redacts ? { texts } : {}) };
    this.keep(known);
    const trace = this.decisions?.of(id)?.trace;
    void this.observer?.see(known, texts, trace === undefined ? begun.leave : leaveOf(trace), otherwise);
    return { id, signals: all, usage, timings, ...(decision === undefined ? {} : { decision }) };
  }
}
