// The page's end of the protocol: one promise for each message, and the death of the worker as an error of them all.

import { aborted, fromWire, KingletError } from './errors.js';
import { watch } from './lifeline.js';
import { uncloneable } from './cloneable.js';
import { invalid } from './params.js';
import type { CallName, Calls, FromWorker, Hello, Port } from './protocol.js';
import type { Report } from './progress.js';
import { isEmpty, supply, type Given } from './sources/supply.js';
import type { Info, Notice } from './types.js';

interface Pending {
  resolve: (value: never) => void;
  reject: (error: KingletError) => void;
}

/** What is told unasked. */
export interface Listener {
  progress(progress: Report): void;
  notice(notice: Notice): void;
}

/** Calls into a worker, until its end. */
export class Link {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private ended: KingletError | undefined;
  private changed: Info | undefined;
  private unwatch: () => void = () => undefined;
  /** How to end what this side supplies. */
  private readonly supplies: (() => void)[] = [];

  constructor(
    private readonly port: Port & { terminate?: () => void },
    private readonly listener: Listener,
  ) {
    port.addEventListener('message', (event: MessageEvent<FromWorker>) => this.receive(event.data));
    port.addEventListener('error', (event: ErrorEvent) => {
      event.preventDefault?.();
      const what = event.message || 'it could not be started (is its address right, and does the CSP allow it?)';
      this.close(new KingletError('worker_failed', `the worker failed: ${what}`));
    });
    port.addEventListener('messageerror', () => {
      this.close(new KingletError('worker_failed', 'the worker failed: a message could not be decoded'));
    });
    port.start?.();
  }

  /** What has become of the engine that was loaded, where something has. */
  get info(): Info | undefined {
    return this.changed;
  }

  /** Why every call fails, where that is so. */
  get failure(): KingletError | undefined {
    return this.ended;
  }

  /** The first call; from its answer on, the worker's death is noticed whatever the cause. See `hello` of {@link Calls}. */
  async greet(lock?: string): Promise<Hello> {
    const hello = await this.call('hello', { lock });
    if (hello.lock !== undefined && this.ended === undefined) {
      this.unwatch = watch(hello.lock, () => {
        const why = 'it was ended (by the browser, for want of memory, or by a call of terminate())';
        this.close(new KingletError('worker_failed', `the worker failed: ${why}`));
      });
    }
    return hello;
  }

  /** Sends one message and waits for its reply. */
  call<N extends CallName>(call: N, args: Calls[N][0], transfer: Transferable[] = []): Promise<Calls[N][1]> {
    if (this.ended !== undefined) {
      return Promise.reject(this.ended);
    }
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      try {
        this.port.postMessage({ id, call, args }, transfer);
      } catch (thrown) {
        this.pending.delete(id);
        // A request's parameters are the caller's, the arguments around them are not.
        const found = uncloneable(args !== null && 'request' in args ? args.request : args);
        const got = found?.got ?? (thrown instanceof Error ? thrown.message : String(thrown));
        reject(invalid(found?.path || call, 'plain data', got));
      }
    });
  }

  /** As {@link call}, with a port to what stays on this side. */
  callWith<N extends 'load' | 'keep' | 'inspect'>(given: Given, call: N, args: Calls[N][0]): Promise<Calls[N][1]> {
    if (isEmpty(given)) {
      return this.call(call, args);
    }
    const { port, close } = supply(given);
    this.supplies.push(close);
    return this.call(call, { ...args, reading: { ...args.reading, port } }, [port]);
  }

  /** Lets go of the worker, which ends unless others use it; every call, pending or later, fails with `failure`. */
  close(failure: KingletError): void {
    if (this.ended !== undefined) {
      return;
    }
    this.ended = failure;
    this.unwatch();
    this.port.terminate?.();
    this.supplies.forEach((end) => end());
    for (const { reject } of this.pending.values()) {
      reject(failure);
    }
    this.pending.clear();
  }

  /** As {@link close}, when `signal` aborts; returns how to stop listening. */
  closeOn(signal: AbortSignal | undefined): () => void {
    if (signal === undefined) {
      return () => undefined;
    }
    const close = () => this.close(aborted(signal));
    if (signal.aborted) {
      close();
    }
    signal.addEventListener('abort', close);
    return () => signal.removeEventListener('abort', close);
  }

  private receive(message: FromWorker): void {
    if (this.ended !== undefined) {
      return; // a message that was on its way when the worker ended
    }
    switch (message.tag) {
      case 'progress':
        return this.listener.progress(message.progress);
      case 'notice':
        this.changed = message.info ?? this.changed;
        return this.listener.notice(message.notice);
      case 'died':
        return this.close(new KingletError('worker_failed', `the worker failed: ${message.message}`));
      case 'value':
        this.take(message.id)?.resolve(message.value as never);
        return;
      case 'error':
        this.take(message.id)?.reject(fromWire(message.error));
        return;
    }
  }

  private take(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }
}
