// One request as an async iterator: the first pull starts it, leaving the loop (or the signal) ends it.

import { aborted } from './errors.js';
import type { Lasting } from './lasting.js';
import type { Link } from './link.js';
import type { Choice, Piece, RequestKind, Step, Vector } from './protocol.js';

let lastStream = 0;

/**
 * The pieces of one answer. `break`, `return()` and the signal stop the engine within one step; the signal also while
 * nobody pulls, so that an answer which was left lying does not hold up the next.
 */
export async function* pieces<T extends Piece | Vector | Choice | Step = Piece>(
  engine: Lasting,
  kind: RequestKind,
  request: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, void> {
  if (signal?.aborted) {
    throw aborted(signal);
  }
  const stream = ++lastStream;
  let link: Link | undefined;
  const stop = async () => link?.call('abort', { stream }).catch(() => null);
  const interrupt = interruption(signal, stop);
  let open = true;
  try {
    // To the end: another worker would know nothing of this request.
    link = await interrupt.race(engine.live());
    await interrupt.race(link.call('start', { stream, kind, request }));
    for (;;) {
      const piece = await interrupt.race(link.call('next', { stream }));
      if (piece === null) {
        open = false;
        return;
      }
      yield piece as T;
    }
  } finally {
    interrupt.end();
    if (open) {
      await stop();
    }
  }
}

/** Lets a signal win over a promise; `stop` is called when it fires. */
function interruption(
  signal: AbortSignal | undefined,
  stop: () => Promise<unknown>,
): { race<T>(work: Promise<T>): Promise<T>; end(): void } {
  if (signal === undefined) {
    return { race: (work) => work, end: () => undefined };
  }
  let reject: (reason: unknown) => void = () => undefined;
  const interrupted = new Promise<never>((_, fail) => (reject = fail));
  interrupted.catch(() => undefined);
  const onAbort = () => {
    reject(aborted(signal));
    void stop();
  };
  signal.addEventListener('abort', onAbort);
  return {
    race: (work) => Promise.race([interrupted, work]),
    end: () => signal.removeEventListener('abort', onAbort),
  };
}
