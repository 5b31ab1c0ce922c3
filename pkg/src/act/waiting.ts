// Requests that could not be sent: asked again when there is a connection, decided on again, and announced.

import { KingletError } from '../errors.js';
import type { Decisions } from '../escalation.js';
import { purseOf } from '../facts.js';
import { labelsOf } from '../feedback/leave.js';
import type { Queue, Queued } from '../offline/index.js';
import { placeholdersIn, rehydrated } from '../privacy/index.js';
import type { Notice } from '../types.js';
import { UNBOUND } from '../binding.js';
import type { AnswerDecision } from '../escalation.js';
import type { Pending } from '../pending.js';
import type { Facts, Outcome, Trace } from '../route/types.js';
import { usageOf } from './outcome.js';
import type { Plan } from './plan.js';
import { report, type Bill, type Sender } from './sender.js';
import { checkAnswer } from './validate.js';
import { Whole } from './whole.js';

/** Failures of the network, after which a request waits. */
const NETWORK = new Set<unknown>(['network', 'connect_timeout', 'first_token_timeout', 'idle_timeout', 'total_timeout', 'overloaded', 'cut']);
/** Reasons for which one is dropped that has waited: they hold tomorrow as well. */
const FINAL = new Set<unknown>(['policy_never', 'privacy_never', 'consent_denied', 'no_remote', 'not_worth', 'context_overflow']);

/** Facts that are the app's own words. */
const WORDS = ['task', 'group', 'tier'] as const;

/** Those that wait. */
export class Waiting {
  private stop: (() => void) | undefined;
  private decisions: Decisions | undefined;

  constructor(
    private readonly sender: Sender,
    /** What waits: to be listed, cancelled, asked for again. */
    readonly queue: Queue,
    private readonly onNotice: (notice: Notice) => void,
  ) {}

  /** Flushes from now on. */
  begin(decisions: Decisions): void {
    this.decisions = decisions;
    this.stop = this.queue.watch((item, signal) => this.send(item, signal), {
      onFlush: ({ interrupted, expired }) => {
        for (const id of interrupted) {
          const message = 'a tab ended while it sent this request, and whether it arrived is not known: requeue it, or cancel it';
          this.notice({ code: 'queue_interrupted', message, detail: { id } });
        }
        for (const id of expired) {
          this.notice({ code: 'queue_expired', message: 'this request has waited for too long, and is not asked any more', detail: { id } });
        }
      },
    });
  }

  /** Lets a request wait, if it is the connection that it lacks, and it could be sent with one. True: it does. */
  async add(trace: Trace, { payload, purse }: Plan, failure: KingletError | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const remote = trace.decision.egress?.remote ?? this.unreached(trace) ?? trace.alternatives.find(({ reason }) => reason === null)?.remote ?? trace.alternatives[0]?.remote;
    if (!this.offline(trace, failure) || payload === undefined || remote === undefined || !this.sender.has(remote) || signal?.aborted) {
      return false;
    }
    const { needs_consent } = labelsOf(trace);
    if (trace.gates.some(({ reason }) => FINAL.has(reason)) || (needs_consent && !this.sender.askable(remote, purse))) {
      return false; // with a connection it would not be sent either
    }
    const { payload: redacted, vault } = this.sender.redact(payload);
    const { task, facts } = this.keptOf(trace, needs_consent);
    try {
      await this.queue.add({ id: trace.inputs.id, remote, payload: redacted, facts, ...(task === undefined ? {} : { task }), idempotency: this.sender.idempotent(remote) }, vault);
      return true;
    } catch (thrown) {
      const { message, detail = {} } = thrown as Partial<KingletError>;
      this.notice({ code: 'queue_full', message: message ?? String(thrown), detail: { ...detail, id: trace.inputs.id } });
      return false;
    }
  }

  close(): void {
    this.stop?.();
    this.queue.close();
  }

  /** Whether it is the connection: of this request, or of one before it, after which the remote model rests. */
  private offline(trace: Trace, failure: KingletError | undefined): boolean {
    if (failure !== undefined) {
      return failure.code === 'remote_failed' && NETWORK.has(failure.detail['kind']);
    }
    const { reason } = trace.decision;
    return reason === 'offline' || (reason === 'breaker_open' && this.unreached(trace) !== undefined);
  }

  /** The first remote model that rests because it could not be reached. */
  private unreached({ alternatives }: Trace): string | undefined {
    return alternatives.find(({ remote }) => NETWORK.has(this.sender.restsAfter(remote)))?.remote;
  }

  /** What it will be decided on by. The app's words are redacted like the payload; a rule that is lost with its task's name is kept as a label. */
  private keptOf({ inputs }: Trace, needs_consent: boolean): { task: string | undefined; facts: Facts } {
    const { budget: _b, resting: _r, online: _o, audit: _a, ...facts } = inputs.facts;
    for (const name of WORDS) {
      const word = facts[name];
      if (word !== undefined) {
        const [message] = this.sender.redact({ messages: [{ role: 'user', content: word }], max_tokens: 1 }).payload.messages;
        facts[name] = String(message?.content);
      }
    }
    if (facts.task !== inputs.facts.task && needs_consent) {
      facts.payload = [...(facts.payload ?? []), { consent: 'ask' }];
    }
    return { task: facts.task, facts };
  }

  /** Nothing that an app does with a notice changes what becomes of the request. */
  private notice(notice: Notice): void {
    try {
      this.onNotice(notice);
    } catch (thrown) {
      report(thrown);
    }
  }

  private dropped(id: string, reason: unknown, message: string): 'dropped' {
    this.notice({ code: 'queue_dropped', message, detail: { id, reason } });
    return 'dropped';
  }

  /** Decides again, by what holds now, and asks. */
  private async send(item: Queued, signal: AbortSignal): Promise<'sent' | 'later' | 'dropped'> {
    const { decisions } = this;
    if (decisions === undefined || this.sender.withdrawn) {
      return 'later';
    }
    const id = `${item.id}+${item.attempts}`;
    const purse = purseOf(item.facts);
    const world = await this.sender.world(purse);
    const pending = decisions.begin({ id, facts: { ...item.facts, ...world, audit: false, user: 'requests_remote' }, binding: () => UNBOUND });
    const trace = pending.step;
    const { action, egress, reason } = trace.decision;
    if (action !== 'remote' || egress === null || !this.sender.has(egress.remote)) {
      pending.settled(trace, undefined);
      return FINAL.has(reason) ? this.dropped(item.id, reason, `a request that had waited for a connection is not asked any more: ${String(reason)}`) : 'later';
    }
    const bill: Bill = { cost: 0, attempts: 0, warnings: [] };
    const provenance = this.sender.provenance(egress.remote);
    const answer = new Whole();
    try {
      const ask = { id, reason: reason ?? '', egress, payload: item.payload, purse, waited: { counts: placeholdersIn(item.payload), vault: item.vault } };
      for await (const part of this.sender.ask(ask, bill, signal)) {
        answer.add(part);
      }
      if (answer.filtered) {
        throw new KingletError('remote_failed', `${egress.remote} stopped its answer: its content filter`, { remote: egress.remote, kind: 'content_filter' });
      }
      checkAnswer(egress.remote, askedOf(item), answer);
    } catch (thrown) {
      const { code, detail, message = String(thrown) } = thrown as Partial<KingletError>;
      const own = detail?.['by'] === 'budget';
      settled(pending, trace, own ? {} : { remote: code === 'consent_denied' && egress.needs_consent ? 'consent_denied' : code === 'rate_limited' ? 'rate_limited' : 'failed' });
      const again = own || this.sender.withdrawn || signal.aborted || code === 'rate_limited' || code === 'aborted' || NETWORK.has(detail?.['kind']);
      return again ? 'later' : this.dropped(item.id, detail?.['kind'] ?? code, `a request that had waited for a connection has no answer: ${message}`);
    }
    const decision = settled(pending, trace, { remote: 'answered' });
    const { text: content, toolCalls, finish: finish_reason, usage, model, id: service } = answer;
    Object.assign(provenance, model === undefined ? {} : { model }, service === undefined ? {} : { id: service });
    const calls = toolCalls.length === 0 ? {} : { tool_calls: toolCalls };
    const message = 'a request that had waited for a connection was answered by a remote model';
    this.notice({ code: 'upgraded', message, detail: { id: item.id, content, ...calls, finish_reason, usage: usageOf(usage), provenance, decision, cost: bill.cost, ...(bill.currency === undefined ? {} : { currency: bill.currency }), placeholders: item.placeholders } });
    return 'sent';
  }
}

/** What was sent is paid, whether or not it can be settled. */
function settled(pending: Pending, trace: Trace, outcome: Outcome): AnswerDecision | undefined {
  try {
    return pending.settled(trace, undefined, outcome);
  } catch (thrown) {
    report(thrown);
    return undefined;
  }
}

/** What the answer is held against: as the app has asked for it, since its placeholders stand for something in the answer, too. */
function askedOf({ payload, vault }: Queued): Record<string, unknown> {
  const { tools, tool_choice, parallel_tool_calls, response_format } = payload;
  const asked = { tools, tool_choice, parallel_tool_calls, response_format };
  return (vault === undefined ? asked : JSON.parse(rehydrated(JSON.stringify(asked), vault, { json: true }).text)) as Record<string, unknown>;
}
