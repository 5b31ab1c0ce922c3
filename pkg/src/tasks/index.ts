// The task calls, fetched when the first of them is used: what a page downloads to chat does not grow by them.

import type { Decisions } from '../escalation.js';
import { Collection, type Known } from '../feedback/collection.js';
import { Observer } from '../feedback/observe.js';
import type { FeedbackOptions, Progress, Verdict } from '../feedback/types.js';
import type { Lasting } from '../lasting.js';
import { invalid } from '../params.js';
import type { Facts, Trace } from '../route/types.js';
import { envelope } from '../shape.js';
import type { Signals } from '../signals.js';
import type { Timings, Usage } from '../types.js';
import { answer } from './answer.js';
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
}

/** What a task needs of the model that it runs on. */
export interface Desk {
  readonly link: Lasting;
  /** What stands under `kinglet` of an answer; `texts` are kept only where the app's redactor lets them through. */
  report(
    own: Pick<Common<never>, 'task' | 'group' | 'complexity' | 'facts'>,
    found: Parameters<typeof joined>[1],
    spent: { signals: Signals | undefined; usage: Usage; timings: Timings },
    texts: { input: string; output: string | null },
  ): TaskReport;
}

/** Answers that feedback may still come for; older ones are forgotten. */
const REMEMBERED = 500;

/** The task calls of one model. */
export class Tasks implements Desk {
  /** What was said of answers. */
  readonly collected: Collection;
  private readonly observer: Observer | undefined;
  private readonly known = new Map<string, Known>();

  constructor(
    readonly link: Lasting,
    feedback: FeedbackOptions = {},
    private readonly decisions?: Decisions,
  ) {
    this.collected = new Collection(feedback);
    this.observer = Observer.of(feedback, this.collected);
  }

  /** Feedback may still come for this answer. */
  knows(id: string): boolean {
    return this.known.has(id);
  }

  /** An answer that was decided on elsewhere: of a chat. */
  remember({ inputs: { id, facts, answer } }: Trace): void {
    if (answer === null) {
      throw invalid('feedback', 'a request that the small model has answered', 'one without an answer of its own');
    }
    const { task = 'chat', group } = facts;
    const signals = joined(undefined, answer.signals);
    this.keep({ row: { id, task, ...(group === undefined ? {} : { group }), signals }, texts: { input: '', output: null } });
  }

  private keep(known: Known): void {
    this.known.set(known.row.id, known);
    const [oldest] = this.known.keys();
    if (this.known.size > REMEMBERED && oldest !== undefined) {
      this.known.delete(oldest);
    }
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

  report(...[own, found, { signals, usage, timings }, texts]: Parameters<Desk['report']>): TaskReport {
    const { id } = envelope('task', '');
    const all = joined(signals, { ...found, complexity: own.complexity });
    const decision = this.decisions?.begin(id, this.facts(own, all), 1).whole({ signals: all, timings }).decision;
    const known: Known = { row: { id, task: own.task, ...(own.group === undefined ? {} : { group: own.group }), signals: all }, texts };
    this.keep(known);
    void this.observer?.see(known);
    return { id, signals: all, usage, timings, ...(decision === undefined ? {} : { decision }) };
  }

  /** What a decision knows of a request that was answered here; what the app says of it itself holds. */
  private facts({ task, group, complexity, facts }: Parameters<Desk['report']>[0], signals: Signals): Facts {
    const { prompt_tokens, retrieval_top, retrieval_margin } = signals;
    const online = (globalThis.navigator as Navigator | undefined)?.onLine;
    const known = { task, group, complexity, prompt_tokens, retrieval_top, retrieval_margin, online, context: this.link.info.context, local: 'ready' };
    const there = Object.entries(known).filter(([, value]) => value !== undefined && value !== null);
    return { ...(Object.fromEntries(there) as Facts), ...facts };
  }
}
