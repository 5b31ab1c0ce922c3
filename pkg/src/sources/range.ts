// What an HTTP answer to a range request means. Pure: who asks is in http.ts and in the store's requests.ts.

import { KingletError } from '../errors.js';

/** The parts of an answer that matter. */
export interface Reply {
  status: number;
  statusText: string;
  /** Absent also where CORS hides it. */
  contentRange: string | null;
  contentLength: string | null;
  contentEncoding: string | null;
  contentType?: string | null;
}

/** Which bytes of the file the body holds. */
export interface Extent {
  /** False: the server ignores ranges and sends the whole file. */
  ranged: boolean;
  start: number;
  /** Undefined: until the body ends. */
  end: number | undefined;
  /** Length of the file, where the answer tells. */
  total: number | undefined;
}

/** The error of an answer that is not the file. */
export function httpError(url: string, status: number, message: string): KingletError {
  const text = `fetching ${url} failed: HTTP status ${status}: ${message}`;
  return new KingletError('http', text, { url, status });
}

/** What of a `Response` matters here. */
export function replyOf({ status, statusText, headers }: Response): Reply {
  return {
    status,
    statusText,
    contentRange: headers.get('content-range'),
    contentLength: headers.get('content-length'),
    contentEncoding: headers.get('content-encoding'),
    contentType: headers.get('content-type'),
  };
}

/**
 * Checks the answer to a request for the bytes from `start` to `end` (`Infinity`: all) of a file of length `known`, if it
 * is known.
 */
export function extentOf(url: string, start: number, end: number, known: number | undefined, reply: Reply): Extent {
  const fail = (message: string) => httpError(url, reply.status, message);
  const extent = read(start, end, reply, fail);
  if (known !== undefined && extent.total !== undefined && known !== extent.total) {
    throw fail(`the file had ${known} bytes, now it has ${extent.total}`);
  }
  return extent;
}

function read(start: number, end: number, reply: Reply, fail: (message: string) => KingletError): Extent {
  const encoded = (reply.contentEncoding ?? 'identity') !== 'identity';
  // Of a compressed body: not the number of bytes that will arrive.
  const length = encoded ? undefined : wholeNumber(reply.contentLength);
  const { status, contentRange } = reply;
  if (status === 200) {
    if (start > 0) {
      throw fail(`bytes from ${start} were asked for, the whole file was sent`);
    }
    return { ranged: false, start: 0, end: length, total: length };
  }
  if (status === 206 && /^multipart\//i.test(reply.contentType?.trim() ?? '')) {
    throw fail(`one range was asked for, an answer in several parts was sent (${reply.contentType})`);
  }
  if (status === 206 && contentRange !== null) {
    const range = contentRangeOf(contentRange);
    if (range === undefined) {
      throw fail(`content-range "${contentRange}" is not understood`);
    }
    if (range.start !== start || range.end > end) {
      throw fail(`bytes ${start}-${end - 1} were asked for, content-range says "${contentRange}"`);
    }
    if (length !== undefined && length !== range.end - range.start) {
      throw fail(`content-length ${length} contradicts content-range "${contentRange}"`);
    }
    return { ranged: true, ...range };
  }
  if (status === 206) {
    const stop = length === undefined ? undefined : start + length;
    if (stop !== undefined && stop > end) {
      throw fail(`${end - start} bytes were asked for, content-length is ${length}`);
    }
    // Cut short: the file ends there.
    return { ranged: true, start, end: stop, total: stop !== undefined && stop < end ? stop : undefined };
  }
  throw fail(status === 416 ? `the file has no bytes from ${start}` : reply.statusText);
}

/** The length of the file, from the `content-range` of an answer without any of it. */
export function lengthOf(contentRange: string | null): number | undefined {
  return wholeNumber(/^bytes\s+\*\s*\/\s*(\d+)$/.exec(contentRange?.trim() ?? '')?.[1]);
}

/** `bytes 0-9/100` as start, exclusive end and total; `*` as total is unknown. */
function contentRangeOf(header: string): { start: number; end: number; total: number | undefined } | undefined {
  const [, first, last, all] = /^bytes\s+(\d+)\s*-\s*(\d+)\s*\/\s*(\d+|\*)$/.exec(header.trim()) ?? [];
  const start = wholeNumber(first);
  const inclusive = wholeNumber(last);
  if (start === undefined || inclusive === undefined || start > inclusive) {
    return undefined;
  }
  const total = all === '*' ? undefined : wholeNumber(all);
  if (all !== '*' && (total === undefined || inclusive >= total)) {
    return undefined;
  }
  return { start, end: inclusive + 1, total };
}

/** A header's number, where it is one that JavaScript holds exactly. */
function wholeNumber(text: string | null | undefined): number | undefined {
  const number = /^\d+$/.test(text?.trim() ?? '') ? Number(text) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}
