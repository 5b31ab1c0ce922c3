// An engine that outlives its worker: when the worker has died, the next request starts another and loads the model again.

import { aborted, KingletError } from './errors.js';
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

/** A load that is under way. */
interface Load {
  link: Promise<Link>;
  control: AbortController;
  /** How many wait for it. */
  waiting: number;
}

/** Calls that survive the death of a worker. */
export class Lasting {
  private starting: Load | undefined;
  private closed: KingletError | undefined;
  /** Unloaded: the next call loads again. */
  private resting = false;

  /** The last load has failed, before any had succeeded. */
  private failed = false;

  /** Without `again` what has ended stays so; without `restarts` what died does. Without `current` the first call loads. */
  constructor(
    private current: Started | undefined,
    private readonly again: Again | undefined,
    private readonly listener: Pick<Listener, 'notice'> & { first?: (info: Info) => void },
    private readonly restarts = true,
  ) {}

  /**
   * What runs now.
   *
   * @throws KingletError `not_loaded` while the first load is under way.
   */
  get info(): Info {
    if (this.current === undefined) {
      throw new KingletError('not_loaded', 'nothing is known of the model before it is loaded; await load() first');
    }
    return this.current.link.info ?? this.current.info;
  }

  /** Whether {@link info} is there. */
  get known(): boolean {
    return this.current !== undefined;
  }

  /** What a decision is told of it: an engine that rests, or has died, comes back. */
  get local(): 'ready' | 'downloading' | 'absent' {
    return this.known ? 'ready' : this.failed ? 'absent' : 'downloading';
  }

  /** Ended for good. */
  get ended(): boolean {
    return this.closed !== undefined;
  }

  /** Whether there is an engine now. */
  get loaded(): boolean {
    return !this.resting && this.current !== undefined && this.current.link.failure === undefined;
  }

  /**
   * A worker that lives, as far as is known. A request must stay with the one that it began on. `signal` ends the waiting;
   * the load under way ends with it when nobody else waits for it.
   */
  async live(signal?: AbortSignal): Promise<Link> {
    const { link } = this.current ?? {};
    const dead = link === undefined || this.resting || (this.restarts && link.failure?.code === 'worker_failed');
    if (link !== undefined && (this.again === undefined || this.closed !== undefined || !dead)) {
      return link;
    }
    if (this.again === undefined || this.closed !== undefined) {
      throw this.closed ?? new KingletError('not_loaded', 'this model was never loaded');
    }
    if (signal?.aborted) {
      throw aborted(signal);
    }
    const load = (this.starting ??= this.begin(this.again, link?.failure));
    load.waiting += 1;
    return signal === undefined ? load.link : this.until(load, signal);
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
    await this.starting?.link.catch(() => undefined);
    this.resting = true;
    this.current?.link.close(new KingletError('not_loaded', 'the model was unloaded while this call was under way'));
  }

  /** See {@link Link.call}. */
  async call<N extends CallName>(name: N, args: Calls[N][0]): Promise<Calls[N][1]> {
    return (await this.live()).call(name, args);
  }

  /** Ends it for good. */
  close(failure: KingletError): void {
    this.closed = failure;
    this.starting?.control.abort();
    this.current?.link.close(failure);
  }

  private begin(again: Again, why: KingletError | undefined): Load {
    const control = new AbortController();
    const link = this.restart(again, why, control.signal);
    const load = { link, control, waiting: 0 };
    const end = () => this.forget(load);
    link.then(end, end);
    return load;
  }

  /** Whoever asks from now on begins another load. */
  private forget(load: Load): void {
    if (this.starting === load) {
      this.starting = undefined;
    }
  }

  /** What `load` gives, or the end of waiting for it. */
  private async until(load: Load, signal: AbortSignal): Promise<Link> {
    let leave: () => void = () => undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        reject(aborted(signal));
        load.waiting -= 1;
        if (load.waiting === 0) {
          this.forget(load);
          load.control.abort(signal.reason);
        }
      };
    });
    signal.addEventListener('abort', leave);
    try {
      return await Promise.race([left, load.link]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  private async restart(again: Again, why: KingletError | undefined, signal: AbortSignal): Promise<Link> {
    const started = await again(signal).catch((thrown: unknown) => {
      this.failed = !signal.aborted;
      throw this.closed ?? thrown;
    });
    if (this.closed === undefined && signal.aborted) {
      const failure = aborted(signal);
      started.link.close(failure); // it was ready just when the last one left
      throw failure;
    }
    const rested = this.resting;
    const first = this.current === undefined;
    this.resting = false;
    this.current = started;
    if (this.closed !== undefined) {
      started.link.close(this.closed);
    } else if (first) {
      this.listener.first?.(this.info);
    } else if (!rested) {
      const cause = why?.message ?? '';
      const message = `the worker had died and was started again, the model loaded again: ${cause}`;
      this.listener.notice({ code: 'worker_restarted', message, detail: { cause } });
    }
    return started.link;
  }
}
