// A real HTTP server on this machine that does to a file whatever servers and networks do.
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

/** The last byte positions of a Range header: `[start, end)`, or undefined. */
function rangeOf(header, size) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  return first === undefined ? undefined : [Number(first), last === '' ? size : Math.min(Number(last) + 1, size)];
}

/**
 * Starts it. `file()` is what it has now, `{bytes, etag, modified}`; `fault(n, request)` says what happens to request `n`
 * (from 0): any of
 *   status, retryAfter: an error instead of the file
 *   ignoresRange, chunked (no length), gzip, hidesRange (as CORS does), unknownTotal, shorter (bytes of a part at most)
 *   multipart: as an answer to several ranges; bare: an answer 416 does not tell the length
 *   cut: breaks the connection off after so many bytes; stall: says nothing more after so many
 *   delay: milliseconds before the answer; pace: milliseconds after each 64 KiB; wrong(bytes): other bytes than it should send
 * Returns {origin, asked, sent, open, most, close}: `asked` has `[start, end]` of every request, `sent` is the number of bytes
 * of the file that went out, `open` how many requests there are now, `most` how many there were at once.
 */
export async function startFaults(file, fault = () => ({}), headers = {}) {
  const asked = [];
  const state = { most: 0, open: 0, sent: 0 };
  const server = createServer(async (request, response) => {
    if (request.method === 'OPTIONS') {
      // Browsers ask before they send headers to another origin that are not of the simple kind.
      response.writeHead(204, { ...headers, 'Access-Control-Allow-Headers': 'range, if-range' }).end();
      return;
    }
    const n = asked.length;
    const { bytes, etag, modified } = file();
    const what = fault(n, request) ?? {};
    const range = what.ignoresRange ? undefined : rangeOf(request.headers.range, bytes.length);
    response.setMaxListeners(0);
    asked.push(rangeOf(request.headers.range, bytes.length) ?? [0, bytes.length]);
    state.open += 1;
    state.most = Math.max(state.most, state.open);
    response.on('close', () => (state.open -= 1));
    Object.entries(headers).forEach(([name, value]) => response.setHeader(name, value));
    if (what.delay) await new Promise((resolve) => setTimeout(resolve, what.delay));
    if (what.status) {
      response.writeHead(what.status, what.retryAfter ? { 'Retry-After': what.retryAfter } : {}).end();
      return;
    }
    if (etag) response.setHeader('ETag', etag);
    if (modified) response.setHeader('Last-Modified', modified);
    const changed = request.headers['if-range'] !== undefined && ![etag, modified].includes(request.headers['if-range']);
    let [start, end] = (!changed && range) || [0, bytes.length];
    if (start >= bytes.length && bytes.length > 0) {
      response.writeHead(416, what.bare ? {} : { 'Content-Range': `bytes */${bytes.length}` }).end();
      return;
    }
    let body = bytes.subarray(start, (end = Math.min(end, start + (what.shorter ?? Infinity))));
    body = what.wrong?.(body, start) ?? body;
    const partial = range && !changed;
    if (partial && !what.hidesRange) response.setHeader('Content-Range', `bytes ${start}-${end - 1}/${what.unknownTotal ? '*' : bytes.length}`);
    if (what.multipart) {
      response.removeHeader('Content-Range');
      response.setHeader('Content-Type', 'multipart/byteranges; boundary=x');
      body = Buffer.from(`--x\r\nContent-Range: bytes ${start}-${end - 1}/${bytes.length}\r\n\r\n${body.toString('latin1')}\r\n--x--\r\n`, 'latin1');
    }
    if (what.gzip) {
      response.setHeader('Content-Encoding', 'gzip');
      body = gzipSync(body, { level: 0 });
    } else if (!what.chunked) {
      response.setHeader('Content-Length', body.length);
    }
    response.writeHead(partial ? 206 : 200);
    const stop = Math.min(what.cut ?? Infinity, what.stall ?? Infinity);
    for (let at = 0; at < Math.min(body.length, stop) && !response.destroyed; at += 65536) {
      const piece = body.subarray(at, Math.min(at + 65536, stop));
      state.sent += piece.length;
      if (!response.write(piece)) await new Promise((resolve) => (response.once('drain', resolve), response.once('close', resolve)));
      if (what.pace) await new Promise((resolve) => setTimeout(resolve, what.pace));
    }
    if (body.length > stop) {
      if (what.cut !== undefined) {
        // Browsers drop what they have not handed over yet when a connection breaks; four times in a row, and it is no progress.
        await new Promise((resolve) => setTimeout(resolve, 20));
        response.destroy();
      }
      return; // a stalled one stays open
    }
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return Object.assign(state, {
    origin: `http://localhost:${server.address().port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
}

/** What servers do that a file of this length survives: by name, the `fault` of {@link startFaults}. */
export function passing(length) {
  const part = (share) => Math.floor(length * share);
  return {
    'knows no ranges': () => ({ ignoresRange: true }),
    'says no length': () => ({ ignoresRange: true, chunked: true }),
    'compresses': () => ({ ignoresRange: true, gzip: true }),
    'hides content-range': () => ({ hidesRange: true }),
    'tells no total': () => ({ unknownTotal: true }),
    'sends shorter parts': () => ({ shorter: part(0.05) }),
    'cuts every answer': () => ({ cut: part(0.03) }),
    'cuts, and knows no ranges': (n) => ({ ignoresRange: true, cut: part(0.4) * (n + 1) }),
    'stalls': (n) => (n < 3 ? { stall: part(0.025) } : {}),
    'is busy at first': (n) => (n < 2 ? { status: 503, retryAfter: '0' } : {}),
    'limits the rate': (n) => (n % 3 === 1 ? { status: 429 } : {}),
  };
}

/** Seeded bytes that differ everywhere. */
export function noise(length, seed = 1) {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = seed * 2654435761;
  for (let i = 0; i < words.length; i++) {
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + i;
    words[i] = x;
  }
  return Buffer.from(words.buffer, 0, length);
}
