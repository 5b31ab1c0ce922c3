// The engine's side of the protocol, without the Wasm: any ports, any engine. Several clients (tabs) may share one engine;
// its requests run one at a time (queue.ts). What a client asks for ends with the client.

import { KingletError, toWire } from './errors.js';
import type { CallName, Calls, Engine, FromWorker, Port, ToWorker } from './protocol.js';
import { Queue, type Turn } from './queue.js';
import type { Progress } from './types.js';

/** Opens the engine. */
export type Loader = (args: Calls['load'][0], progress: (progress: Progress) => void) => Promise<Engine>;

/** How each call is answered. */
type Handlers = { [N in CallName]: (args: Calls[N][0]) => Promise<Calls[N][1]> | Calls[N][1] };

/** One engine for one client: answers what comes from `port`. `lock` as for {@link Host}. */
export function serve(port: Port, open: Loader, lock?: Promise<string | undefined>): Host {
  const host = new Host(open, lock);
  host.connect(port);
  return host;
}

/** One engine and those who use it. */
export class Host {
  /** Whose turn it is. */
  readonly queue = new Queue();
  private readonly clients = new Set<Client>();
  private loading: Promise<Engine> | undefined;
  private engine: Engine | undefined;
  /** The engine is not re-entrant: a call begins when the one before has ended. */
  private tail: Promise<unknown> = Promise.resolve();

  /** `lock`: the name of a Web Lock that this worker holds as long as it lives (lifeline.ts). */
  constructor(
    private readonly open: Loader,
    readonly lock?: Promise<string | undefined>,
  ) {}

  /** How many use the engine. */
  get size(): number {
    return this.clients.size;
  }

  /** Answers what comes from `port`, until {@link Client.disconnect}. */
  connect(port: Port): Client {
    const client = new Client(this, port, () => this.clients.delete(client));
    this.clients.add(client);
    return client;
  }

  /** This engine is of no use any more: all clients let go of it. */
  die(message: string): void {
    this.broadcast({ tag: 'died', message });
  }

  /** Says something unasked to everybody. */
  broadcast(message: FromWorker): void {
    this.clients.forEach((client) => client.post(message));
  }

  /** Loads the model, or waits for the load that another client began; a load that failed may be tried again. */
  async load(args: Calls['load'][0]): Promise<Engine> {
    this.loading ??= this.open(args, (progress) => this.broadcast({ tag: 'progress', progress })).then(
      (engine) => (this.engine = engine),
      (thrown: unknown) => {
        this.loading = undefined;
        throw thrown;
      },
    );
    return this.loading;
  }

  /** Runs `work` when the calls before it have ended. */
  exclusive<T>(work: (engine: Engine) => T | Promise<T>): Promise<T> {
    const result = this.tail.then(() => {
      if (this.engine === undefined) {
        throw new KingletError('not_loaded', 'no model is loaded; call load first');
      }
      return work(this.engine);
    });
    result.catch((thrown: unknown) => {
      // A thread is lost, and with it a part of the weights. Whoever asks next starts again, with another worker.
      if (toWire(thrown).code === 'worker_failed') {
        this.die(toWire(thrown).message);
      }
    });
    this.tail = result.catch(() => undefined);
    return result;
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
    this.connected = false;
    this.forget();
    this.streams.forEach((_, stream) => void this.abort(stream).catch(() => undefined));
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
    hello: async () => ({ lock: await this.host.lock, gpu: 'gpu' in (globalThis.navigator ?? {}) }),
    load: async (args) => (await this.host.load(args)).info(),
    start: (args) => this.start(args),
    next: ({ stream }) => this.next(stream),
    abort: ({ stream }) => this.abort(stream),
    tokenize: ({ text, special }) => this.host.exclusive((engine) => Array.from(engine.tokenize(text, special))),
    detokenize: ({ ids }) => this.host.exclusive((engine) => engine.detokenize(Uint32Array.from(ids))),
    count: ({ request }) => this.host.exclusive((engine) => engine.count(request)),
    stats: () => this.host.exclusive((engine) => engine.stats()),
  };

  private async start({ stream, kind, request }: Calls['start'][0]): Promise<null> {
    const turn: Turn = { client: this };
    this.streams.set(stream, turn);
    try {
      await this.host.queue.enter(turn);
      await this.host.exclusive((engine) => engine.start(kind, request));
    } catch (thrown) {
      this.end(stream);
      throw thrown;
    }
    return null;
  }

  private async next(stream: number): Promise<Calls['next'][1]> {
    const { host } = this;
    const turn = this.streams.get(stream);
    if (turn === undefined || !host.queue.has(turn)) {
      return null; // it has ended, or was aborted
    }
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
      return host.queue.has(turn) ? piece : null;
    } catch (thrown) {
      this.end(stream);
      throw thrown;
    }
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
