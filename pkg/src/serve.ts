// The engine's side of the protocol, without the Wasm: any ports, any engine. Several clients (tabs, peer.ts) may share one
// engine; its requests run one at a time (queue.ts).

import { KingletError, toWire } from './errors.js';
import type { Inspector } from './inspect.js';
import { breath, Client } from './peer.js';
import type { Report } from './progress.js';
import type { Calls, Engine, FromWorker, Port } from './protocol.js';
import { Queue, type Turn } from './queue.js';
import type { Notice } from './types.js';

/** Opens the engine. */
export type Loader = (
  args: Calls['load'][0],
  progress: (progress: Report) => void,
  notice: (notice: Notice) => void,
  /** Aborts when nobody wants the engine any more, and with a `worker_failed` when its Wasm instance has crashed. */
  signal: AbortSignal,
) => Promise<Engine>;

/** Downloads a model into the store. */
export type Keeper = (
  args: Calls['keep'][0],
  progress: (progress: Report) => void,
  notice: (notice: Notice) => void,
) => Promise<void>;

/** Where an engine is, and who it is for. */
export interface Circumstances {
  /** The name of a Web Lock that this thread holds as long as it lives (lifeline.ts). */
  lock?: Promise<string | undefined>;
  /** How models are put into the store, where this kind of thread may write it. */
  keep?: Keeper;
  /** How the header of a model is judged. */
  inspect?: Inspector;
  /** How many clients there are now. */
  changed?: (clients: number) => void;
  /** The Wasm instance has crashed: {@link Host.crash} for all that share it. Default: this engine is alone with it. */
  crashed?: (message: string) => void;
  /** The engine is of no use any more; the clients have been told. */
  died?: () => void;
  /** Milliseconds for which a client may leave its answer lying while another waits. Default: no limit. */
  patience?: number;
}

/** One engine for one client: answers what comes from `port`. */
export function serve(port: Port, open: Loader, circumstances?: Circumstances): Host {
  const host = new Host(open, circumstances);
  host.connect(port);
  return host;
}

/** One engine and those who use it. */
export class Host {
  /** Whose turn it is. */
  readonly queue = new Queue();
  private readonly clients = new Set<Client>();
  private loading: Promise<Engine> | undefined;
  /** Whose load it is: it may need what only that client's page has. */
  private beginner: Client | undefined;
  private engine: Engine | undefined;
  private readonly ending = new AbortController();
  /** The engine is not re-entrant: a call begins when the one before has ended. */
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly open: Loader,
    readonly circumstances: Circumstances = {},
  ) {}

  /** How many use the engine. */
  get size(): number {
    return this.clients.size;
  }

  /** Answers what comes from `port`, until {@link Client.disconnect}. */
  connect(port: Port): Client {
    const client = new Client(this, port, () => {
      this.clients.delete(client);
      this.circumstances.changed?.(this.size);
    });
    this.clients.add(client);
    this.circumstances.changed?.(this.size);
    return client;
  }

  /** This engine is of no use any more: all clients let go of it. */
  die(message: string): void {
    this.broadcast({ tag: 'died', message });
    this.circumstances.died?.();
  }

  /** As {@link die}, and nothing calls into the Wasm instance any more. */
  crash(message: string): void {
    this.ending.abort(new KingletError('worker_failed', message));
    this.engine = undefined;
    this.loading = undefined;
    this.die(message);
  }

  /** What `work` gives; when it crashes, that is the end of the instance. */
  async sound<T>(work: Promise<T>, isCrash = isTrap): Promise<T> {
    try {
      return await work;
    } catch (thrown) {
      if (!isCrash(thrown)) {
        throw thrown;
      }
      const message = `the engine crashed (${String(thrown)})`;
      const { crashed = (why: string) => this.crash(why) } = this.circumstances;
      crashed(message);
      throw new KingletError('worker_failed', message, {}, { cause: thrown });
    }
  }

  /** Ends all requests and gives the engine's memory back. */
  async close(): Promise<void> {
    this.ending.abort();
    this.clients.forEach((client) => client.disconnect());
    await this.loading?.catch(() => undefined);
    await this.exclusive((engine) => engine.free?.()).catch(() => undefined);
    this.engine = undefined;
  }

  /** Says something unasked to everybody. */
  broadcast(message: FromWorker): void {
    this.clients.forEach((client) => client.post(message));
  }

  /**
   * Loads the model, or waits for the load that another client began; a load that failed may be tried again, and is when
   * it failed because the client that began it has gone.
   */
  async load(args: Calls['load'][0], client: Client): Promise<Engine> {
    const beginner = this.loading === undefined ? client : this.beginner;
    this.beginner = beginner;
    try {
      return await this.opened(args);
    } catch (thrown) {
      if (beginner === undefined || beginner === client || beginner.here || !client.here) {
        throw thrown;
      }
      return this.load(args, client);
    }
  }

  private opened(args: Calls['load'][0]): Promise<Engine> {
    const progress = (progress: Report) => this.broadcast({ tag: 'progress', progress });
    const notice = (notice: Notice) => this.broadcast({ tag: 'notice', notice });
    return (this.loading ??= this.sound(this.open(args, progress, notice, this.ending.signal)).then(
      (engine) => {
        this.engine = engine;
        this.announce(engine);
        return engine;
      },
      (thrown: unknown) => {
        this.loading = undefined;
        throw thrown;
      },
    ));
  }

  /** A model is loaded, or being loaded. */
  get loaded(): boolean {
    return this.loading !== undefined;
  }

  /** See {@link Calls}. */
  async keep(args: Calls['keep'][0]): Promise<null> {
    const { keep } = this.circumstances;
    if (keep === undefined) {
      throw new KingletError('unsupported_browser', 'this kind of worker cannot write the store');
    }
    await keep(args, (progress) => this.broadcast({ tag: 'progress', progress }), (notice) => this.broadcast({ tag: 'notice', notice }));
    return null;
  }

  /** Runs `work` when the calls before it have ended. */
  exclusive<T>(work: (engine: Engine) => T | Promise<T>): Promise<T> {
    const result = this.sound(this.tail.then(() => this.steadily(work)), isCrash);
    result.catch((thrown: unknown) => {
      // A thread is lost, and with it a part of the weights, or the engine is in no state to go on. Whoever asks next starts
      // again, with another worker.
      if (toWire(thrown).code === 'worker_failed') {
        this.die(toWire(thrown).message);
      }
    });
    this.tail = result.catch(() => undefined);
    return result;
  }

  /** Runs `work` again after a lost GPU was replaced: the engine has kept the request, and goes on where it was. */
  private async steadily<T>(work: (engine: Engine) => T | Promise<T>): Promise<T> {
    const { engine } = this;
    if (engine === undefined) {
      throw new KingletError('not_loaded', 'no model is loaded; call load first');
    }
    for (let restored = false; ; restored = true) {
      try {
        // What was already computed of the request comes first, with a hearing for an abort between its pieces.
        while (restored && (await engine.prefill())) {
          await breath();
        }
        return await work(engine);
      } catch (thrown) {
        const { code, message, detail } = toWire(thrown);
        if (code !== 'gpu_lost' || engine.restore === undefined) {
          throw thrown;
        }
        this.broadcast({ tag: 'notice', notice: { code, message, detail } });
        await engine.restore();
        this.announce(engine);
      }
    }
  }

  private announce(engine: Engine): void {
    engine.notices?.().forEach((notice) => this.broadcast({ tag: 'notice', notice, info: engine.info() }));
  }

  /** Ends the request whose turn it is: a step that is under way ends early. */
  async interrupt(turn: Turn): Promise<void> {
    try {
      if (this.queue.has(turn)) {
        this.engine?.abort();
        await this.exclusive((engine) => engine.abort());
      }
    } finally {
      this.queue.leave(turn);
    }
  }
}

/** Whether this is what a panic looks like from outside. */
function isTrap(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError;
}

/** As {@link isTrap}, or the end of the stack ("InternalError" in Firefox). */
function isCrash(thrown: unknown): boolean {
  return isTrap(thrown) || thrown instanceof RangeError || (thrown as Error | null)?.name === 'InternalError';
}
