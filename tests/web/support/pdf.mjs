// Small PDF files, written by hand: pages of text, or of an image alone; with a lock, actions and attachments, or damaged.
import { deflateSync } from 'node:zlib';

const escaped = (text) => text.replace(/[\\()]/g, '\\$&');

/** Lines of text from the top of a page down. */
const content = (lines) => `BT /F1 12 Tf 14 TL 72 760 Td ${lines.map((line) => `(${escaped(line)}) Tj T*`).join(' ')} ET`;

/**
 * A PDF. `pages`: lists of lines, or `{stream}`, a page's own content (bytes as latin-1; `filter`: how it is packed), or 'image'. `title`;
 * `locked`: a password that nobody knows; `root`, `page`: more entries of the catalogue and of each page; `objects`: more objects, from number 900.
 */
export function pdf(pages, { title, locked = false, root = '', page = '', objects = [] } = {}) {
  const parts = [];
  const table = new Map();
  let length = 0;
  const write = (text) => {
    parts.push(Buffer.from(text, 'latin1'));
    length += parts.at(-1).length;
  };
  const object = (number, text) => {
    table.set(number, length);
    write(`${number} 0 obj\n${text}\nendobj\n`);
  };
  const stream = (entries, body) => `<< ${entries} /Length ${body.length} >>\nstream\n${body}\nendstream`;
  write('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n');
  object(1, `<< /Type /Catalog /Pages 2 0 R ${root} >>`);
  object(2, `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${10 + 2 * i} 0 R`).join(' ')}] >>`);
  object(3, '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>');
  const pixels = deflateSync(Buffer.alloc(64 * 64, 200)).toString('latin1');
  object(4, stream('/Type /XObject /Subtype /Image /Width 64 /Height 64 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode', pixels));
  object(5, `<< /Title (${escaped(title ?? '')}) >>`);
  pages.forEach((one, i) => {
    object(10 + 2 * i, `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> /XObject << /I 4 0 R >> >> /Contents ${11 + 2 * i} 0 R ${page} >>`);
    const body = one === 'image' ? 'q 400 0 0 400 90 200 cm /I Do Q' : Array.isArray(one) ? content(one) : one.stream;
    object(11 + 2 * i, stream(one.filter ? `/Filter ${one.filter}` : '', body));
  });
  objects.forEach((text, i) => object(900 + i, text));
  if (locked) object(6, `<< /Filter /Standard /V 1 /R 2 /P -4 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >>`);
  const at = length;
  const most = Math.max(...table.keys()) + 1;
  const rows = Array.from({ length: most }, (_, i) => (table.has(i) ? `${String(table.get(i)).padStart(10, '0')} 00000 n \n` : '0000000000 65535 f \n'));
  write(`xref\n0 ${most}\n${rows.join('')}trailer\n<< /Size ${most} /Root 1 0 R ${title === undefined ? '' : '/Info 5 0 R'} /ID [<00> <00>] ${locked ? '/Encrypt 6 0 R' : ''} >>\nstartxref\n${at}\n%%EOF\n`);
  return Buffer.concat(parts);
}

/** A page whose few bytes unpack to so many megabytes of blanks, `times` over. */
export function bomb(megabytes, times = 2) {
  let bytes = Buffer.alloc(megabytes * 1_000_000, ' ');
  for (let i = 0; i < times; i++) bytes = deflateSync(bytes);
  return { stream: bytes.toString('latin1'), filter: `[${'/FlateDecode '.repeat(times)}]` };
}

/** A page of a great many words on top of each other, which takes long to read. */
export const slow = () => ({ stream: deflateSync(`BT /F1 12 Tf ${'(a) Tj 1 0 Td '.repeat(2_000_000)} ET`).toString('latin1'), filter: '/FlateDecode' });
