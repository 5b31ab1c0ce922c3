// The worker's side of the protocol, without the Wasm: any port, any engine. One request runs at a time; the others
// wait their turn in the order in which they came.

import { KingletError, toWire } from './errors.js';
import type { CallName, Calls, Engine, FromWorker, Port, ToWorker } from './protocol.js';
import type { Progress } from './types.js';

/** Opens the engine; called once, by the page's `load`. */
export type Loader = (args: Calls['load'][0], progress: (progress: Progress) => void) => Promise<Engine>;

/** Answers the page's messages on `port` until the worker ends. */
export function serve(port: Port, load: Loader): void {
  const server = new Server(load, (progress) => post({ tag: 'progress', progress }));
  const post = (message: FromWorker) => port.postMessage(message);
  port.addEventListener('message', (event: MessageEvent<ToWorker>) => {
    const { id, call, args } = event.data;
    server.answer(call, args).then(
      (value) => post({ tag: 'value', id, value }),
      (thrown: unknown) => post({ tag: 'error', id, error: toWire(thrown) }),
    );
  });
}

/** Lets messages in that have arrived meanwhile. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

interface Waiting {
  stream: number;
  begin: () => void;
  cancel: () => void;
}

class Server {
  private engine: Engine | undefined;
  /** The request whose turn it is. */
  private current: number | undefined;
  private readonly waiting: Waiting[] = [];
  /** The engine is not re-entrant: a call begins when the one before has ended. */
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly load: Loader,
    private readonly progress: (progress: Progress) => void,
  ) {}

  async answer(call: CallName, args: unknown): Promise<Calls[CallName][1]> {
    switch (call) {
      case 'load':
        this.engine = await this.load(args as Calls['load'][0], this.progress);
        return this.engine.info();
      case 'start':
        return this.start(args as Calls['start'][0]);
      case 'next':
        return this.next((args as Calls['next'][0]).stream);
      case 'abort':
        return this.abort((args as Calls['abort'][0]).stream);
      case 'tokenize': {
        const { text, special } = args as Calls['tokenize'][0];
        return this.exclusive((engine) => Array.from(engine.tokenize(text, special)));
      }
      case 'detokenize':
        return this.exclusive((engine) => engine.detokenize(Uint32Array.from((args as Calls['detokenize'][0]).ids)));
      case 'count':
        return this.exclusive((engine) => engine.count((args as Calls['count'][0]).request));
      case 'stats':
        return this.exclusive((engine) => engine.stats());
    }
  }

  private async start({ stream, kind, request }: Calls['start'][0]): Promise<null> {
    await this.turn(stream);
    try {
      await this.exclusive((engine) => engine.start(kind, request));
    } catch (thrown) {
      this.release(stream);
      throw thrown;
    }
    return null;
  }

  private async next(stream: number): Promise<Calls['next'][1]> {
    if (this.current !== stream) {
      return null; // it has ended, or was aborted
    }
    try {
      // A long prompt is read in chunks, and between them an abort must get a hearing.
      while (await this.exclusive((engine) => engine.prefill())) {
        await breath();
        if (this.current !== stream) {
          return null;
        }
      }
      const piece = await this.exclusive((engine) => engine.next());
      if (piece === undefined) {
        this.release(stream);
        return null;
      }
      return this.current === stream ? piece : null;
    } catch (thrown) {
      this.release(stream);
      throw thrown;
    }
  }

  private async abort(stream: number): Promise<null> {
    const place = this.waiting.findIndex((waiting) => waiting.stream === stream);
    if (place >= 0) {
      this.waiting.splice(place, 1)[0]?.cancel();
    } else if (this.current === stream) {
      this.engine?.abort(); // at once: a pending step ends early
      await this.exclusive((engine) => engine.abort());
      this.release(stream);
    }
    return null;
  }

  /** Resolves when no earlier request is left. */
  private turn(stream: number): Promise<void> {
    if (this.current === undefined) {
      this.current = stream;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({
        stream,
        begin: resolve,
        cancel: () => reject(new KingletError('aborted', 'aborted by the caller')),
      });
    });
  }

  private release(stream: number): void {
    if (this.current !== stream) {
      return;
    }
    const following = this.waiting.shift();
    this.current = following?.stream;
    following?.begin();
  }

  private exclusive<T>(work: (engine: Engine) => T | Promise<T>): Promise<T> {
    const result = this.tail.then(() => {
      if (this.engine === undefined) {
        throw new KingletError('not_loaded', 'no model is loaded; call load first');
      }
      return work(this.engine);
    });
    this.tail = result.catch(() => undefined);
    return result;
  }
}
