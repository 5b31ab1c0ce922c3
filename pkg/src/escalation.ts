// Decisions on the answers of this engine: what `createKinglet` makes of the options of docs/routing.md. All requests go through
// one door: decide, compute, review. Nothing is sent: a decision for the remote model says what would be asked, and the local
// answer is computed and stands.

import { bindingOf, identityOf, NO_TEMPLATE, samplerOf } from './binding.js';
import { factsOf, promptOf, promptTokens, type Request } from './facts.js';
import type { Lasting } from './lasting.js';
import { invalid } from './params.js';
import { drawn } from './route/draw.js';
import type { Router, RouterOptions } from './route/router.js';
import type { Alarm, Binding, Facts, Note, Profile, Signals, Trace } from './route/types.js';
import { joined, type Ending } from './shape.js';
import type { Info, Notice } from './types.js';

/** What was decided on an answer: `kinglet.decision`. */
export type AnswerDecision = Trace['decision'] & { id: string; notes: Note[] };

/** Answers that are remembered, for `explain` and for what users say of them. */
const REMEMBERED = 256;

/** An answer's signals where it ended without any. */
const NONE: Signals = { version: 0, origin: 'none' };

/** A decision, with what the local answer was made with and showed, whether or not that was asked for. */
interface Decided {
  trace: Trace;
  binding: Binding;
  answer: NonNullable<Trace['inputs']['answer']>;
  /** Somebody has said whether it was right. */
  heard?: boolean;
}

/** A request that is to be decided on. */
export interface Asked {
  id: string;
  facts: Facts;
  /** What it is answered with, asked for again when it was: the engine may have been loaded anew in between. */
  binding: () => Binding;
  /** How many answers it will have; default 1. */
  answers?: number;
}

/** Decides on requests. */
export class Decisions {
  private readonly decided = new Map<string, Decided>();

  private constructor(
    private readonly router: Router,
    private readonly profiles: readonly Profile[],
    private readonly audit: number,
    private readonly notice: (notice: Notice) => void,
  ) {}

  /** @throws KingletError `invalid_request` that names a wrong option; `worker_failed`. */
  static async of(create: (options: RouterOptions) => Promise<Router>, options: RouterOptions, notice: (notice: Notice) => void): Promise<Decisions> {
    const router = await create({ ...options, onAlarm: ({ message, ...detail }) => notice({ code: 'drift', message, detail }) });
    return new Decisions(router, options.profiles ?? [], router.config().policy.escalation?.audit ?? 0, notice);
  }

  /** A model was loaded: says which calibrations were made for another one. Sampler and wording are seen with each request. */
  loaded(info: Info): void {
    for (const { task, binding } of this.profiles) {
      const made = binding as Binding;
      const here = bindingOf(info, made.sampler, templateOf(made.template_hash, info));
      const calibration = this.router.config(here).profiles.find((profile) => profile.task === task)?.calibration;
      if (calibration?.kind === 'refused') {
        const { profile, field, made_with, got } = calibration;
        const message = `the calibration "${profile}" was made with another ${field}; the conservative rule decides on ${task}`;
        this.notice({ code: 'profile_mismatch', message, detail: { task, profile, field, made_with, got } });
      }
    }
  }

  /** A chat or a raw completion, as the engine gets it, and the decision on its answer that is to come. */
  async request(kind: 'chat' | 'completion', link: Lasting, id: string, request: Record<string, unknown>): Promise<{ asked: Request; pending?: Pending }> {
    const kinglet = request['kinglet'] ?? {};
    const prompt = kind === 'chat' ? undefined : promptOf(request['prompt']);
    if (typeof kinglet !== 'object' || (kind === 'completion' && prompt === undefined)) {
      return { asked: request }; // the engine says what is wrong
    }
    const { facts: given, ...own } = kinglet as Record<string, unknown>;
    const plain = { ...request, kinglet: own };
    if (prompt !== undefined && 'several' in prompt) {
      if (given !== undefined && given !== null) {
        throw invalid('kinglet.facts', 'one prompt beside it', prompt.several);
      }
      return { asked: plain };
    }
    const tokens = prompt === undefined ? await link.call('count', { request: plain }) : await promptTokens(link, prompt.one, request['suffix']);
    const facts = await factsOf(link, request, tokens, given);
    const binding = (): Binding => bindingOf(link.info, samplerOf(request), kind === 'chat' ? undefined : NO_TEMPLATE);
    const pending = this.begin({ id, facts, binding, answers: Number(request['n'] ?? 1) });
    const abort = own['abort'] ?? pending.rule;
    return { asked: { ...request, kinglet: { ...own, signals: true, ...(abort === undefined ? {} : { abort }) } }, pending };
  }

  /** Before a request is answered. */
  begin(asked: Asked): Pending {
    const { id, facts } = asked;
    const audit = facts.audit ?? drawn(id, this.audit);
    const known = audit ? { ...facts, audit } : facts;
    return new Pending(this, (binding, more) => this.router.decide({ ...known, ...more }, id, binding), asked);
  }

  /** After it; the trace is remembered. @internal */
  end(step: Trace, binding: Binding, { signals, aborted, timings }: Ending): AnswerDecision {
    const answer = { signals: signals ?? NONE, ended: aborted ? 'aborted' : 'complete' } as const;
    const review = step.decision.reason === null ? this.router.review(step, answer.signals, answer.ended) : step;
    const took = timings && Math.round(timings.prefill_ms + timings.decode_ms);
    const trace = this.router.settle(review, took === undefined ? {} : { local_ms: took });
    const { id } = trace.inputs;
    this.decided.set(id, { trace, binding, answer });
    const [oldest] = this.decided.keys();
    if (oldest !== undefined && this.decided.size > REMEMBERED) {
      this.decided.delete(oldest);
    }
    return { id, ...trace.decision, notes: trace.notes };
  }

  /** What is remembered of an answer. */
  of(id: string): Decided | undefined {
    return this.decided.get(id);
  }

  /** A trace's sentence. */
  explain(trace: Trace): string {
    return this.router.explain(trace);
  }

  /** Whether an answer was right; the first word on it counts for what was promised. */
  heard(decided: Decided, right: boolean): void {
    if (!decided.heard) {
      decided.heard = true;
      this.router.audit(decided.trace, right);
    }
  }

  /** See `Router.acknowledge`. */
  acknowledge(kind: Alarm['kind']): void {
    this.router.acknowledge(kind);
  }
}

/** The decision on a request that is being answered. */
export class Pending {
  private readonly all: Ending = {};
  private binding: Binding;
  private more: Facts = {};
  private step: Trace;
  private left: number;

  /** @internal */
  constructor(
    private readonly decisions: Decisions,
    private readonly decide: (binding: Binding, more: Facts) => Trace,
    private readonly asked: Asked,
  ) {
    this.binding = asked.binding();
    this.step = decide(this.binding, this.more);
    this.left = asked.answers ?? 1;
  }

  /** When the engine is to end the answer early, as `kinglet.abort` of a request has it. */
  get rule(): { window_below: number; grace: number } | undefined {
    return this.step.decision.abort ?? undefined;
  }

  /** The answer has shown which group it belongs to. Deciding changes nothing, so it may be done again. */
  grouped(group: string): void {
    this.more = { group };
    this.step = this.decide(this.binding, this.more);
  }

  /** On all of it. */
  whole(ending: Ending): Pick<Ending, 'decision'> {
    const made = this.asked.binding();
    if (JSON.stringify(made) !== JSON.stringify(this.binding)) {
      this.binding = made;
      this.step = this.decide(made, this.more);
    }
    return { decision: this.decisions.end(this.step, made, ending) };
  }

  /** On the piece that ends the last answer. */
  piece(ending: Ending): Pick<Ending, 'decision'> {
    joined(this.all, ending);
    this.left -= ending.timings === undefined ? 0 : 1;
    return ending.timings === undefined || this.left > 0 ? {} : this.whole(this.all);
  }
}

/** What a calibration's template would be here: its own where that is of this model's template, or of none. */
function templateOf(made: string, info: Info): string {
  const [template = ''] = made.split(' ');
  const { template_hash } = identityOf(info);
  return template === NO_TEMPLATE || template === template_hash ? made : template_hash;
}
