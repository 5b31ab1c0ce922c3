// Finds as many shard workers as are good for a model, and remembers what came of it.

import type { Chosen } from './module.js';
import { Team, type Hire } from './team.js';
import { chooseThreads, machine, type Machine } from './threads.js';
import type { Info } from './types.js';

/** The leader's way to a team. */
export class Recruiter {
  private found: Pick<Info, 'threads' | 'threads_why'> = { threads: 1 };
  private team: Team | undefined;

  private readonly machine: Machine;

  /** Without `hire` there are no other workers. */
  constructor(
    private readonly chosen: Chosen,
    private readonly hire: Hire | undefined,
  ) {
    this.machine = machine(hire !== undefined);
  }

  /** See `Recruit` in module.ts. Without workers the model runs in this thread, and `info` says why. */
  async recruit(asked: number | undefined, bytes: number): Promise<Team | undefined> {
    const { threads, why } = chooseThreads(asked ?? 'auto', bytes, this.machine);
    this.found = { threads, ...(why === undefined ? {} : { threads_why: why }) };
    const { hire } = this;
    if (threads <= 1 || hire === undefined) {
      return undefined;
    }
    const { glue, kind } = this.chosen;
    try {
      this.team = await Team.assemble(threads, this.machine.isolated, kind, glue.compiled_module(), hire);
      return this.team;
    } catch (thrown) {
      const what = thrown instanceof Error ? thrown.message : String(thrown);
      this.found = { threads: 1, threads_why: `the other workers could not be started: ${what}` };
      return undefined;
    }
  }

  /** Ends the workers. */
  dispose(): void {
    this.team?.dispose();
  }

  /** See {@link Team.memory}. */
  memory(when: 'fresh' | 'now'): number {
    return this.team?.memory(when) ?? 0;
  }

  /** See {@link Team.requests}. */
  get requests(): number {
    return this.team?.requests ?? 0;
  }

  /** What runs. */
  get info(): Pick<Info, 'threads' | 'threads_why' | 'isolated'> {
    return { ...this.found, isolated: this.machine.isolated };
  }
}
