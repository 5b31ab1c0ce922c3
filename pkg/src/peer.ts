// Whoever uses an engine over one port: its calls, its requests' turns, and its end, with which all that it asked for ends.

import { KingletError, toWire } from './errors.js';
import { watch } from './lifeline.js';
import type { CallName, Calls, Engine, FromWorker, Port, Tested, ToWorker } from './protocol.js';
import type { Turn } from './queue.js';
import type { Host } from './serve.js';
import type { Reading } from './sources/open.js';
import { abandon } from './sources/supply.js';

/** How each call is answered. */
type Handlers = { [N in CallName]: (args: Calls[N][0]) => Promise<Calls[N][1]> | Calls[N][1] };

/** Whoever is at the other end of one port. */
export class Client {
  /** Its requests, by the names that it gave them. */
  private readonly streams = new Map<number, Turn>();
  private connected = true;
  private unwatch: () => void = () => undefined;
  private idle: ReturnType<typeof setTimeout> | undefined;
  /** Its ends of what its page supplies. */
  private readonly supplies = new Set<MessagePort>();

  /** @internal see {@link Host.connect} */
  constructor(
    private readonly host: Host,
    private readonly port: Port,
    private readonly forget: () => void,
  ) {
    port.addEventListener('message', (event: MessageEvent<ToWorker>) => void this.receive(event.data));
    port.start?.();
  }

  /** Ends its requests, running and waiting, and says nothing to it any more. */
  disconnect(): void {
    if (!this.connected) {
      return;
    }
    this.post({ tag: 'died', message: 'it has ended this connection' }); // a tab that was only frozen hears it when it wakes
    this.connected = false;
    this.unwatch();
    clearTimeout(this.idle);
    this.forget();
    this.supplies.forEach(abandon);
    this.streams.forEach((_, stream) => void this.abort(stream).catch(() => undefined));
  }

  /** It has not gone, as far as is known. */
  get here(): boolean {
    return this.connected;
  }

  /** The same arguments; what comes from the page over a port fails when the page has gone. */
  private supplied<T extends { reading?: Reading }>(args: T): T {
    const port = args.reading?.port;
    if (port !== undefined) {
      this.supplies.add(port);
    }
    return args;
  }

  /** Says something, while there is somebody to hear it. */
  post(message: FromWorker): void {
    if (this.connected) {
      this.port.postMessage(message);
    }
  }

  private async receive({ id, call, args }: ToWorker): Promise<void> {
    try {
      const answer = this.handlers[call] as (args: unknown) => Promise<Calls[CallName][1]>;
      const value = this.connected ? await answer(args) : null;
      this.post({ tag: 'value', id, value });
    } catch (thrown) {
      this.post({ tag: 'error', id, error: toWire(thrown) });
    }
  }

  /** A new call is one entry here and one in {@link Calls}. */
  private readonly handlers: Handlers = {
    hello: async ({ lock }) => {
      if (lock !== undefined) {
        this.unwatch = watch(lock, () => this.disconnect());
      }
      return { lock: await this.host.circumstances.lock, gpu: 'gpu' in (globalThis.navigator ?? {}), loaded: this.host.loaded };
    },
    keep: (args) => this.host.keep(this.supplied(args)),
    load: async (args) => (await this.host.load(this.supplied(args), this)).info(),
    start: (args) => this.start(args),
    next: ({ stream }) => this.next(stream),
    abort: ({ stream }) => this.abort(stream),
    tokenize: ({ text, special }) => this.host.exclusive((engine) => Array.from(engine.tokenize(text, special))),
    detokenize: ({ ids }) => this.host.exclusive((engine) => engine.detokenize(Uint32Array.from(ids))),
    count: ({ request }) => this.host.exclusive((engine) => engine.count(request)),
    inspect: (args) => this.inspect(args),
    context: () => this.host.exclusive((engine) => engine.context()),
    stats: () => this.host.exclusive((engine) => engine.stats()),
    test: () => this.host.exclusive((engine) => this.test(engine)),
  };

  private async inspect(args: Calls['inspect'][0]): Promise<Calls['inspect'][1]> {
    const { inspect } = this.host.circumstances;
    if (inspect === undefined) {
      throw new KingletError('internal', 'this thread was not made to judge models');
    }
    return this.host.sound(inspect(this.supplied(args)));
  }

  private async test(engine: Engine): Promise<Tested> {
    const tested = await engine.test?.();
    if (tested === undefined) {
      throw new KingletError('aborted', 'the self-test was ended by the end of a request; ask again');
    }
    return tested;
  }

  private async start({ stream, kind, request }: Calls['start'][0]): Promise<null> {
    const turn: Turn = { client: this };
    this.streams.set(stream, turn);
    try {
      await this.host.queue.enter(turn);
      await this.host.exclusive((engine) => engine.start(kind, request));
      this.expect(turn);
    } catch (thrown) {
      this.end(stream);
      throw thrown;
    }
    return null;
  }

  private async next(stream: number): Promise<Calls['next'][1]> {
    const { host } = this;
    const turn = this.streams.get(stream);
    if (turn?.overdue !== undefined) {
      this.streams.delete(stream);
      throw turn.overdue;
    }
    if (turn === undefined || !host.queue.has(turn)) {
      return null; // it has ended, or was aborted
    }
    clearTimeout(this.idle);
    try {
      // A long prompt is read in chunks, and between them an abort must get a hearing.
      while (await host.exclusive((engine) => engine.prefill())) {
        await breath();
        if (!host.queue.has(turn)) {
          return null;
        }
      }
      const piece = await host.exclusive((engine) => engine.next());
      if (piece === undefined) {
        this.end(stream);
        return null;
      }
      if (!host.queue.has(turn)) {
        return null;
      }
      this.expect(turn);
      return piece;
    } catch (thrown) {
      this.end(stream);
      throw thrown;
    }
  }

  /** The next pull must come in time, unless nobody else waits. */
  private expect(turn: Turn): void {
    const { queue, circumstances } = this.host;
    if (circumstances.patience === undefined) {
      return;
    }
    this.idle = setTimeout(() => {
      if (!queue.crowded || !queue.has(turn)) {
        return queue.has(turn) ? this.expect(turn) : undefined;
      }
      const what = `this answer was left lying for ${circumstances.patience} ms while another tab waited for the engine; ask again`;
      turn.overdue = new KingletError('aborted', what);
      void this.host.interrupt(turn).catch(() => undefined);
    }, circumstances.patience);
  }

  private async abort(stream: number): Promise<null> {
    const turn = this.streams.get(stream);
    this.streams.delete(stream);
    if (turn !== undefined) {
      await this.host.interrupt(turn);
    }
    return null;
  }

  private end(stream: number): void {
    const turn = this.streams.get(stream);
    this.streams.delete(stream);
    if (turn !== undefined) {
      this.host.queue.leave(turn);
    }
  }
}

/** Lets messages in that have arrived meanwhile. */
export function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
