// When the queue is flushed: at once, when the browser says that it is online or that the page is seen again, and again and
// again at growing intervals, because what the browser says of the network is not believed.

import type { Flushed, Send } from './types.js';

/** How a queue is watched. */
export interface WatchOptions {
  /** The first interval, which doubles, and the longest one, in milliseconds. Default 5,000 and 300,000. */
  firstMs?: number;
  longestMs?: number;
  /** What each flush did that did anything. */
  onFlush?: (flushed: Flushed) => void;
  /** A flush failed: the store did. */
  onError?: (thrown: unknown) => void;
}

interface Flushable {
  flush(send: Send, options: { signal: AbortSignal }): Promise<Flushed>;
}

/** Watches until the function that comes back is called, or `ends` is aborted. */
export function watch(queue: Flushable, send: Send, ends: AbortSignal, { firstMs = 5_000, longestMs = 300_000, onFlush, onError }: WatchOptions): () => void {
  const stopped = new AbortController();
  const signal = AbortSignal.any([ends, stopped.signal]);
  let interval = firstMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;

  const later = () => {
    clearTimeout(timer);
    // Drawn, so that tabs and users do not all come at the same moment.
    timer = signal.aborted ? undefined : setTimeout(run, interval * (0.5 + Math.random() / 2));
    interval = Math.min(longestMs, interval * 2);
  };
  const run = () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    queue
      .flush(send, { signal })
      .then((flushed) => {
        interval = flushed.sent.length > 0 ? firstMs : interval;
        if (Object.values(flushed).some((ids: string[]) => ids.length > 0)) {
          onFlush?.(flushed);
        }
      })
      .catch((thrown: unknown) => (signal.aborted ? undefined : onError?.(thrown)))
      .catch(() => undefined) // the app's own
      .finally(() => {
        running = false;
        return again && !signal.aborted ? run() : later();
      });
  };
  const soon = () => {
    interval = firstMs;
    run();
  };
  const seen = () => {
    if (globalThis.document?.visibilityState === 'visible') {
      soon();
    }
  };
  globalThis.addEventListener?.('online', soon);
  globalThis.document?.addEventListener('visibilitychange', seen);
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', soon);
      globalThis.document?.removeEventListener('visibilitychange', seen);
    },
    { once: true },
  );
  run();
  return () => stopped.abort();
}
