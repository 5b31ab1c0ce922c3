// What it takes to ask a remote model: what must be replaced is, the user agrees, the worst case is reserved, it is written down
// that it left; what comes back is put together again, and paid.

import type { Provenance, WarningCode } from '../answers.js';
import { KingletError } from '../errors.js';
import type { Ledger } from '../ledger/index.js';
import type { LedgerRow, Purse } from '../ledger/types.js';
import type { Consents, EgressLog, Redactor, Vault } from '../privacy/index.js';
import type { ConsentAnswer, Egress, EntityCounts } from '../privacy/types.js';
import { sameModel, type RemoteModel } from '../remote/index.js';
import type { Account, Payload, RemoteEndpoint, RemotePart } from '../remote/types.js';
import type { Decision, Facts, Price, Trace } from '../route/types.js';
import type { Timings, Usage } from '../types.js';
import { restored } from './restored.js';

/** What one request has cost so far, and what is to be said of that. */
export interface Bill {
  /** Micro-units. */
  cost: number;
  attempts: number;
  /** What the first remote model would have cost for the same, and in which currency both are, by the rows of the ledger. */
  counterfactual?: number;
  currency?: string;
  warnings: { code: WarningCode; message: string }[];
}

/** What is asked of a remote model. */
export interface Ask {
  id: string;
  reason: string;
  egress: NonNullable<Decision['egress']>;
  payload: Payload;
  purse: Purse;
  /** What the answer here took that is given up. */
  local_ms?: number;
  /** Nobody waits for it: the user is not asked, only what was granted before holds. */
  quiet?: boolean;
  /** It was redacted when it began to wait. */
  waited?: { counts: EntityCounts; vault: Vault | undefined };
}

/** Who answers, by what it says itself, and when its first words were there. */
interface Answers {
  model: string;
  first: number;
}

/** A remote model, and what its options say. */
export interface Known {
  model: RemoteModel;
  endpoint: RemoteEndpoint;
}

/** What the parts of this folder share. */
export interface Means {
  remotes: ReadonlyMap<string, Known>;
  redactor: Redactor;
  consents: Consents;
  log: EgressLog;
  ledger: Ledger;
}

/** Failures that only the remote model named for them may make good: the others would fail alike, or are not meant to be asked. */
const NAMED: Readonly<Record<string, 'onOverflow' | 'onContentFilter' | undefined>> = { overflow: 'onOverflow', content_filter: 'onContentFilter' };

/** Asks remote models. */
export class Sender {
  constructor(protected readonly means: Means) {}

  /** There is one that can be asked. */
  get any(): boolean {
    return this.means.remotes.size > 0;
  }

  has(remote: string): boolean {
    return this.means.remotes.has(remote);
  }

  /** Those that rest after failures. */
  get resting(): string[] {
    return [...this.means.remotes].filter(([, { model }]) => model.resting).map(([name]) => name);
  }

  /** What its endpoint says of repeated requests. */
  idempotent(remote: string): boolean {
    return this.known(remote).endpoint.idempotency === true;
  }

  /** Replaces everything that the app's options name, whatever a label says. */
  redact(payload: Payload): ReturnType<Redactor['redact']> {
    return this.means.redactor.redact(payload);
  }

  /** The kind of the failure after which it rests; undefined: it does not. */
  restsAfter(remote: string): unknown {
    return this.means.remotes.get(remote)?.model.restsAfter;
  }

  /** Nothing is sent any more, by anybody's leave. */
  get withdrawn(): boolean {
    return this.means.consents.withdrawn;
  }

  /** Of one that waits, redacted: the user can be asked when it is sent, or has agreed before. */
  askable(remote: string, { task }: Purse): boolean {
    const { model } = this.known(remote);
    return this.means.consents.askable({ remote, host: model.host, model: model.model, redacted: true, ...(task === undefined ? {} : { task }) });
  }

  /** What a decision is told beside what the request says. */
  async world(purse: Purse): Promise<Facts> {
    const { resting } = this;
    // An account that cannot be read is one that nothing may be taken from; what is here goes on.
    const budget = await this.means.ledger.standing(purse).catch((thrown: unknown) => (report(thrown), { requests: 0 }));
    return { ...(resting.length > 0 ? { resting } : {}), budget };
  }

  /** Whose answer it would be. */
  provenance(remote: string): Provenance {
    const { model } = this.known(remote);
    return { remote, provider: model.provider, model: model.model };
  }

  /** After a failure: which remote models are left out when it is decided again; undefined: it is not. */
  instead(remote: string, { code, detail }: KingletError, excluded: ReadonlySet<string>): string[] | undefined {
    if (code === 'consent_denied' || code === 'internal') {
      return undefined;
    }
    const rest = new Set([...this.resting, ...excluded]);
    const budget = detail['by'] === 'budget';
    const option = budget ? 'onBudget' : NAMED[String(detail['kind'])];
    if (option === undefined) {
      return [...rest];
    }
    const named = this.known(remote).endpoint[option];
    return named === undefined || rest.has(named) ? undefined : [...this.means.remotes.keys()].filter((name) => name !== named);
  }

  /**
   * The pieces of its answer.
   *
   * @throws KingletError `consent_denied`; `budget_exhausted`, `rate_limited`, both by the budget or the service; `remote_failed`; `aborted`.
   */
  async *ask(ask: Ask, bill: Bill, signal: AbortSignal | undefined): AsyncGenerator<RemotePart, void, void> {
    const { egress, id } = ask;
    const { model, endpoint } = this.known(egress.remote);
    const { payload, counts, vault } = this.redacted(ask);
    const body = model.body(payload);
    const consent = await this.agreed(ask, body, counts, signal);
    const answers: Answers = { model: model.model, first: 0 };
    const account = this.account(ask, body, consent, counts, bill, answers);
    const parts = model.ask(payload, { id, account, ...(signal === undefined ? {} : { signal }) });
    for await (const part of vault === undefined ? parts : restored(parts, vault, payload, bill)) {
      answers.model = part.type === 'head' ? (part.model ?? answers.model) : answers.model;
      answers.first ||= part.type === 'text' || part.type === 'call' ? performance.now() : 0;
      if (part.type === 'head' && part.model !== undefined && !sameModel(endpoint.model, part.model)) {
        const message = `asked for ${endpoint.model}, and ${part.model} answered: calibrations and prices may be of another model`;
        bill.warnings.push({ code: 'model_changed', message });
      }
      yield part;
    }
  }

  private redacted({ egress, payload, waited }: Ask): { payload: Payload; counts: EntityCounts; vault: Vault | undefined } {
    const { redactor } = this.means;
    if (waited !== undefined) {
      return { payload, counts: waited.counts, vault: waited.vault };
    }
    return egress.needs_redaction ? redactor.redact(payload) : { payload, counts: redactor.count(payload), vault: undefined };
  }

  private async agreed(ask: Ask, preview: string, entities: EntityCounts, signal: AbortSignal | undefined): Promise<'free' | ConsentAnswer> {
    const { egress, reason, purse } = ask;
    if (!egress.needs_consent && !this.withdrawn) {
      return 'free';
    }
    const { model, endpoint } = this.known(egress.remote);
    const request = {
      remote: egress.remote,
      host: model.host,
      model: model.model,
      reason,
      preview,
      redacted: egress.needs_redaction || ask.waited !== undefined,
      entities,
      cost: mostOf(endpoint.price, new TextEncoder().encode(preview).length, ask.payload.max_tokens, model.attempts),
      currency: endpoint.price.currency,
      ...(purse.task === undefined ? {} : { task: purse.task }),
    };
    const answer = await this.means.consents.ask(request, { signal, quiet: ask.quiet === true });
    if (answer === 'no') {
      throw new KingletError('consent_denied', `nothing was sent to ${egress.remote}: the user did not agree`, { remote: egress.remote, host: model.host });
    }
    return answer;
  }

  /** Books each attempt: what it can cost at most before it is sent, what it has cost when it has ended. `answers`: who does. */
  private account(ask: Ask, body: string, consent: 'free' | ConsentAnswer, entities: EntityCounts, bill: Bill, answers: Answers): Account {
    const { id, egress, payload, purse, reason, local_ms } = ask;
    const { model, endpoint } = this.known(egress.remote);
    const { ledger, log, remotes } = this.means;
    const [first] = remotes.values();
    const baseline = first?.endpoint.price ?? endpoint.price; // what asking the first one for everything would cost
    const bytes = new TextEncoder().encode(body).length;
    let [attempt, began] = [0, 0];
    return {
      begin: async () => {
        attempt = bill.attempts += 1; // of the answer, whoever is asked
        // No tokenizer makes more tokens than there are bytes.
        await ledger.reserve({ ...purse, id, attempt, remote: egress.remote, price: endpoint.price, baseline, input: bytes, output: payload.max_tokens });
        const entry: Egress = { id, at: Date.now(), remote: egress.remote, host: model.host, model: model.model, bytes, consent, redacted: egress.needs_redaction || ask.waited !== undefined, entities };
        try {
          await log.add(entry);
        } catch (thrown) {
          await ledger.settle(id, attempt, { spent: { kind: 'refused' }, reason }); // what cannot be written down is not sent
          throw thrown;
        }
        began = performance.now();
        answers.first = 0;
      },
      end: async (spent) => {
        const latency_ms = Math.round(performance.now() - began);
        const settled = {
          spent,
          latency_ms,
          reason,
          model: answers.model,
          provider: model.provider,
          ...(local_ms === undefined ? {} : { wasted_local_ms: local_ms }),
          ...(answers.first === 0 ? {} : { first_ms: answers.first - began }),
        };
        try {
          const row = await ledger.settle(id, attempt, settled);
          bill.cost += row.cost;
          countIn(bill, row);
        } catch (thrown) {
          report(thrown); // the reservation stays, and the answer is there
        }
        if (spent.kind === 'unknown') {
          bill.warnings.push({ code: 'usage_missing', message: `${egress.remote} has not said what it counted; the most that it can be stays booked` });
        }
      },
    };
  }

  private known(remote: string): Known {
    const known = this.means.remotes.get(remote);
    if (known === undefined) {
      throw new KingletError('internal', `no remote model is called ${remote}`);
    }
    return known;
  }
}

/** What so many attempts cost at most, each counted as it is reserved: a token for each byte of the body, and all of the answer. */
function mostOf({ inputPerMillion, outputPerMillion, perRequest = 0 }: Price, bytes: number, output: number, attempts: number): number | null {
  const millionths = BigInt(bytes) * BigInt(inputPerMillion) + BigInt(output) * BigInt(outputPerMillion);
  const most = Number(((millionths + 999_999n) / 1_000_000n + BigInt(perRequest)) * BigInt(attempts));
  return Number.isSafeInteger(most) ? most : null;
}

/** A local answer, for what it would have cost elsewhere. */
export async function book({ ledger, remotes }: Means, { inputs, decision }: Trace, purse: Purse, usage: Usage, timings: Timings | undefined): Promise<LedgerRow | undefined> {
  const [first] = remotes.values();
  const kept = {
    ...purse,
    id: inputs.id,
    input: usage.prompt_tokens,
    output: usage.completion_tokens,
    ...(first === undefined ? {} : { price: first.endpoint.price, remote: first.endpoint.name }),
    ...(timings === undefined ? {} : { local_ms: Math.round(timings.prefill_ms + timings.decode_ms), first_ms: timings.prefill_ms }),
    ...(decision.reason === null ? {} : { reason: decision.reason }),
  };
  // The answer is there, whether or not it can be written down.
  return ledger.kept(kept).catch((thrown: unknown): undefined => {
    report(thrown);
  });
}

/** Adds up what a request's rows would have cost elsewhere. */
export function countIn(bill: Bill, row: LedgerRow | undefined): void {
  if (row?.currency !== undefined && row.currency !== null) {
    bill.counterfactual = (bill.counterfactual ?? 0) + row.counterfactual;
    bill.currency = row.currency;
  }
}

/** What goes wrong behind an answer is told as the platform tells it. */
export function report(thrown: unknown): void {
  (globalThis.reportError ?? console.error)(thrown);
}
