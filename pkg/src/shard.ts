// A shard worker: one instance of the Wasm module that carries out the leader's orders, one after the other. It speaks
// only when it has joined, when it is asked whether it is done, and when it fails; a failure is its end. In any other place importing
// it does nothing.

import { SharedExchange, type Exchange } from './exchange.js';
import { LAZY } from './glue.js';
import { MessageExchange, type PartMessage, type Send } from './messages.js';
import { chooseModule, type RawShard } from './module.js';
import { RequestCount } from './requests.js';
import { scopeIs } from './scope.js';
import type { FromShard, ToShard } from './team.js';

interface Scope {
  postMessage(message: FromShard, transfer?: Transferable[]): void;
  addEventListener(type: 'message' | 'error' | 'unhandledrejection', listener: (event: any) => void): void;
}

const scope = globalThis as unknown as Scope;
let exchange: Exchange | undefined;
let shard: RawShard | undefined;
let wasm: WebAssembly.Memory | undefined;
let requests: RequestCount | undefined;
/** Orders are carried out in turn. */
let tail: Promise<void> = Promise.resolve();
let dead = false;
let rank = 0;

function fail(thrown: unknown): void {
  if (dead) {
    return;
  }
  dead = true;
  const message = typeof thrown === 'string' ? thrown : thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : JSON.stringify(thrown);
  exchange?.fail(message); // before the message: the leader may be waiting, deaf to messages
  scope.postMessage({ tag: 'failed', from: rank, message });
}

async function join({ ranks, kind, module, memory, ports, ...own }: ToShard & { tag: 'join' }): Promise<void> {
  rank = own.rank;
  if (memory !== undefined) {
    exchange = new SharedExchange(memory, rank, ranks);
  } else {
    const sends: (Send | undefined)[] = ports.map((port) => port?.postMessage.bind(port));
    sends[0] = (message, transfer) => scope.postMessage(message, transfer);
    const messages = new MessageExchange(rank, ranks, sends);
    ports.forEach((port) => {
      port?.addEventListener('message', ({ data }: MessageEvent<PartMessage>) => messages.receive(data));
      port?.start();
    });
    exchange = messages;
  }
  const chosen = await chooseModule({ kind, wasm: { [kind]: module } }, LAZY);
  wasm = chosen.memory;
  shard = new chosen.glue.Shard(rank, ranks, exchange);
  requests = new RequestCount();
  requests.begin();
  scope.postMessage({ tag: 'joined', memory: wasm.buffer.byteLength });
}

function settled(id: number): void {
  scope.postMessage({ tag: 'settled', id, memory: wasm?.buffer.byteLength ?? 0, requests: requests?.now ?? 0 });
}

if (scopeIs('DedicatedWorkerGlobalScope')) {
  // A trap unwinds into no promise: it only shows as an uncaught error.
  scope.addEventListener('error', (event: ErrorEvent) => {
    event.preventDefault();
    fail(event.error ?? event.message);
  });
  scope.addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => fail(event.reason));
  scope.addEventListener('message', ({ data }: MessageEvent<ToShard>) => {
    switch (data.tag) {
      case 'join':
        join(data).catch(fail);
        return;
      case 'order':
        tail = tail.then(() => (dead ? undefined : shard?.handle(data.order, data.payload))).catch(fail);
        return;
      case 'settle':
        tail = tail.then(() => (dead ? undefined : settled(data.id)));
        return;
      case 'part':
      case 'failed':
        (exchange as MessageExchange).receive(data);
    }
  });
}
