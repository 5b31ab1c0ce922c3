// Decisions on the answers of this engine: what `createKinglet` makes of the options of docs/routing.md. The module for
// decisions is fetched only where one of them is given. Nothing is sent: a decision for the remote model says what would be
// asked, and the local answer stands.

import { KingletError } from './errors.js';
import type { Labelled, LabelledRow, Verdict } from './route/feedback.js';
import type { Router, RouterOptions } from './route/router.js';
import type { Config, Facts, Note, Policy, Signals, Trace } from './route/types.js';
import { joined, type Ending } from './shape.js';
import type { KingletOptions, Notice, WasmFile } from './types.js';

/** What was decided on an answer: `kinglet.decision`. */
export type AnswerDecision = Trace['decision'] & { id: string; notes: Note[] };

/** Traces that are remembered for `explain`. */
const REMEMBERED = 256;

/** An answer's signals where it ended without any. */
const NONE: Signals = { version: 0, origin: 'none' };

/** The options of a policy, under the names that `createRouter` has for them. */
function policyOf({ mode, remote, escalation, tasks, privacy, profiles, binding }: KingletOptions): RouterOptions | undefined {
  const named = { mode, remotes: remote, escalation, tasks, privacy, profiles, binding };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as Policy);
}

/** Decides on requests, one after the other. */
export class Decisions {
  private readonly traces = new Map<string, Trace>();

  private constructor(private readonly router: Router) {}

  /** None where no option asks for one. */
  static async of(options: KingletOptions, file: WasmFile | undefined, notice: (notice: Notice) => void): Promise<Decisions | undefined> {
    const policy = policyOf(options);
    if (policy === undefined) {
      return undefined;
    }
    const { createRouter } = await import('./route/router.js').catch((thrown: unknown) => {
      const message = `what decides could not be loaded, as in a service worker, which has no import(): ${String(thrown)}`;
      throw new KingletError('worker_failed', message, {}, { cause: thrown });
    });
    const router = await createRouter({
      ...policy,
      ...(file === undefined ? {} : { wasm: file }),
      onAlarm: ({ message, ...detail }) => notice({ code: 'drift', message, detail }),
    });
    router.config().profiles.forEach((profile) => refused(profile, notice));
    return new Decisions(router);
  }

  /** Before generation of so many answers to one request. */
  begin(id: string, facts: Facts, answers: number): Pending {
    return new Pending(this, this.router.decide(facts, id), answers);
  }

  /** After it; the trace is remembered. */
  end(step: Trace, { signals, aborted }: Ending): AnswerDecision {
    const ended = aborted ? 'aborted' : 'complete';
    const review = step.decision.reason === null ? this.router.review(step, signals ?? NONE, ended) : step;
    const trace = this.router.settle(review);
    const { id } = trace.inputs;
    this.traces.set(id, trace);
    const [oldest] = this.traces.keys();
    if (oldest !== undefined && this.traces.size > REMEMBERED) {
      this.traces.delete(oldest);
    }
    return { id, ...trace.decision, notes: trace.notes };
  }

  /** The trace of an answer. */
  trace(id: string): Trace | undefined {
    return this.traces.get(id);
  }

  /** Its sentence. */
  explain(trace: Trace): string {
    return this.router.explain(trace);
  }

  /** What the user says of an answer. */
  feedback(trace: Trace, verdict: Verdict): Labelled {
    return this.router.feedback(trace, verdict);
  }

  /** All of that. */
  labelled(): LabelledRow[] {
    return this.router.labelled();
  }
}

/** The decision on a request that is being answered. */
export class Pending {
  private readonly all: Ending = {};

  constructor(
    private readonly decisions: Decisions,
    private readonly step: Trace,
    private left: number,
  ) {}

  /** On all of it. */
  whole(ending: Ending): Pick<Ending, 'decision'> {
    return { decision: this.decisions.end(this.step, ending) };
  }

  /** On the piece that ends the last answer. */
  piece(ending: Ending): Pick<Ending, 'decision'> {
    joined(this.all, ending);
    this.left -= ending.timings === undefined ? 0 : 1;
    return ending.timings === undefined || this.left > 0 ? {} : this.whole(this.all);
  }
}

/** Says that a calibration was made for something else. */
function refused({ id, task, calibration }: Config['profiles'][number], notice: (notice: Notice) => void): void {
  if (calibration.kind === 'refused') {
    const { field, made_with, got } = calibration;
    const message = `the calibration "${id}" was made with another ${field}; the conservative rule decides on ${task}`;
    notice({ code: 'profile_mismatch', message, detail: { task, profile: id, field, made_with, got } });
  }
}
