// Requests that could not be sent: asked again when there is a connection, decided on again, and announced.

import { KingletError } from '../errors.js';
import type { Decisions } from '../escalation.js';
import { purseOf } from '../facts.js';
import type { Queue, Queued } from '../offline/index.js';
import { placeholdersIn } from '../privacy/index.js';
import type { Notice } from '../types.js';
import type { Plan } from './run.js';
import type { Bill, Sender } from './sender.js';
import { UNBOUND } from '../binding.js';
import type { Trace } from '../route/types.js';

/** Failures of the network, after which a request waits. */
const NETWORK = new Set<unknown>(['network', 'connect_timeout', 'first_token_timeout', 'idle_timeout', 'total_timeout', 'overloaded', 'cut']);
/** Reasons for which one is dropped that has waited: they hold tomorrow as well. */
const FINAL = new Set<unknown>(['policy_never', 'privacy_never', 'consent_denied', 'no_remote', 'not_worth', 'context_overflow']);

/** Those that wait. */
export class Waiting {
  private stop: (() => void) | undefined;
  private decisions: Decisions | undefined;

  constructor(
    private readonly sender: Sender,
    /** What waits: to be listed, cancelled, asked for again. */
    readonly queue: Queue,
    private readonly notice: (notice: Notice) => void,
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

  /** Lets a request wait, if it is the connection that it lacks. True: it does. */
  async add(trace: Trace, { payload, purse }: Plan, failure: KingletError | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const offline = trace.decision.reason === 'offline' || (failure?.code === 'remote_failed' && NETWORK.has(failure.detail['kind']));
    const remote = trace.decision.egress?.remote ?? trace.alternatives.find(({ reason }) => reason === null)?.remote ?? trace.alternatives[0]?.remote;
    if (!offline || payload === undefined || remote === undefined || !this.sender.has(remote) || signal?.aborted) {
      return false;
    }
    const { payload: redacted, vault } = this.sender.redact(payload);
    const { budget: _b, resting: _r, online: _o, audit: _a, ...facts } = trace.inputs.facts;
    try {
      await this.queue.add({ id: trace.inputs.id, remote, payload: redacted, facts, ...(purse.task === undefined ? {} : { task: purse.task }), idempotency: this.sender.idempotent(remote) }, vault);
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

  /** Decides again, by what holds now, and asks. */
  private async send(item: Queued, signal: AbortSignal): Promise<'sent' | 'later' | 'dropped'> {
    const { decisions } = this;
    if (decisions === undefined) {
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
      return FINAL.has(reason) ? 'dropped' : 'later';
    }
    const bill: Bill = { cost: 0, attempts: 0, warnings: [] };
    const provenance = this.sender.provenance(egress.remote);
    let text = '';
    try {
      const ask = { id, reason: reason ?? '', egress, payload: item.payload, purse, waited: { counts: placeholdersIn(item.payload), vault: item.vault } };
      for await (const part of this.sender.ask(ask, bill, signal)) {
        text += part.type === 'text' ? part.text : '';
        Object.assign(provenance, part.type === 'head' && part.model !== undefined ? { model: part.model } : {});
      }
    } catch (thrown) {
      const { code, detail } = thrown as Partial<KingletError>;
      const own = detail?.['by'] === 'budget';
      pending.settled(trace, undefined, own ? {} : { remote: code === 'consent_denied' && egress.needs_consent ? 'consent_denied' : code === 'rate_limited' ? 'rate_limited' : 'failed' });
      const again = own || code === 'rate_limited' || code === 'aborted' || NETWORK.has(detail?.['kind']);
      return again ? 'later' : 'dropped';
    }
    const decision = pending.settled(trace, undefined, { remote: 'answered' });
    const message = 'a request that had waited for a connection was answered by a remote model';
    this.notice({ code: 'upgraded', message, detail: { id: item.id, content: text, provenance, decision, cost: bill.cost, placeholders: item.placeholders } });
    return 'sent';
  }
}
