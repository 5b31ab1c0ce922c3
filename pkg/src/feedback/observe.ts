// Rollout `observe`: a sample of the requests is answered elsewhere, too, and whether both say the same is a label.

import { kind, number, object } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import { drawn } from '../route/draw.js';
import { agree } from '../tasks/agree.js';
import type { Collection, Known } from './collection.js';
import type { Leave } from './leave.js';
import type { FeedbackOptions, Observation, Texts } from './types.js';

/** How another model is asked. */
export type Elsewhere = NonNullable<Observation['ask']>;

/** Compares a sample of answers. */
export class Observer {
  private readonly ending = new AbortController();
  private readonly share: number;
  private readonly ask: Observation['ask'] | undefined;
  private readonly agree: NonNullable<Observation['agree']>;

  private constructor(
    observation: Observation,
    private readonly collection: Collection,
  ) {
    const { share, ask, agree: compare, ...others } = object('feedback.observe', observation);
    refuseOthers('feedback.observe', others, () => 'share, ask or agree');
    if (ask !== undefined && typeof ask !== 'function') {
      throw invalid('feedback.observe.ask', 'a function', kind(ask));
    }
    if (compare !== undefined && typeof compare !== 'function') {
      throw invalid('feedback.observe.agree', 'a function', kind(compare));
    }
    const part = number('feedback.observe.share', share, 0, 1);
    if (part === undefined) {
      throw invalid('feedback.observe.share', 'a number from 0 to 1', kind(share));
    }
    [this.share, this.ask, this.agree] = [part, ask, compare ?? same];
  }

  /** One, where the app wants it. */
  static of({ observe }: FeedbackOptions, collection: Collection): Observer | undefined {
    return observe === undefined ? undefined : new Observer(observe, collection);
  }

  /**
   * Asks elsewhere, if this answer is of the sample and nothing forbids it. What fails there is no label. `otherwise`: where the app
   * has no way of its own.
   */
  async see(known: Known, { input, output }: Texts, leave: Leave | undefined, otherwise?: Elsewhere): Promise<void> {
    const { row } = known;
    const { signal } = this.ending;
    const asked = this.ask ?? otherwise;
    if (leave === undefined || asked === undefined || signal.aborted || !drawn(row.id, this.share)) {
      return;
    }
    try {
      const remote = await asked({ task: row.task, input, signal, ...leave });
      const ok = await this.agree(output, remote);
      if (!signal.aborted) {
        await this.collection.add(known, { ok: ok === true, expected: remote, source: 'remote_agreement', selected: 'all' });
      }
    } catch {
      // The remote was away, or its answer was no text. The local one stands, unlabelled.
    }
  }

  /** The model was disposed of. */
  close(): void {
    this.ending.abort();
  }
}

const same = (local: string | null, remote: string): boolean => local !== null && agree(local, remote);
