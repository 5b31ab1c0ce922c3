// The engine's side of the protocol, without the Wasm: any ports, any engine. Several clients (tabs) may share one engine;
// its requests run one at a time (queue.ts). What a client asks for ends with the client.

import { KingletError, toWire } from './errors.js';
import type { Inspector } from './inspect.js';
import { watch } from './lifeline.js';
import type { Report } from './progress.js';
import type { CallName, Calls, Engine, FromWorker, Port, ToWorker } from './protocol.js';
import { Queue, type Turn } from './queue.js';
import type { Reading } from './sources/open.js';
import { abandon } from './sources/supply.js';
import type { Notice } from './types.js';

/** Opens the engine. */
export type Loader = (
  args: Calls['load'][0],
  progress: (progress: Report) => void,
  notice: (notice: Notice) => void,
  /** Aborts when nobody wants the engine any more. */
  signal: AbortSignal,
) => Promise<Engine>;

/** Downloads a model into the store. */
export type Keeper = (
  args: Calls['keep'][0],
  progress: (progress: Report) => void,
  notice: (notice: Notice) => void,
) => Promise<void>;

/** How each call is answered. */
type Handlers = { [N in CallName]: (args: Calls[N][0]) => Promise<Calls[N][1]> | Calls[N][1] };

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
    return (this.loading ??= this.open(args, progress, notice, this.ending.signal).then(
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
    const result = this.tail.then(() => this.steadily(work));
    result.catch((thrown: unknown) => {
      // A thread is lost, and with it a part of the weights. Whoever asks next starts again, with another worker.
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
  };

  private async inspect(args: Calls['inspect'][0]): Promise<Calls['inspect'][1]> {
    const { inspect } = this.host.circumstances;
    if (inspect === undefined) {
      throw new KingletError('internal', 'this thread was not made to judge models');
    }
    return inspect(this.supplied(args));
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
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
