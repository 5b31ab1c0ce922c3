// What users say of answers, collected as the rows that `kinglet route calibrate` makes a calibration of (docs/route.md).

import { invalid, refuseOthers } from '../params.js';
import type { Signals, Trace } from './types.js';

/** A word on an answer. */
export interface Verdict {
  /** Whether the small model's answer was right. */
  ok: boolean;
  /** Whether the remote model's was, where that is known. */
  remoteOk?: boolean;
}

/** A labelled answer: one line of the tool's JSON Lines. */
export interface LabelledRow {
  id: string;
  task: string;
  group?: string;
  signals: Signals;
  local_ok: boolean;
  remote_ok?: boolean;
  prompt_tokens?: number;
  label_source: 'human';
  selected: 'feedback';
}

/** How many labelled answers there are, and from how many a calibration is worth its name. */
export interface Labelled {
  labelled: number;
  enough: number;
}

/** The same as `ENOUGH` of route/src/day0.rs, which says why. */
const ENOUGH = 300;
/** Verdicts that are remembered: some megabytes. */
const MOST = 2000;

/** Verdicts of one session; the latest ones, and the latest word on each answer. */
export class Feedback {
  private readonly kept = new Map<string, LabelledRow>();

  /** There was a word on it before. */
  knows(trace: Trace): boolean {
    return this.kept.has(trace.inputs.id);
  }

  /** @throws KingletError `invalid_request` where there was no answer of the small model, or the verdict is none. */
  add(trace: Trace, verdict: Verdict): Labelled {
    if (typeof verdict !== 'object' || verdict === null) {
      throw invalid('feedback', '{ok}', verdict === null ? 'null' : typeof verdict);
    }
    const { ok, remoteOk, ...others } = verdict;
    refuseOthers('feedback', others, () => 'only ok and remoteOk');
    for (const [name, value] of [['ok', ok], ['remoteOk', remoteOk ?? true]] as const) {
      if (typeof value !== 'boolean') {
        throw invalid(`feedback.${name}`, 'true or false', typeof value);
      }
    }
    const { id, facts, answer } = inputsOf(trace);
    if (answer === null) {
      throw invalid('feedback', 'a request that the small model has answered', 'one without an answer of its own');
    }
    this.kept.delete(id);
    this.kept.set(id, {
      id,
      task: facts.task ?? '',
      ...(facts.group === undefined ? {} : { group: facts.group }),
      signals: answer.signals,
      local_ok: ok,
      ...(remoteOk === undefined ? {} : { remote_ok: remoteOk }),
      ...(facts.prompt_tokens === undefined ? {} : { prompt_tokens: facts.prompt_tokens }),
      label_source: 'human',
      selected: 'feedback',
    });
    const [oldest] = this.kept.keys();
    if (oldest !== undefined && this.kept.size > MOST) {
      this.kept.delete(oldest);
    }
    return { labelled: this.kept.size, enough: ENOUGH };
  }

  /** The rows, the oldest first. */
  rows(): LabelledRow[] {
    return [...this.kept.values()];
  }
}

/** What a trace is of; what is none is refused. */
function inputsOf(trace: unknown): Trace['inputs'] {
  const { inputs } = (trace ?? {}) as Partial<Trace>;
  if (typeof inputs?.id !== 'string' || typeof inputs.facts !== 'object' || inputs.facts === null || typeof inputs.answer !== 'object') {
    throw invalid('trace', 'what decide, review or settle gave', 'something else');
  }
  return inputs;
}
