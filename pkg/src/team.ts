// The shard workers of one model, seen from the engine's worker: shard 0, the leader. Each has its own instance of the
// same Wasm module and its own rows of every matrix. Between orders they sit in their event loop, where waiting costs
// nothing; only inside a step do shards wait for each other (exchange.ts).

import type { KingletError } from './errors.js';
import { sharedMemory, SharedExchange, type Exchange } from './exchange.js';
import { MessageExchange, type PartMessage } from './messages.js';
import { failed, patience, SILENCE, watch } from './patience.js';
import type { ModuleKind } from './types.js';

/** What a shard worker is told. */
export type ToShard =
  | {
      tag: 'join';
      rank: number;
      ranks: number;
      kind: ModuleKind;
      /** Compiled once, by the leader. */
      module: WebAssembly.Module;
      /** The exchange's memory; without it, parts travel as messages. */
      memory: SharedArrayBuffer | undefined;
      /** The ways to the other followers, by rank. */
      ports: (MessagePort | null)[];
    }
  | { tag: 'order'; order: Uint8Array; payload: Uint8Array }
  | { tag: 'settle'; id: number }
  | PartMessage;

/**
 * What a shard worker says to the leader; `memory` is the size of its Wasm memory in bytes, `requests` how many it made of
 * the network since it joined.
 */
export type FromShard =
  | { tag: 'joined'; memory: number }
  | { tag: 'settled'; id: number; memory: number; requests: number }
  | PartMessage;

/** A question whether all is done, and the shards that have not answered. */
interface Settling {
  missing: Set<number>;
  resolve: () => void;
  reject: (error: KingletError) => void;
}

/** Starts a shard worker, not yet at work. */
export type Hire = () => Worker;

/** How long the workers may take to start. */
const START_MS = 30_000;

/** The generated class's `Team`: what the engine calls in the leader. */
export class Team {
  readonly exchange: Exchange;
  private failure: KingletError | undefined;
  private readonly settling = new Map<number, Settling>();
  private lastSettle = 0;
  /** When the last order was sent. */
  private since = performance.now();
  /** Bytes of Wasm memory of each follower: fresh, and when it last settled (after loading, after every prompt). */
  private readonly memories: { fresh: number; now: number }[] = [];
  /** Requests of each follower, as of the same moments. */
  private readonly asked: number[] = [];

  private constructor(
    private readonly workers: readonly Worker[],
    memory: SharedArrayBuffer | undefined,
  ) {
    const sends = workers.map((worker) => (message: ToShard, transfer: Transferable[]) => worker.postMessage(message, transfer));
    this.exchange =
      memory === undefined
        ? new MessageExchange(0, this.ranks, [undefined, ...sends])
        : new SharedExchange(memory, 0, this.ranks);
  }

  /**
   * A team of `ranks` shards, the calling worker included.
   *
   * @throws What a worker said that could not be started; all others are ended then.
   */
  static async assemble(ranks: number, shared: boolean, kind: ModuleKind, module: WebAssembly.Module, hire: Hire): Promise<Team> {
    const workers: Worker[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      for (let rank = 1; rank < ranks; rank++) {
        workers.push(hire());
      }
      const memory = shared ? sharedMemory(ranks) : undefined;
      const team = new Team(workers, memory);
      const joined = team.listen();
      const ports = shared ? [] : channels(ranks);
      workers.forEach((worker, i) => {
        const mine = ports[i + 1] ?? [];
        const message: ToShard = { tag: 'join', rank: i + 1, ranks, kind, module, memory, ports: mine };
        worker.postMessage(message, mine.filter((port) => port !== null));
      });
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('the workers did not start in time')), START_MS);
      });
      await Promise.race([joined, late]);
      return team;
    } catch (thrown) {
      workers.forEach((worker) => worker.terminate());
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Number of shards, the leader included. */
  get ranks(): number {
    return this.workers.length + 1;
  }

  /** Bytes of Wasm memory of all followers together. */
  memory(when: 'fresh' | 'now'): number {
    return this.memories.reduce((sum, memory) => sum + memory[when], 0);
  }

  /** Requests that the followers made of the network since they joined. */
  get requests(): number {
    return this.asked.reduce((sum, asked) => sum + asked, 0);
  }

  /** Sends an order to a follower; the bytes are copied, since they lie in Wasm memory. Never waits. */
  send(rank: number, order: Uint8Array, payload: Uint8Array): void {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    this.since = performance.now();
    this.exchange.begin();
    const message = { tag: 'order', order: order.slice(), payload: payload.slice() } satisfies ToShard;
    this.workers[rank - 1]?.postMessage(message, [message.order.buffer, message.payload.buffer]);
  }

  /** Resolves when every follower has carried out everything that it was sent. */
  settle(): Promise<void> {
    if (this.failure !== undefined) {
      return Promise.reject(this.failure);
    }
    const id = ++this.lastSettle;
    const missing = new Set(this.workers.keys());
    const settled = new Promise<void>((resolve, reject) => {
      this.settling.set(id, { missing, resolve, reject });
      this.workers.forEach((worker) => worker.postMessage({ tag: 'settle', id } satisfies ToShard));
    });
    const slices = patience(performance.now() - this.since);
    return settled.finally(watch(slices, () => missing.forEach((i) => this.end(i + 1, SILENCE))));
  }

  /** See {@link Exchange.start}. */
  start(all: Float32Array, bounds: Uint32Array, toLeader: boolean): Promise<void> | undefined {
    return this.exchange.start(all, bounds, toLeader);
  }

  /** See {@link Exchange.finish}. */
  finish(all: Float32Array, bounds: Uint32Array): void {
    this.exchange.finish(all, bounds);
  }

  /** Ends the followers. */
  dispose(): void {
    this.workers.forEach((worker) => worker.terminate());
  }

  /** Hears what the followers say; resolves when all have joined. */
  private listen(): Promise<void> {
    let missing = this.workers.length;
    return new Promise((resolve, reject) => {
      this.workers.forEach((worker, i) => {
        const rank = i + 1;
        const end = (message: string) => reject(this.end(rank, message));
        worker.addEventListener('message', ({ data }: MessageEvent<FromShard>) => {
          switch (data.tag) {
            case 'joined':
              this.memories[i] = { fresh: data.memory, now: data.memory };
              return --missing === 0 ? resolve() : undefined;
            case 'settled':
              this.memories[i]!.now = data.memory;
              this.asked[i] = data.requests;
              return this.settled(data.id, i);
            case 'failed':
              return end(data.message);
            case 'part':
              return (this.exchange as MessageExchange).receive(data);
          }
        });
        worker.addEventListener('error', (event) => {
          event.preventDefault(); // else the leader's own worker would count as dead
          end(event.message || 'it could not be started');
        });
        worker.addEventListener('messageerror', () => end('a message could not be decoded'));
      });
    });
  }

  private settled(id: number, i: number): void {
    const waiting = this.settling.get(id);
    waiting?.missing.delete(i);
    if (waiting?.missing.size === 0) {
      this.settling.delete(id);
      waiting.resolve();
    }
  }

  /** A follower is lost, and with it its rows: the team cannot go on. */
  private end(rank: number, message: string): KingletError {
    const failure = (this.failure ??= failed(rank, message));
    this.exchange.fail(message, rank);
    this.settling.forEach(({ reject }) => reject(failure));
    this.settling.clear();
    this.dispose();
    return failure;
  }
}

/** A channel between every two followers: `channels[a][b]` is a's end. */
function channels(ranks: number): (MessagePort | null)[][] {
  const ports = Array.from({ length: ranks }, () => Array<MessagePort | null>(ranks).fill(null));
  for (let a = 1; a < ranks; a++) {
    for (let b = a + 1; b < ranks; b++) {
      const { port1, port2 } = new MessageChannel();
      ports[a]![b] = port1;
      ports[b]![a] = port2;
    }
  }
  return ports;
}
