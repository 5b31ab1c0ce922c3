// A model whose bytes the app has: to the package it is a file on a server that knows ranges, and every read of it is a question to
// the app. So it streams, is kept, goes on after an interruption, and nothing is asked for that is there already.

/** Where such files are, as far as the package knows; nothing is ever asked there. */
const PLACE = 'https://pieces.invalid/';

/** The address of the file with this name. */
export const addressOf = (name) => PLACE + encodeURIComponent(name);

/**
 * A `fetch` for the package. `failed` hears what went wrong between page and app: that is not a network's failure, and is not tried again.
 */
export function piecewise({ name, size, sha256, version }, questions, most, failed) {
  const address = addressOf(name);
  return async (url, init = {}) => {
    if (url !== address) return fetch(url, init);
    const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init.headers).get('range') ?? '');
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Math.min(Number(range[2]) + 1, size) : size;
    if (start >= size) return new Response(null, { status: 416, headers: { 'content-range': `bytes */${size}` } });
    const headers = {
      'accept-ranges': 'bytes',
      'content-length': String(end - start),
      etag: JSON.stringify(`${version ?? sha256 ?? 'one'}-${size}`),
      ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${size}` } : {}),
    };
    let at = start;
    const body = new ReadableStream(
      {
        async pull(controller) {
          try {
            const length = Math.min(most, end - at);
            const bytes = await questions.ask({ type: 'want', name, at, length }, questions.patience.piece, init.signal);
            at += length;
            controller.enqueue(bytes);
            if (at === end) controller.close();
          } catch (thrown) {
            if (!init.signal?.aborted) failed(thrown);
            throw thrown;
          }
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { status: range ? 206 : 200, headers });
  };
}
