// The connections of a download, side by side: each takes runs of chunks until there are none left.

import { aborted } from '../errors.js';
import { persistently } from '../sources/remote.js';
import type { Patience } from '../sources/retry.js';
import type { Requests } from './requests.js';
import type { Run, Runs } from './runs.js';

/** Requests at once. */
const CONNECTIONS = 4;
/** Failures in a row after which a connection leaves its work to the others: many servers allow each client only a few. */
const SIDE_ATTEMPTS = 2;

/** Connections that work until every chunk is there; the first failure ends all. */
export class Crew {
  private readonly members: Promise<void>[] = [];
  /** How many of them are at work, or wait for their turn. */
  private working = 0;
  private readonly control = new AbortController();
  private readonly ended = new Promise((resolve) => this.control.signal.addEventListener('abort', resolve));
  private failure: unknown;

  /** `turn`: when more than the first chunks may be asked for. */
  constructor(
    private readonly runs: Runs,
    private readonly requests: Requests,
    private readonly patience: Required<Patience>,
    private readonly turn: Promise<unknown>,
  ) {}

  /** One connection begins; more are hired when the server has answered. */
  async run(ending: AbortSignal): Promise<void> {
    const end = () => this.control.abort(ending.reason);
    ending.addEventListener('abort', end);
    if (ending.aborted) {
      end();
    }
    this.members.push(this.member());
    for (let i = 0; i < this.members.length; i++) {
      await this.members[i];
    }
    ending.removeEventListener('abort', end);
    if (this.failure !== undefined) {
      throw this.failure;
    }
    if (ending.aborted) {
      throw aborted(ending); // also where nobody had a request under way that could have failed
    }
  }

  /** There is work for all. */
  hire(): void {
    while (this.members.length < CONNECTIONS) {
      this.members.push(this.member());
    }
  }

  private member(): Promise<void> {
    this.working += 1;
    return this.connection(this.members.length === 0).catch((thrown: unknown) => {
      this.failure ??= thrown;
      this.control.abort();
    });
  }

  private async connection(first: boolean): Promise<void> {
    try {
      if (!first) {
        await this.patient();
      }
      await this.fetchRuns();
    } finally {
      this.working -= 1; // at once, so that two that fail at the same time do not both leave their work to the other
    }
  }

  private async fetchRuns(): Promise<void> {
    const { runs, control } = this;
    for (let run = runs.take(); run !== undefined && !control.signal.aborted; run = runs.take()) {
      try {
        await this.fetchRun(run);
      } catch (thrown) {
        // The last one decides; the others leave to it what they could not get.
        if (this.working === 1 || !this.requests.mightPass(thrown)) {
          throw thrown;
        }
        return;
      } finally {
        runs.release(run);
      }
      await this.patient();
    }
  }

  private async fetchRun(run: Run): Promise<void> {
    const { patience, requests, control: { signal } } = this;
    while (!this.runs.isDone(run)) {
      const alone = this.working === 1;
      const attempts = alone ? patience.attempts : Math.min(SIDE_ATTEMPTS, patience.attempts);
      try {
        await persistently({ ...patience, attempts }, signal, (progressed) => requests.attempt(run, signal, progressed));
      } catch (thrown) {
        // The others have left meanwhile: now it is worth being patient.
        if (alone || this.working > 1 || !requests.mightPass(thrown)) {
          throw thrown;
        }
      }
    }
  }

  /** Until more than the first chunks may be asked for. */
  private async patient(): Promise<void> {
    if (!this.control.signal.aborted) {
      await Promise.race([this.turn, this.ended]);
    }
  }
}
