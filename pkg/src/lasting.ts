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

/** Calls that survive the death of a worker. */
export class Lasting {
  private starting: Promise<Link> | undefined;
  private closed: KingletError | undefined;

  /** Without `again` a dead worker stays dead. */
  constructor(
    private current: Started,
    private readonly again: (() => Promise<Started>) | undefined,
    private readonly listener: Pick<Listener, 'notice'>,
  ) {}

  /** What runs now. */
  get info(): Info {
    return this.current.info;
  }

  /** A worker that lives, as far as is known. A request must stay with the one that it began on. */
  live(): Promise<Link> {
    const { link } = this.current;
    if (this.again === undefined || this.closed !== undefined || link.failure?.code !== 'worker_failed') {
      return Promise.resolve(link);
    }
    this.starting ??= this.restart(this.again, link.failure).finally(() => (this.starting = undefined));
    return this.starting;
  }

  /** See {@link Link.call}. */
  async call<N extends CallName>(name: N, args: Calls[N][0]): Promise<Calls[N][1]> {
    return (await this.live()).call(name, args);
  }

  /** Ends it for good. */
  close(failure: KingletError): void {
    this.closed = failure;
    this.current.link.close(failure);
  }

  private async restart(again: () => Promise<Started>, why: KingletError): Promise<Link> {
    const started = await again();
    this.current = started;
    if (this.closed !== undefined) {
      started.link.close(this.closed);
    } else {
      const message = `the worker had died and was started again, the model loaded again: ${why.message}`;
      this.listener.notice({ code: 'worker_restarted', message, detail: { cause: why.message } });
    }
    return started.link;
  }
}
