// How much the packed streams of a PDF hold, unpacked as they would be: a few kilobytes may stand for gigabytes, which pdf.js would keep.

import { MOST_STREAM, MOST_UNPACKED } from '../limits.js';

/** A stream's dictionary is looked for in so many bytes before it. */
const BEFORE = 2_048;
/** Packed more than once is allowed; nobody does it more often. */
const MOST_TIMES = 4;
/** A piece is unpacked at once, a thousandfold at worst: so it is small. */
const PIECE = 4_096;

/** Whether more would be unpacked of these bytes than is allowed. Images are never unpacked for their words. `step` is called for each. */
export async function overflows(bytes, step = () => {}) {
  const text = new TextDecoder('windows-1252').decode(bytes); // one sign for each byte
  let left = MOST_UNPACKED;
  for (let at = text.indexOf('stream'); at >= 0; at = text.indexOf('stream', at + 6)) {
    const begin = /^stream\r?\n/.exec(text.slice(at, at + 8))?.[0].length;
    if (!begin || text.startsWith('end', at - 3)) continue;
    const before = text.slice(Math.max(0, at - BEFORE), at);
    const dictionary = before.slice(before.lastIndexOf(' obj') + 1);
    const times = dictionary.match(/\/(?:FlateDecode|Fl)\b/g)?.length ?? 0;
    if (times > MOST_TIMES) return true;
    if (times === 0 || /\/Subtype\s*\/Image\b/.test(dictionary)) continue;
    const end = text.indexOf('endstream', at);
    const size = await unpacked(bytes.subarray(at + begin, lineEnd(text, end)), times);
    left -= size;
    step();
    if (size > MOST_STREAM || left < 0) return true;
  }
  return false;
}

/** Where a stream's bytes end: before the line's end that stands before `endstream`. */
function lineEnd(text, end) {
  if (end < 0) return undefined;
  return end - (/\r?\n$|\r$/.exec(text.slice(end - 2, end))?.[0].length ?? 0);
}

/** Bytes that come out after so many times, of each time at most one more than allowed. */
async function unpacked(bytes, times) {
  let out = { size: 0, chunks: [bytes] };
  for (let i = 0; i < times && out.size <= MOST_STREAM; i++) {
    const packed = out.chunks.length === 1 ? out.chunks[0] : new Uint8Array(await new Blob(out.chunks).arrayBuffer());
    out = await inflated(packed, packed.length);
    // What stands behind the end takes the output of its piece with it: so that piece is given again, byte by byte.
    if (out.failed !== undefined) out = await inflated(packed, out.failed);
  }
  return out.size;
}

/** `{size, chunks, failed}`: what comes out, and where a piece began that was none; from `fine` on each byte is a piece. */
async function inflated(bytes, fine) {
  const { writable, readable } = new DecompressionStream('deflate');
  const [writer, reader] = [writable.getWriter(), readable.getReader()];
  const out = { size: 0, chunks: [], failed: undefined };
  const reading = (async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      out.size += next.value.length;
      out.chunks.push(next.value);
    }
  })().catch(() => undefined);
  let at = 0;
  try {
    for (let step; at < bytes.length && out.size <= MOST_STREAM; at += step) {
      step = at < fine ? Math.min(PIECE, fine - at) : 1;
      await writer.write(bytes.slice(at, at + step));
    }
    await writer.write(new Uint8Array(0)); // taken when everything before it was read
  } catch {
    out.failed = at;
  }
  await writer.abort().catch(() => undefined);
  await reading;
  return out;
}
