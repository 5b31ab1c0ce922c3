// What cannot cross to a worker stays on the page: the caller's own `fetch`, and streams. The worker asks for each piece
// over a port, so that no more is under way than it takes.

import { KingletError } from '../errors.js';
import type { Fetch } from './remote.js';

/** Addresses of streams: this, a number, a name. */
export const STREAM = 'stream:';

/** What the caller gave that stays on the page. */
export interface Given {
  fetch?: Fetch | undefined;
  streams: { stream: ReadableStream<Uint8Array>; length: number | undefined }[];
}

/** An answer's beginning, or why there is none. */
type Head = { status: number; statusText: string; headers: [string, string][] } | { failed: string };
type Ask =
  | { id: number; url: string; headers: [string, string][]; cache: RequestCache | undefined }
  | { id: number; pull: true }
  | { id: number; cancel: true };
type Tell = { id: number; head: Head } | { id: number; piece: Uint8Array | undefined } | { id: number; failed: string };

/** Nothing of it needs the page. */
export function isEmpty({ fetch, streams }: Given): boolean {
  return fetch === undefined && streams.length === 0;
}

/** A message to the worker holds so many bytes, if they come within so many milliseconds: pieces of the network are small. */
const ENOUGH = 512 << 10;
const SOON_MS = 50;

/** One answer's body, on the page. */
class Body {
  readonly control = new AbortController();
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** A read that has begun. */
  private next: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;

  /** What was asked for is here, perhaps too late. */
  begin({ body }: Response): void {
    if (this.control.signal.aborted) {
      body?.cancel().catch(() => undefined); // a `fetch` of the caller's own may know nothing of signals
    } else {
      this.reader = body?.getReader();
    }
  }

  /** What comes next, in memory of its own; undefined: nothing. */
  async pull(): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    const end = performance.now() + SOON_MS;
    while (size < ENOUGH) {
      const next = (this.next ??= this.reader?.read());
      const found = await (size === 0 ? next : before(end, next));
      if (found === undefined) {
        break; // late, or broken: that is for the next message
      }
      this.next = undefined;
      if (found.value === undefined) {
        break;
      }
      pieces.push(found.value);
      size += found.value.length;
    }
    return size === 0 ? undefined : joined(pieces, size);
  }

  cancel(): void {
    this.control.abort();
    this.reader?.cancel().catch(() => undefined);
  }
}

/** What `promise` comes to; undefined when that fails, or takes until `end`. */
async function before<T>(end: number, promise: Promise<T> | undefined): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), Math.max(0, end - performance.now()))));
  try {
    return await Promise.race([promise?.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}

function joined(pieces: Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size); // a piece's own buffer may be somebody else's
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The page's end. */
export interface Supply {
  /** For the worker. */
  port: MessagePort;
  /** Ends all that is under way. */
  close(): void;
}

/** Answers what the worker asks over the port that is returned. */
export function supply(given: Given): Supply {
  const { port1, port2 } = new MessageChannel();
  const bodies = new Map<number, Body>();
  const tell = (message: Tell) => port1.postMessage(message, 'piece' in message && message.piece ? [message.piece.buffer as ArrayBuffer] : []);
  const begin = async ({ id, url, headers, cache }: Extract<Ask, { url: string }>) => {
    const body = new Body();
    bodies.set(id, body);
    const init: RequestInit = { headers, signal: body.control.signal, ...(cache === undefined ? {} : { cache }) };
    const response = await answer(given, url, init);
    body.begin(response);
    tell({ id, head: { status: response.status, statusText: response.statusText, headers: [...response.headers] } });
  };
  const pull = async (id: number) => {
    const piece = await bodies.get(id)?.pull();
    if (piece === undefined) {
      bodies.delete(id);
    }
    tell({ id, piece });
  };
  port1.onmessage = ({ data }: MessageEvent<Ask>) => {
    const failed = (thrown: unknown) => {
      bodies.delete(data.id);
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      tell('url' in data ? { id: data.id, head: { failed: why } } : { id: data.id, failed: why });
    };
    if ('url' in data) {
      begin(data).catch(failed);
    } else if ('pull' in data) {
      pull(data.id).catch(failed);
    } else {
      bodies.get(data.id)?.cancel();
      bodies.delete(data.id);
    }
  };
  const close = () => {
    port1.close();
    bodies.forEach((body) => body.cancel());
    bodies.clear();
  };
  return { port: port2, close };
}

async function answer({ fetch, streams }: Given, url: string, init: RequestInit): Promise<Response> {
  if (!url.startsWith(STREAM)) {
    return (fetch ?? globalThis.fetch)(url, init);
  }
  const given = streams[Number.parseInt(url.slice(STREAM.length), 10)];
  if (given === undefined || given.stream.locked) {
    throw new KingletError('io', 'a stream can be read only once');
  }
  return new Response(given.stream, { headers: given.length === undefined ? {} : { 'content-length': String(given.length) } });
}

const GONE = 'the page that reads this file has gone';
/** By port: aborts when the page at the other end has gone, of which the port itself says nothing. */
const pages = new WeakMap<MessagePort, AbortController>();

function pageAt(port: MessagePort): AbortController {
  const page = pages.get(port) ?? new AbortController();
  pages.set(port, page);
  return page;
}

/** The page at the other end of `port` has gone: what was asked of it fails, and what will be. */
export function abandon(port: MessagePort): void {
  pageAt(port).abort();
  port.close();
}

/** The worker's end. */
export function supplied(port: MessagePort): Fetch {
  const waiting = new Map<number, (message: Tell) => void>();
  const { signal: gone } = pageAt(port);
  let last = 0;
  const settle = (message: Tell) => {
    const resolve = waiting.get(message.id);
    waiting.delete(message.id);
    resolve?.(message);
  };
  port.onmessage = ({ data }: MessageEvent<Tell>) => settle(data);
  gone.addEventListener('abort', () => [...waiting.keys()].forEach((id) => settle({ id, failed: GONE })));
  // Typed when the page has gone: that does not pass, and need not be tried again.
  const failure = (why: string) => (gone.aborted ? new KingletError('io', GONE) : new TypeError(why));
  const ask = (message: Ask) =>
    new Promise<Tell>((resolve) => {
      if (gone.aborted) {
        return resolve({ id: message.id, failed: GONE });
      }
      waiting.set(message.id, resolve);
      port.postMessage(message);
    });
  return async (url, { headers, signal, cache }) => {
    last += 1;
    const id = last;
    const cancel = () => {
      port.postMessage({ id, cancel: true });
      settle({ id, failed: 'aborted' });
    };
    signal?.addEventListener('abort', cancel);
    const told = await ask({ id, url, headers: [...new Headers(headers)], cache });
    if (!('head' in told) || 'failed' in told.head) {
      throw failure('failed' in told ? told.failed : 'head' in told && 'failed' in told.head ? told.head.failed : 'no answer');
    }
    const { status, statusText, headers: found } = told.head;
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const next = await ask({ id, pull: true });
          if ('piece' in next && next.piece !== undefined) {
            controller.enqueue(next.piece);
          } else if ('piece' in next) {
            controller.close();
          } else {
            controller.error(failure('failed' in next ? next.failed : 'no answer'));
          }
        },
        cancel,
      },
      { highWaterMark: 0 },
    );
    const empty = status === 204 || status === 205 || status === 304;
    return new Response(empty ? null : body, { status, statusText, headers: found });
  };
}
