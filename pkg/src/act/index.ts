// Acting on decisions: remote models, consent, budget, what left and what it cost. Fetched where an option asks for it.

import type { ChatCompletions } from '../chat.js';
import { KingletError } from '../errors.js';
import type { Request } from '../facts.js';
import type { Lasting } from '../lasting.js';
import { openLedger, type Ledger } from '../ledger/index.js';
import type { Purse } from '../ledger/types.js';
import { Consents, EgressLog, Redactor } from '../privacy/index.js';
import type { RemoteUsage } from '../remote/types.js';
import { RemoteModel } from '../remote/index.js';
import type { Facts, Outcome, Trace } from '../route/types.js';
import type { Ending } from '../shape.js';
import type { ChatParams, FinishReason, KingletOptions, Usage } from '../types.js';
import { batch, type BatchOptions, type BatchResult } from './batch.js';
import { book, Sender, type Bill, type Known, type Means } from './acting.js';
import type { ActOptions, Checked } from './options.js';
import { planOf, type Chat } from './chat.js';
import { run, type Plan } from './run.js';
import { task, type Settled, type Task } from './task.js';

export { checkActing } from './options.js';

/** How this module is had. */
export interface ActingModule {
  checkActing(options: KingletOptions): Checked;
  openActing(options: ActOptions): Promise<Acting>;
}

/** Opens everything that acting needs. */
export async function openActing(options: ActOptions): Promise<Acting> {
  const { endpoints, privacy, budget } = options;
  const remotes = new Map<string, Known>(endpoints.map((endpoint) => [endpoint.name, { model: new RemoteModel(endpoint), endpoint }]));
  const ledger = await openLedger(budget);
  const log = await EgressLog.open({ store: budget.store ?? 'auto' });
  const redactor = new Redactor({ ...(privacy.entities ? { entities: privacy.entities } : {}), ...(privacy.dictionary ? { dictionary: privacy.dictionary } : {}) });
  return new Acting({ remotes, redactor, consents: new Consents(privacy.onConsent), log, ledger }, options);
}

/** One request's end, for whoever watches. */
export interface Report {
  trace: Trace;
  ending: Ending;
  finish: FinishReason;
  usage: Usage;
  bill: Bill;
}

/** Acts on the decisions of one `createKinglet`. */
export class Acting extends Sender {
  private readonly ending = new AbortController();
  private readonly background = new Set<Promise<void>>();

  constructor(
    private readonly has_: Means,
    readonly options: ActOptions,
  ) {
    super(has_);
  }

  get ledger(): Ledger {
    return this.has_.ledger;
  }

  get consents(): Consents {
    return this.has_.consents;
  }

  get log(): EgressLog {
    return this.has_.log;
  }

  /** What a decision is told beside what the request says. */
  async world(purse: Purse): Promise<Facts> {
    const { resting } = this;
    const budget = await this.ledger.standing(purse);
    return { ...(resting.length > 0 ? { resting } : {}), ...(budget === undefined ? {} : { budget }) };
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
  chat(link: Lasting, requested: Chat, request: Request, signal: AbortSignal | undefined): ReturnType<typeof run> {
    return run(this, planOf(link, requested, request, this.options, signal), signal);
  }

  /** A local answer, booked. */
  kept(trace: Trace, purse: Purse, usage: Usage, local_ms: number | undefined): Promise<void> {
    return book(this.has_, trace, purse, usage, local_ms);
  }

  /** Asks what a local answer is worth, behind its back: the answer stands, and what the other says is held against the promise. */
  audit(trace: Trace, plan: Plan, here: Heard): void {
    const { signal } = this.ending;
    const { egress } = trace.decision;
    if (egress === null || plan.payload === undefined) {
      return;
    }
    this.aside(async () => {
      let outcome: Outcome;
      try {
        outcome = await this.checked(trace, plan, plan.payload, here, signal);
      } catch (thrown) {
        const { code, detail } = thrown as Partial<KingletError>;
        const remote = code === 'consent_denied' && egress.needs_consent ? 'consent_denied' : code === 'rate_limited' || detail?.['by'] === 'budget' ? 'rate_limited' : 'failed';
        outcome = { remote };
      }
      plan.pending.settled(trace, here.ending, outcome);
    });
  }

  private async checked(trace: Trace, plan: Plan, payload: Plan['payload'], here: Heard, signal: AbortSignal): Promise<Outcome> {
    const { egress, reason } = trace.decision;
    if (egress === null || payload === undefined) {
      return {};
    }
    let text = '';
    let usage: RemoteUsage | undefined;
    const bill: Bill = { cost: 0, warnings: [] };
    // Nobody is asked for consent in the background: what was granted before holds.
    const ask = { id: trace.inputs.id, reason: reason ?? '', egress, payload, purse: plan.purse, quiet: true };
    for await (const part of this.ask(ask, bill, signal)) {
      text += part.type === 'text' ? part.text : '';
      usage = part.type === 'usage' ? part.usage : usage;
    }
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
      .catch((thrown: unknown) => (globalThis.reportError ?? console.error)(thrown))
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
    this.ledger.close();
  }
}

/** A local answer that is checked. */
export interface Heard {
  text: string;
  ending: Ending;
}
