// PDF: the words of its pages, by pdf.js in a worker of its own, which is ended when it is done, or takes too long.

import { MOST_CHARACTERS, MOST_PAGES, PDF_MS, PDF_SILENT_MS } from '../limits.js';
import { pacer } from '../pace.js';
import { Refused, stopped } from '../refused.js';

/** `onPage(done, total)` is told of each page. */
export async function parsePdf(bytes, { signal, onPage = () => {} } = {}) {
  const { getDocument, GlobalWorkerOptions } = await import('../../vendor/pdf.js');
  if (signal?.aborted) throw stopped();
  const worker = new Worker(new URL('../../vendor/pdf.worker.js', import.meta.url), { type: 'module' });
  const watch = watchdog(signal);
  worker.addEventListener('error', (event) => watch.fail(new Refused('damaged', `the reader of PDFs failed: ${event.message ?? 'out of memory'}`)));
  try {
    GlobalWorkerOptions.workerPort = worker; // read by the next line; each document has a worker that can be ended
    const task = getDocument({
      data: bytes,
      isEvalSupported: false,
      enableXfa: false,
      disableFontFace: true,
      useSystemFonts: false,
      useWorkerFetch: false,
      useWasm: false,
      isOffscreenCanvasSupported: false,
      isImageDecoderSupported: false,
      maxImageSize: 0,
      stopAtErrors: false,
      verbosity: 0,
    });
    const pdf = await watch.over(task.promise.catch((error) => Promise.reject(reason(error))));
    return await read(pdf, watch, onPage, signal);
  } finally {
    watch.end();
    worker.terminate();
  }
}

async function read(pdf, watch, onPage, signal) {
  const pace = pacer(signal);
  const total = pdf.numPages;
  if (total > MOST_PAGES) throw new Refused('too_large', `it has ${total} pages; at most ${MOST_PAGES} are read`);
  const texts = [];
  const sections = [];
  let length = 0;
  let lost = 0;
  for (let number = 1; number <= total; number++) {
    const content = await watch.over(pageText(pdf, number)).catch((error) => {
      if (error instanceof Refused) throw error;
      lost += 1; // a damaged page takes no others with it
      return { items: [] };
    });
    const text = await words(content.items, pace);
    if (length + text.length > MOST_CHARACTERS) throw new Refused('too_large', `its text is longer than ${MOST_CHARACTERS.toLocaleString('en')} characters`);
    if (text !== '') {
      sections.push({ start: length, end: length + text.length, page: number });
      texts.push(text, '\n\n');
      length += text.length + 2;
    }
    onPage(number, total);
    await pace();
  }
  if (length === 0) {
    throw lost === total
      ? new Refused('damaged', 'none of its pages can be read')
      : new Refused('no_text', 'its pages hold no text: they are images, as a scanner makes them. Have their text recognised (OCR) first');
  }
  const info = await watch.over(pdf.getMetadata()).then(({ info }) => info, () => ({}));
  const title = typeof info?.Title === 'string' ? info.Title.replace(/\s+/g, ' ').trim().slice(0, 200) : '';
  return { text: texts.join(''), title: title || undefined, sections, pages: total, lost };
}

async function pageText(pdf, number) {
  const page = await pdf.getPage(number);
  const content = await page.getTextContent();
  page.cleanup();
  return content;
}

/** Items in the order of the file: lines are joined, a wide gap begins a paragraph, a word parted at a line's end is one again. */
async function words(items, pace) {
  let text = '';
  let last; // the line's place and height
  for (const { str = '', hasEOL, transform, height } of items) {
    const y = transform?.[5];
    if (last && y !== undefined && str !== '' && Math.abs(last.y - y) > Math.max(last.height, height ?? 0, 1) * 1.7 && !text.endsWith('\n\n')) {
      text = `${text.trimEnd()}\n\n`;
    }
    text += str;
    if (str !== '' && y !== undefined) last = { y, height: height || last?.height || 10 };
    if (hasEOL && !text.endsWith('\n')) text += '\n';
    if (pace.due()) await pace();
  }
  return text
    .replace(/[\p{Cc}\p{Cs}]/gu, (sign) => (sign === '\n' ? sign : ''))
    .replace(/(\p{Ll})[-\u00ad]\n(?=\p{Ll})/gu, '$1')
    .replace(/[ \t]+/g, ' ')
    .replace(/ *\n */g, '\n')
    .replace(/(?<!\n)\n(?!\n)/g, ' ')
    .trim();
}

/** Fails what waits when nothing has come for too long, or it has taken too long in all, or was stopped. */
function watchdog(signal) {
  let fail;
  const failed = new Promise((_, reject) => (fail = reject));
  failed.catch(() => undefined); // nobody may wait when it comes
  const slow = () => fail(new Refused('too_slow', 'it takes too long to read: it may be made to. Print it to a new PDF, and add that'));
  const all = setTimeout(slow, PDF_MS);
  const abort = () => fail(stopped());
  signal?.addEventListener('abort', abort, { once: true });
  return {
    fail,
    over: async (promise) => {
      const silent = setTimeout(slow, PDF_SILENT_MS);
      try {
        return await Promise.race([promise, failed]);
      } finally {
        clearTimeout(silent);
      }
    },
    end: () => {
      clearTimeout(all);
      signal?.removeEventListener('abort', abort);
    },
  };
}

function reason(error) {
  if (error?.name === 'PasswordException') {
    return new Refused('encrypted', 'it is protected by a password. Save a copy without one, and add that');
  }
  if (error instanceof Refused) return error;
  return new Refused('damaged', `it is damaged (${String(error?.message ?? error).slice(0, 200)}). Open it elsewhere and print it to a new PDF`, { cause: error });
}
