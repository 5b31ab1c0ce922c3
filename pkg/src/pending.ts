// The decision on one request while it is being answered: it may be made again as more is known, and is settled once.

import type { AnswerDecision, Decided, Decisions } from './escalation.js';
import type { Binding, Facts, Outcome, Signals, Trace } from './route/types.js';
import { joined, type Ending } from './shape.js';

/** A request that is to be decided on. */
export interface Asked {
  id: string;
  facts: Facts;
  /** What it is answered with, asked for again when it was: the engine may have been loaded anew in between. */
  binding: () => Binding;
  /** How many answers it will have; default 1. */
  answers?: number;
  /** See {@link isOpen}. */
  open?: boolean;
}

/** An answer's signals where it ended without any. */
const NONE: Signals = { version: 0, origin: 'none' };

/** A trace as an answer shows it. */
export const told = ({ inputs, decision, notes }: Trace): AnswerDecision => ({ id: inputs.id, ...decision, notes });

/** The decision on a request that is being answered. */
export class Pending {
  private readonly all: Ending = {};
  private binding: Binding;
  private more: Facts = {};
  private left: number;
  /** What is decided before an answer is there. */
  step: Trace;

  /** @internal */
  constructor(
    private readonly decisions: Decisions,
    private readonly decide: (binding: Binding, more: Facts) => Trace,
    readonly asked: Asked,
  ) {
    this.binding = asked.binding();
    this.step = decide(this.binding, this.more);
    this.left = asked.answers ?? 1;
  }

  /** When the engine is to end the answer early, as `kinglet.abort` of a request has it. */
  get rule(): { window_below: number; grace: number } | undefined {
    return this.step.decision.abort ?? undefined;
  }

  /** An estimate of the prompt will not do: the model here answers, or would if it fits. */
  get needsCount(): boolean {
    const { action, reason } = this.step.decision;
    return action !== 'remote' || reason === 'context_overflow';
  }

  /** The answer has shown which group it belongs to. */
  grouped(group: string): void {
    this.know({ group });
  }

  /** More is known. Deciding changes nothing, so it may be done again. */
  know(more: Facts): void {
    this.more = { ...this.more, ...more };
    this.step = this.decide(this.binding, this.more);
  }

  /** What is decided on the answer of the small model, if it has one. */
  judged(ending: Ending | undefined): Trace {
    const made = this.asked.binding();
    if (JSON.stringify(made) !== JSON.stringify(this.binding)) {
      this.binding = made;
      this.step = this.decide(made, this.more);
    }
    return ending === undefined ? this.step : this.decisions.judge(this.step, shown(ending));
  }

  /** It can be asked for before it is settled, which is later. */
  noted(judged: Trace, ending: Ending | undefined): void {
    this.decisions.remember(judged, this.binding, shown(ending ?? {}));
  }

  /** The end; `outcome`: what came of asking the remote model. */
  settled(judged: Trace, ending: Ending | undefined, outcome: Outcome = {}): AnswerDecision {
    const took = ending?.timings && Math.round(ending.timings.prefill_ms + ending.timings.decode_ms);
    const all = took === undefined ? outcome : { ...outcome, local_ms: took };
    return this.decisions.settle(judged, this.binding, shown(ending ?? {}), all);
  }

  /** On all of it, where nothing is asked elsewhere. */
  whole(ending: Ending): Pick<Ending, 'decision'> {
    return { decision: this.settled(this.judged(ending), ending) };
  }

  /** On the piece that ends the last answer. */
  piece(ending: Ending): Pick<Ending, 'decision'> {
    joined(this.all, ending);
    this.left -= ending.timings === undefined ? 0 : 1;
    return ending.timings === undefined || this.left > 0 ? {} : this.whole(this.all);
  }
}

/** What an answer has shown. */
function shown({ signals, aborted }: Ending): Decided['answer'] {
  return { signals: signals ?? NONE, ended: aborted ? 'aborted' : 'complete' };
}
