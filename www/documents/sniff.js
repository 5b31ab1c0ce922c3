// What a file is, by its content; its name only decides between kinds of text.

import { pacer } from './pace.js';
import { Refused } from './refused.js';

/** First bytes of what is often given and cannot be read. */
const OTHERS = [
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive, or a file of an office program (DOCX, ODT, EPUB)'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'a file of an older office program (DOC, XLS)'],
  [[0x7b, 0x5c, 0x72, 0x74, 0x66], 'an RTF file'],
  [[0x1f, 0x8b], 'a compressed file (gzip)'],
  [[0x37, 0x7a, 0xbc, 0xaf], 'a 7z archive'],
  [[0x52, 0x61, 0x72, 0x21], 'a RAR archive'],
  [[0x89, 0x50, 0x4e, 0x47], 'an image (PNG)'],
  [[0xff, 0xd8, 0xff], 'an image (JPEG)'],
  [[0x47, 0x49, 0x46, 0x38], 'an image (GIF)'],
  [[0x47, 0x47, 0x55, 0x46], 'a model (GGUF): load it under Models'],
  [[0x7f, 0x45, 0x4c, 0x46], 'a program'],
  [[0x4d, 0x5a, 0x90], 'a program'],
  [[0x25, 0x21, 0x50, 0x53], 'a PostScript file'],
];
const HTML_MARK = /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]/i;
const HTML_TAGS = /<(?:p|div|table|h[1-6]|ul|ol|section|article|br|title|meta)(?:\s[^>]*)?>/gi;
const MARKDOWN = /^(?:#{1,6} +\S|```|~~~|\s{0,3}[-*+] +\S|\s{0,3}\d+[.)] +\S|> |\|.*\|\s*$|[^\n]*\[[^\]\n]+\]\([^)\n]+\))/gm;
const MARKDOWN_NAME = /\.(?:md|markdown|mdown|mkd|mdx)$/i;
const SAMPLE = 65_536;

/** `{type: 'pdf'}`, or `{type: 'bytes', encoding}` of what must be a text. @throws Refused */
export function kindOf(bytes) {
  if (bytes.length === 0) throw new Refused('empty', 'the file is empty');
  const head = bytes.subarray(0, 1024);
  // Readers take a PDF whose mark stands anywhere in the first kilobyte.
  if (latin(head).includes('%PDF-')) return { type: 'pdf' };
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { type: 'bytes', encoding: 'utf-8' };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { type: 'bytes', encoding: 'utf-16le' };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { type: 'bytes', encoding: 'utf-16be' };
  const known = OTHERS.find(([mark]) => mark.every((byte, i) => bytes[i] === byte));
  if (known) throw new Refused('binary', `this is ${known[1]}; text, Markdown, HTML and PDF can be read`);
  const sample = bytes.subarray(0, SAMPLE);
  const odd = sample.reduce((sum, byte) => sum + (byte < 9 || (byte > 13 && byte < 32 && byte !== 27) ? 1 : 0), 0);
  if (sample.includes(0) || odd > sample.length / 100) {
    throw new Refused('binary', 'this is not a text (it has bytes that no text has); text, Markdown, HTML and PDF can be read');
  }
  return { type: 'bytes', encoding: undefined };
}

const latin = (bytes) => String.fromCharCode(...bytes);

/** The text of bytes: in the encoding of their mark, else UTF-8, else what Windows wrote before it. */
export async function decoded(bytes, encoding, signal) {
  if (encoding) return decode(bytes, new TextDecoder(encoding), signal);
  try {
    return await decode(bytes, new TextDecoder('utf-8', { fatal: true }), signal);
  } catch (error) {
    if (error instanceof Refused) throw error;
    return decode(bytes, new TextDecoder('windows-1252'), signal);
  }
}

async function decode(bytes, decoder, signal) {
  const pace = pacer(signal);
  const parts = [];
  for (let at = 0; at < bytes.length; at += SAMPLE) {
    parts.push(decoder.decode(bytes.subarray(at, at + SAMPLE), { stream: true }));
    await pace();
  }
  parts.push(decoder.decode());
  return parts.join('').replace(/\r\n?/g, '\n');
}

/** Which kind of text: 'html', 'markdown' or 'text'. */
export function kindOfText(text, name) {
  const sample = text.slice(0, SAMPLE);
  const lines = sample.split('\n').length;
  if (HTML_MARK.test(sample)) return 'html';
  const marks = sample.match(MARKDOWN)?.length ?? 0;
  const heading = /^#{1,6} +\S/m.test(sample);
  if (MARKDOWN_NAME.test(name) && (marks > 0 || heading)) return 'markdown';
  // A fragment without a frame: most of its lines are tags.
  if (/^\s*</.test(sample) && (sample.match(HTML_TAGS)?.length ?? 0) >= Math.max(2, lines / 4)) return 'html';
  return heading && marks >= Math.max(2, lines / 20) ? 'markdown' : 'text';
}
