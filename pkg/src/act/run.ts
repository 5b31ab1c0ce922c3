// One request, answered on either side: here, by a remote model, by the next one, and by what is here after all.

import type { Provenance } from '../answers.js';
import { aborted, KingletError, toWire } from '../errors.js';
import { told, type Pending } from '../pending.js';
import type { RemoteUsage } from '../remote/types.js';
import type { Outcome, Trace } from '../route/types.js';
import { joined, type Ending, type Shown } from '../shape.js';
import type { AnswerReport } from '../telemetry/types.js';
import type { FinishReason, Usage } from '../types.js';
import { contentOf } from './content.js';
import { countIn, type Bill } from './sender.js';
import type { Acting } from './acting.js';
import { delta, outcomeOf, refused, usageOf } from './outcome.js';
import { Segment, telling } from './parts.js';
import type { Plan } from './plan.js';

/** An answer that is complete. */
interface Answered {
  segment: Segment;
  finish: FinishReason;
  usage: Usage;
  ending: Ending;
}

/** Answers a request. What is left of a stream early is settled as far as it came. */
export async function* run(acting: Acting, plan: Plan, given: AbortSignal | undefined): AsyncGenerator<Shown, void, void> {
  const { ends } = acting;
  const running = new Run(acting, plan, given === undefined ? ends : AbortSignal.any([given, ends]));
  try {
    if (ends.aborted) {
      throw disposed();
    }
    yield* running.answer();
  } catch (failure) {
    const thrown: unknown = ends.aborted && given?.aborted !== true ? disposed() : failure;
    running.told({ error: toWire(thrown).code });
    throw thrown;
  } finally {
    running.told({ error: 'aborted' }); // whoever asked has left
    if (running.room) {
      acting.leave();
    }
  }
}

const disposed = (): KingletError => new KingletError('not_loaded', 'this model was disposed; create it again');

/** Codes of an engine that has ended: what is asked may still be answered elsewhere. */
const GONE: readonly string[] = ['not_loaded', 'worker_failed', 'gpu_lost', 'internal'];

class Run {
  private segments = 0;
  private here: Answered | undefined;
  /** What is shown now. */
  private showing: Segment | undefined;
  private readonly bill: Bill = { cost: 0, attempts: 0, warnings: [] };
  private readonly excluded = new Set<string>();
  private readonly began = Date.now();
  /** It may leave: `maxRate` has had room for it. */
  room = false;
  /** The last trace, and the remote model that was asked last, for whoever watches. */
  private trace: Trace | undefined;
  private asked: Provenance | undefined;
  private ended = false;

  constructor(
    private readonly acting: Acting,
    private readonly plan: Plan,
    private readonly signal: AbortSignal,
  ) {}

  async *answer(): AsyncGenerator<Shown, void, void> {
    const { pending } = this.plan;
    for (;;) {
      if (pending.step.decision.action === 'local' && this.here === undefined) {
        try {
          yield* this.answerHere(pending.rule, this.leaves(pending.step));
        } catch (thrown) {
          if (!this.absent(thrown)) {
            throw thrown;
          }
          continue;
        }
      }
      const trace = pending.judged(this.here?.ending);
      this.trace = trace;
      const { action } = trace.decision;
      if (action === 'none') {
        if (trace.inputs.facts.local === 'downloading') {
          pending.know(await this.plan.arrived()); // nobody else may answer, so it is waited for
          continue;
        }
        if (trace.inputs.policy.mode === 'only-remote') {
          throw await this.nothing(trace);
        }
        yield* this.answerHere(undefined, false); // which says itself why it cannot
      }
      if (action !== 'remote' || !this.sendable(trace)) {
        yield* this.keep(trace);
        return;
      }
      this.room ||= await this.acting.room(pending, this.signal);
      if (!this.room) {
        const full = pending.judged(this.here?.ending);
        if (full.decision.action === 'remote') {
          yield* this.keep(full);
          return;
        }
        continue; // too large a share of the session has left meanwhile
      }
      const failure = yield* this.answerThere(trace);
      if (failure === undefined) {
        return;
      }
      yield telling({ type: 'error', ...toWire(failure) });
      if (!this.another(trace, failure) && !this.refusedHere(failure)) {
        yield* this.restore(trace, failure);
        return;
      }
    }
  }

  /** Whether something may still leave: then nothing stands before the end. */
  private leaves({ decision, gates }: Trace): boolean {
    return this.plan.payload !== undefined && this.acting.any && gates.length === 0 && decision.reason === null;
  }

  private sendable({ decision: { egress } }: Trace): boolean {
    return this.plan.payload !== undefined && egress !== null && this.acting.has(egress.remote);
  }

  private async *answerHere(rule: Pending['rule'], replaceable: boolean): AsyncGenerator<Shown, void, void> {
    const { handover, probation } = this.plan;
    const segment = new Segment((this.segments += 1), 'local', replaceable ? handover : 'live', probation);
    const ending: Ending = {};
    let usage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    let finish: FinishReason = 'stop';
    for await (const piece of this.plan.local(rule, this.here !== undefined)) {
      joined(ending, piece);
      usage = piece.usage ?? usage;
      finish = piece.finish_reason ?? finish;
      const { text, tool_calls, logprobs } = piece;
      yield* this.show(segment, segment.add({ text, ...(tool_calls ? { tool_calls } : {}), ...(logprobs ? { logprobs } : {}) }, this.showing));
    }
    this.here = { segment, finish, usage, ending };
  }

  /** Undefined: it has answered. Else why not. */
  private async *answerThere(trace: Trace): AsyncGenerator<Shown, KingletError | undefined, void> {
    const { egress, reason } = trace.decision;
    const { handover, pending } = this.plan;
    if (egress === null || this.plan.payload === undefined) {
      return new KingletError('internal', 'nothing can be sent');
    }
    const overflows = trace.asks.some((ask) => ask.reason === 'context_overflow');
    const payload = overflows && this.plan.shorter !== undefined ? await this.plan.shorter() : this.plan.payload;
    const final = trace.inputs.policy.mode === 'only-remote' && handover === 'replace' && this.plan.streams === true;
    const segment = new Segment((this.segments += 1), 'remote', final ? 'live' : handover, 0, egress.remote);
    const local_ms = this.took();
    const began = performance.now();
    let [first, settled, filtered] = [0, false, false];
    let usage: RemoteUsage | undefined;
    let finish: FinishReason = 'stop';
    const provenance = this.acting.provenance(egress.remote);
    this.asked = provenance;
    const counting = this.plan.tokens(payload).catch(() => undefined);
    const about = { id: trace.inputs.id, reason: reason ?? '', egress, payload, purse: this.plan.purse, ...(local_ms === undefined ? {} : { local_ms }) };
    try {
      this.plan.checkable();
      for await (const part of this.acting.ask(about, this.bill, this.signal)) {
        if (part.type === 'head') {
          Object.assign(provenance, part.model === undefined ? {} : { model: part.model }, part.id === undefined ? {} : { id: part.id });
        } else if (part.type === 'usage') {
          usage = part.usage;
        } else if (part.type === 'finish') {
          filtered = part.reason === 'content_filter';
          finish = part.reason === 'content_filter' ? 'stop' : part.reason;
        } else {
          first ||= performance.now();
          yield* this.show(segment, segment.add(part.type === 'text' ? { text: part.text } : { text: '', tool_calls: [delta(part)] }, this.showing));
        }
      }
      if (filtered) {
        throw new KingletError('remote_failed', `${egress.remote} stopped its answer: its content filter`, { remote: egress.remote, kind: 'content_filter' });
      }
      this.plan.check(egress.remote, { text: segment.text, calls: segment.calls, finish });
      const tokens = await Promise.race([counting, soon()]);
      const outcome: Outcome = { remote: 'answered', ...(usage === undefined ? {} : { usage: { input: usage.input, output: usage.output } }), ...(tokens === undefined ? {} : { payload: tokens }) };
      settled = true;
      const decision = pending.settled(trace, this.here?.ending, outcome);
      const end = performance.now();
      const timings = { prefill_ms: (first || end) - began, decode_ms: end - (first || end), reused_tokens: 0 };
      const own: Ending = { timings, decision, source: 'remote', provenance, escalation: 'answered', ...(this.here?.ending.signals ? { signals: this.here.ending.signals } : {}) };
      this.plan.heard?.(segment.text);
      yield segment.stands(this.showing);
      yield this.last(own, finish, usageOf(usage), segment.text);
      return undefined;
    } catch (thrown) {
      const failure = thrown instanceof KingletError ? thrown : new KingletError('internal', String(thrown), {}, { cause: thrown });
      if (failure.code === 'aborted' || this.signal.aborted || (final && segment.visible)) {
        settled = true;
        pending.settled(trace, this.here?.ending, { remote: 'failed' });
        throw this.signal.aborted ? aborted(this.signal) : failure;
      }
      settled = true;
      return failure;
    } finally {
      if (!settled) {
        pending.settled(trace, this.here?.ending, { remote: 'failed' }); // the caller has left
      }
    }
  }

  /** Whether another remote model is to be asked instead; if so, that is what the next decision says. */
  private another(trace: Trace, failure: KingletError): boolean {
    const { pending } = this.plan;
    const name = trace.decision.egress?.remote ?? '';
    this.excluded.add(name);
    const instead = this.acting.instead(name, failure, this.excluded);
    if (instead === undefined) {
      return false;
    }
    pending.know({ resting: instead });
    const next = pending.judged(this.here?.ending).decision;
    return next.action === 'remote' && next.egress !== null && !this.excluded.has(next.egress.remote);
  }

  /** The remote model has not answered: the best answer that is here stands. */
  private async *restore(trace: Trace, failure: KingletError): AsyncGenerator<Shown, void, void> {
    const { pending } = this.plan;
    const outcome: Outcome = { remote: outcomeOf(failure, trace) };
    if (trace.inputs.policy.mode === 'only-remote') {
      pending.settled(trace, this.here?.ending, outcome);
      throw (await this.wait(trace, failure)) ? new KingletError(failure.code, failure.message, { ...failure.detail, queued: true }, { cause: failure }) : failure;
    }
    try {
      if (this.here === undefined || this.here.ending.aborted !== undefined) {
        yield* this.answerHere(undefined, false);
      }
    } catch (thrown) {
      pending.settled(trace, undefined, outcome);
      if (this.signal.aborted || !(thrown instanceof KingletError)) {
        throw this.signal.aborted ? aborted(this.signal) : thrown;
      }
      const queued = (await this.wait(trace, failure)) ? { queued: true } : {};
      throw new KingletError(thrown.code, `${thrown.message}; and ${failure.message}`, { ...thrown.detail, ...queued }, { cause: failure });
    }
    await this.wait(trace, failure);
    yield* this.stand(trace, outcome, outcome.remote);
  }

  /** Asked again when there is a connection, where that is wanted. */
  private async wait(trace: Trace, failure: KingletError | undefined): Promise<boolean> {
    const waits = (await this.acting.waiting?.add(trace, this.plan, failure, this.signal)) === true;
    if (waits) {
      this.bill.warnings.push({ code: 'queued', message: 'there is no connection: a remote model will be asked when there is one' });
    }
    return waits;
  }

  /** Whether a budget of our own has refused it: nothing has left, and that is a fact, by which it is decided again. */
  private refusedHere(failure: KingletError): boolean {
    const { pending } = this.plan;
    if (!refused(pending, failure)) {
      return false;
    }
    pending.know({ resting: this.acting.resting });
    return pending.judged(this.here?.ending).decision.action !== 'remote';
  }

  /** The answer that is here stands. */
  private async *keep(trace: Trace): AsyncGenerator<Shown, void, void> {
    if (this.here === undefined || (this.here.ending.aborted !== undefined && this.acting.any)) {
      yield* this.answerHere(undefined, false); // a fragment is no answer
    }
    if (trace.decision.action === 'audit' && this.sendable(trace)) {
      this.plan.pending.noted(trace, this.here?.ending);
      this.acting.audit(trace, this.plan, { text: this.here?.segment.text ?? '', ending: this.here?.ending ?? {} });
      yield* this.stand(trace, undefined, undefined);
      return;
    }
    await this.wait(trace, undefined);
    yield* this.stand(trace, {}, undefined);
  }

  /** Without an outcome it is still to be settled. */
  private async *stand(trace: Trace, outcome: Outcome | undefined, escalation: Outcome['remote']): AsyncGenerator<Shown, void, void> {
    const { here } = this;
    if (here === undefined) {
      return;
    }
    const { pending, purse } = this.plan;
    const decision = outcome === undefined ? told(trace) : pending.settled(trace, here.ending, outcome);
    const own: Ending = { ...here.ending, decision, source: 'local', ...(escalation === undefined ? {} : { escalation }) };
    countIn(this.bill, await this.acting.kept({ ...trace, decision }, purse, here.usage, here.ending.timings));
    this.plan.heard?.(here.segment.text);
    yield here.segment.stands(this.showing);
    yield this.last(own, here.finish, here.usage, here.segment.text);
  }

  private *show(segment: Segment, piece: Shown | undefined): Generator<Shown, void, void> {
    if (piece !== undefined) {
      this.showing = segment;
      yield piece;
    }
  }

  /** Tells whoever watches, once. */
  told({ content, ...more }: Partial<AnswerReport>): void {
    if (!this.acting.watched || this.ended) {
      return;
    }
    this.ended = true;
    const { pending, operation, input, model } = this.plan;
    const { cost, attempts, counterfactual, currency } = this.bill;
    const trace = this.trace ?? pending.step;
    const shown = contentOf(this.acting, trace, content ?? { input });
    const { asked } = this;
    const remote = asked && attempts > 0 ? { name: asked.remote, provider: asked.provider, model: this.acting.provenance(asked.remote).model, response_model: asked.model, ...(asked.id === undefined ? {} : { id: asked.id }) } : undefined;
    const money = counterfactual === undefined || currency === undefined ? {} : { saved: counterfactual - cost, currency };
    const about = { id: trace.inputs.id, operation, model: model(), started_ms: this.began, ended_ms: Date.now(), decision: trace.decision, cost, attempts, segments: this.segments };
    this.acting.ended({ ...about, ...money, ...(remote === undefined ? {} : { remote }), ...(shown === undefined ? {} : { content: shown }), ...more });
  }

  private last(own: Ending, finish: FinishReason, usage: Usage, output: string): Shown {
    const { cost, currency, warnings } = this.bill;
    const { decision, escalation } = own;
    const cached = usage.prompt_tokens_details?.cached_tokens;
    const used = { input: usage.prompt_tokens, output: usage.completion_tokens, ...(cached === undefined ? {} : { cached }) };
    this.told({ ...(decision ? { decision } : {}), source: own.source ?? 'local', ...(escalation ? { escalation } : {}), usage: used, finish, content: { input: this.plan.input, output } });
    const all: Ending = { ...own, ...(this.acting.any ? { cost, ...(currency === undefined ? {} : { currency }) } : {}), ...(warnings.length > 0 ? { warnings } : {}) };
    const source = own.source ?? 'local';
    return {
      text: '',
      finish_reason: finish,
      usage,
      ...all,
      parts: [
        ...warnings.map((warning) => ({ type: 'warning' as const, ...warning })),
        ...(own.decision === undefined ? [] : [{ type: 'decision' as const, decision: own.decision }]),
        { type: 'usage', source, usage, cost },
        { type: 'finish', reason: finish, source },
      ],
    };
  }

  private took(): number | undefined {
    const timings = this.here?.ending.timings;
    return timings && Math.round(timings.prefill_ms + timings.decode_ms);
  }

  private async nothing(trace: Trace): Promise<KingletError> {
    const { pending } = this.plan;
    const { reason } = pending.settled(trace, this.here?.ending);
    const queued = (await this.wait(trace, undefined)) ? { queued: true } : {};
    return new KingletError('no_answer', `there is no answer: the mode wants a remote model, and ${reason ?? 'something'} forbids it`, { reason, id: trace.inputs.id, ...queued });
  }

  /** Whether the engine has ended, and another model may answer instead. */
  private absent(thrown: unknown): boolean {
    const { pending } = this.plan;
    const { code = '' } = thrown as Partial<KingletError>;
    if (this.signal.aborted || !GONE.includes(code) || pending.step.inputs.facts.local === 'absent') {
      return false;
    }
    pending.know({ local: 'absent' });
    return pending.step.decision.action === 'remote' && this.sendable(pending.step);
  }
}

/** An engine that is busy does not hold up what is there already. */
const soon = (): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), 100));
