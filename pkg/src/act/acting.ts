// Everything that acts on the decisions of one `createKinglet`.

import type { ChatCompletions } from '../chat.js';
import type { KingletError } from '../errors.js';
import type { Decisions } from '../escalation.js';
import type { Pending } from '../pending.js';
import { purseOf, type Request } from '../facts.js';
import type { Elsewhere as Ask } from '../feedback/observe.js';
import type { Lasting } from '../lasting.js';
import type { Ledger } from '../ledger/index.js';
import type { Purse } from '../ledger/types.js';
import type { Queue } from '../offline/index.js';
import type { Consents, EgressLog } from '../privacy/index.js';
import type { RemoteUsage } from '../remote/types.js';
import type { Outcome, Trace } from '../route/types.js';
import type { Ending } from '../shape.js';
import type { AnswerReport, Telemetry } from '../telemetry/index.js';
import type { ChatParams, FinishReason, Timings, Usage } from '../types.js';
import { batch, type BatchOptions, type BatchResult } from './batch.js';
import { planOf, type Chat } from './chat.js';
import type { ActOptions } from './options.js';
import { outcomeOf, refused } from './outcome.js';
import type { Plan } from './plan.js';
import { run } from './run.js';
import { book, report, Sender, type Bill, type Means } from './sender.js';
import type { Elsewhere } from '../tasks/index.js';
import { payloadOf, task, type Settled, type Task } from './task.js';
import { Waiting } from './waiting.js';

/** Requests from which `maxRate` counts: `RATE_HORIZON` of route/src/decide/gates.rs. */
const RATE_HORIZON = 20;

/** Acts on the decisions of one `createKinglet`. */
export class Acting extends Sender {
  private readonly ending = new AbortController();
  private readonly background = new Set<Promise<void>>();
  /** Requests that are leaving and are not settled, and who waits for that. */
  private leaving = 0;
  private readonly turns: (() => void)[] = [];

  /** Who waits for the network, where that is wanted. */
  readonly waiting: Waiting | undefined;

  /** @internal */
  constructor(
    means: Means,
    readonly options: ActOptions,
    { queue, telemetry, reading }: Others,
  ) {
    super(means);
    this.reading = reading;
    this.telemetry = telemetry;
    this.waiting = queue === undefined ? undefined : new Waiting(this, queue, options.onNotice);
  }

  /** What reads long documents, fetched with the first. */
  readonly reading: Others['reading'];
  private readonly telemetry: Telemetry | undefined;

  get ledger(): Ledger {
    return this.means.ledger;
  }

  get consents(): Consents {
    return this.means.consents;
  }

  get log(): EgressLog {
    return this.means.log;
  }

  /** Aborts when the model is disposed of. */
  get ends(): AbortSignal {
    return this.ending.signal;
  }

  /**
   * Waits until `escalation.maxRate` has room for one more, counting those that are under way. False: it is reached; then what is
   * decided next says so. Whoever got room gives it back with {@link leave}.
   */
  async room(pending: Pending, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      pending.know({}); // the session may have moved on
      const { policy, session } = pending.step.inputs;
      const rate = policy.escalation?.maxRate;
      // As the gate has it (route/src/decide/gates.rs).
      const most = rate === undefined ? Infinity : Math.ceil(rate * Math.max(session.requests + 1, RATE_HORIZON));
      if (session.escalations + this.leaving < most) {
        this.leaving += 1;
        return true;
      }
      if (this.leaving === 0 || signal.aborted) {
        return false;
      }
      await new Promise<void>((resolve) => {
        this.turns.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** One that had room is settled. */
  leave(): void {
    this.leaving -= 1;
    this.turns.splice(0).forEach((wake) => wake());
  }

  /** What is decided by is known: what waits can be decided on. */
  begin(decisions: Decisions): void {
    this.waiting?.begin(decisions);
  }

  /** A request has ended. */
  ended(report: AnswerReport): void {
    this.telemetry?.answered(report);
  }

  /** Whether {@link ended} is of use to anybody. */
  get watched(): boolean {
    return this.telemetry !== undefined;
  }

  /** Answers a request, here or elsewhere. */
  run(plan: Plan, signal: AbortSignal | undefined): ReturnType<typeof run> {
    return run(this, plan, signal);
  }

  /** Answers many chats. */
  batch(chat: ChatCompletions, requests: readonly ChatParams[], options: BatchOptions): Promise<BatchResult[]> {
    return batch(chat, requests, options);
  }

  /** Answers a task call. */
  task<T extends object>(asked: Task<T>, signal: AbortSignal | undefined): Promise<Settled<T>> {
    return task(this, asked, signal);
  }

  /** Answers a chat. */
  chat(link: Lasting, requested: Chat, request: Request, signal: AbortSignal | undefined, streams: boolean): ReturnType<typeof run> {
    return run(this, planOf(this, link, requested, request, signal, streams), signal);
  }

  /** A local answer, booked. */
  kept(trace: Trace, purse: Purse, usage: Usage, timings: Timings | undefined): ReturnType<typeof book> {
    return book(this.means, trace, purse, usage, timings);
  }

  /** Asks the first remote model that can be for a rollout that observes; undefined: there is none. */
  observer(pending: Pending, elsewhere: Pick<Elsewhere<unknown>, 'messages' | 'max_tokens' | 'response_format'>): Ask | undefined {
    const { inputs } = pending.step;
    const remote = [...this.means.remotes.keys()].find((name) => !this.resting.includes(name));
    if (remote === undefined) {
      return undefined;
    }
    return async ({ signal, needs_consent, needs_redaction }) => {
      const egress = { remote, needs_consent, needs_redaction, cost: null };
      const ask = { id: `${inputs.id}+observed`, reason: 'observe', egress, payload: payloadOf(elsewhere), purse: purseOf(inputs.facts), quiet: true };
      let text = '';
      for await (const part of this.ask(ask, { cost: 0, attempts: 0, warnings: [] }, signal)) {
        text += part.type === 'text' ? part.text : '';
      }
      return text;
    };
  }

  /** Asks what a local answer is worth, behind its back: the answer stands, and what the other says is held against the promise. */
  audit(trace: Trace, plan: Plan, here: Heard): void {
    const { signal } = this.ending;
    const { egress } = trace.decision;
    if (egress === null || plan.payload === undefined) {
      return;
    }
    const { pending, payload } = plan;
    // Where the cap or the budget has no room any more nothing has left: that is a fact, by which it is decided again.
    const kept = () => pending.settled(pending.judged(here.ending), here.ending);
    this.aside(async () => {
      if (!(await this.room(pending, signal))) {
        kept();
        return;
      }
      try {
        pending.settled(trace, here.ending, await this.checked(trace, plan, payload, here, signal));
      } catch (thrown) {
        const failure = thrown as KingletError;
        if (refused(pending, failure)) {
          kept();
        } else {
          pending.settled(trace, here.ending, { remote: outcomeOf(failure, trace) });
        }
      } finally {
        this.leave();
      }
    });
  }

  private async checked(trace: Trace, plan: Plan, payload: Plan['payload'], here: Heard, signal: AbortSignal): Promise<Outcome> {
    const { egress, reason } = trace.decision;
    if (egress === null || payload === undefined) {
      return {};
    }
    let text = '';
    let finish: FinishReason = 'stop';
    let usage: RemoteUsage | undefined;
    const bill: Bill = { cost: 0, attempts: 0, warnings: [] };
    // Nobody is asked for consent in the background: what was granted before holds.
    const ask = { id: trace.inputs.id, reason: reason ?? '', egress, payload, purse: plan.purse, quiet: true };
    for await (const part of this.ask(ask, bill, signal)) {
      text += part.type === 'text' ? part.text : '';
      usage = part.type === 'usage' ? part.usage : usage;
      finish = part.type === 'finish' && part.reason !== 'content_filter' ? part.reason : finish;
    }
    plan.check(egress.remote, { text, calls: [], finish }); // what is no answer is no verdict
    const local_ok = await plan.agree?.(here.text, text);
    return {
      remote: 'answered',
      ...(usage === undefined ? {} : { usage: { input: usage.input, output: usage.output } }),
      ...(local_ok === undefined ? {} : { local_ok }),
    };
  }

  /** Nothing of it is awaited by an answer; {@link idle} waits for all. */
  private aside(work: () => Promise<void>): void {
    const job = work()
      .catch(report)
      .finally(() => this.background.delete(job));
    this.background.add(job);
  }

  /** When nothing goes on behind answers' backs. */
  async idle(): Promise<void> {
    await Promise.all(this.background);
  }

  /** The end: what goes on behind answers' backs ends. */
  close(): void {
    this.ending.abort();
    this.waiting?.close();
    void this.telemetry?.close();
    this.log.close();
    this.ledger.close();
  }
}

/** What not everybody wants. */
export interface Others {
  queue?: Queue;
  telemetry?: Telemetry;
  /** What reads long documents. */
  reading: () => Promise<typeof import('./digest.js')>;
}

/** A local answer that is checked. */
export interface Heard {
  text: string;
  ending: Ending;
}
