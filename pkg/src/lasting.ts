// An engine that outlives its worker: when the worker has died, the next request starts another and loads the model again.

import { KingletError } from './errors.js';
import type { Link, Listener } from './link.js';
import type { CallName, Calls } from './protocol.js';
import type { Info } from './types.js';

/** A worker with a loaded model. */
export interface Started {
  link: Link;
  info: Info;
}

/** Starts another worker and loads the model there. */
type Again = (signal?: AbortSignal) => Promise<Started>;

/** Calls that survive the death of a worker. */
export class Lasting {
  private starting: Promise<Link> | undefined;
  private closed: KingletError | undefined;
  /** Unloaded: the next call loads again. */
  private resting = false;
  /** Ends the load that is under way. */
  private stop: () => void = () => undefined;

  /** Without `again` what has ended stays so; without `restarts` what died does. */
  constructor(
    private current: Started,
    private readonly again: Again | undefined,
    private readonly listener: Pick<Listener, 'notice'>,
    private readonly restarts = true,
  ) {}

  /** What runs now. */
  get info(): Info {
    return this.current.link.info ?? this.current.info;
  }

  /** Whether there is an engine now. */
  get loaded(): boolean {
    return !this.resting && this.current.link.failure === undefined;
  }

  /**
   * A worker that lives, as far as is known. A request must stay with the one that it began on. `signal` ends the load that
   * this call begins, if it begins one.
   */
  live(signal?: AbortSignal): Promise<Link> {
    const { link } = this.current;
    const dead = this.resting || (this.restarts && link.failure?.code === 'worker_failed');
    if (this.again === undefined || this.closed !== undefined || !dead) {
      return Promise.resolve(link);
    }
    this.starting ??= this.restart(this.again, link.failure, signal).finally(() => (this.starting = undefined));
    return this.starting;
  }

  /**
   * Ends the engine; the next call starts another.
   *
   * @throws KingletError `invalid_request` where it could not be started again.
   */
  async unload(): Promise<void> {
    if (this.again === undefined) {
      const message = 'invalid request: unload: expected a worker that can be started again (an address, or a function that makes one), got a Worker';
      throw new KingletError('invalid_request', message, { param: 'worker' });
    }
    await this.starting?.catch(() => undefined);
    this.resting = true;
    this.current.link.close(new KingletError('not_loaded', 'the model was unloaded while this call was under way'));
  }

  /** See {@link Link.call}. */
  async call<N extends CallName>(name: N, args: Calls[N][0]): Promise<Calls[N][1]> {
    return (await this.live()).call(name, args);
  }

  /** Ends it for good. */
  close(failure: KingletError): void {
    this.closed = failure;
    this.stop();
    this.current.link.close(failure);
  }

  private async restart(again: Again, why: KingletError | undefined, signal?: AbortSignal): Promise<Link> {
    const control = new AbortController();
    this.stop = () => control.abort(signal?.reason);
    signal?.addEventListener('abort', this.stop);
    if (signal?.aborted) {
      this.stop();
    }
    const started = await again(control.signal).catch((thrown: unknown) => {
      throw this.closed ?? thrown;
    });
    signal?.removeEventListener('abort', this.stop);
    const rested = this.resting;
    this.resting = false;
    this.current = started;
    if (this.closed !== undefined) {
      started.link.close(this.closed);
    } else if (!rested) {
      const cause = why?.message ?? '';
      const message = `the worker had died and was started again, the model loaded again: ${cause}`;
      this.listener.notice({ code: 'worker_restarted', message, detail: { cause } });
    }
    return started.link;
  }
}
