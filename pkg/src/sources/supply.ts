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

/** The page's end: answers what the worker asks over the port that is returned. */
export function supply(given: Given): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const bodies = new Map<number, { reader: ReadableStreamDefaultReader<Uint8Array> | undefined; control: AbortController }>();
  const tell = (message: Tell) => port1.postMessage(message, 'piece' in message && message.piece ? [message.piece.buffer as ArrayBuffer] : []);
  const begin = async ({ id, url, headers, cache }: Extract<Ask, { url: string }>) => {
    const control = new AbortController();
    bodies.set(id, { reader: undefined, control });
    const init: RequestInit = { headers, signal: control.signal, ...(cache === undefined ? {} : { cache }) };
    const response = await answer(given, url, init);
    bodies.set(id, { reader: response.body?.getReader(), control });
    tell({ id, head: { status: response.status, statusText: response.statusText, headers: [...response.headers] } });
  };
  const pull = async (id: number) => {
    const { value } = (await bodies.get(id)?.reader?.read()) ?? {};
    tell({ id, piece: value?.slice() }); // the whole buffer goes along: it may be somebody else's
  };
  port1.onmessage = ({ data }: MessageEvent<Ask>) => {
    const failed = (thrown: unknown) => {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      tell('url' in data ? { id: data.id, head: { failed: why } } : { id: data.id, failed: why });
    };
    if ('url' in data) {
      begin(data).catch(failed);
    } else if ('pull' in data) {
      pull(data.id).catch(failed);
    } else {
      const body = bodies.get(data.id);
      bodies.delete(data.id);
      body?.control.abort();
      body?.reader?.cancel().catch(() => undefined);
    }
  };
  return port2;
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
  port.onmessage = ({ data }: MessageEvent<Tell>) => waiting.get(data.id)?.(data);
  gone.addEventListener('abort', () => waiting.forEach((resolve, id) => resolve({ id, failed: GONE })));
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
      waiting.get(id)?.({ id, failed: 'aborted' });
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
