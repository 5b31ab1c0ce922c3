// PDF: the words of its pages, read by a worker that is ended when it is done, or takes too long or too much.

import { MOST_CHARACTERS, MOST_PAGES, PDF_MS, PDF_SILENT_MS } from '../limits.js';
import { Refused, stopped } from '../refused.js';

/** `onPage(done, total)` is told of each page; `silentMs`: without a page for so long, the worker is ended. */
export function parsePdf(bytes, { signal, onPage = () => {}, silentMs = PDF_SILENT_MS } = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return void reject(stopped());
    const worker = new Worker(new URL('pdf-worker.js', import.meta.url), { type: 'module' });
    const slow = () => fail(new Refused('too_slow', 'it takes too long to read: it may be made to. Print it to a new PDF, and add that'));
    const abort = () => fail(stopped());
    const all = setTimeout(slow, PDF_MS);
    let silent = setTimeout(slow, silentMs);
    const end = () => {
      clearTimeout(all);
      clearTimeout(silent);
      signal?.removeEventListener('abort', abort);
      worker.terminate();
    };
    const fail = (error) => (end(), reject(error));
    signal?.addEventListener('abort', abort, { once: true });

    const texts = [];
    const sections = [];
    let [total, length, lost, title] = [0, 0, 0, ''];
    const take = ({ pages, title: said, page, text, lost: gone, done, failed }) => {
      if (failed) throw reason(failed);
      if (pages !== undefined) {
        if (pages > MOST_PAGES) throw new Refused('too_large', `it has ${pages} pages; at most ${MOST_PAGES} are read`);
        [total, title] = [pages, said.replace(/\s+/g, ' ').trim().slice(0, 200)];
      } else if (page !== undefined) {
        if (gone) lost += 1;
        if (text) {
          sections.push({ start: length, end: length + text.length, page });
          texts.push(text, '\n\n');
          length += text.length + 2;
          if (length > MOST_CHARACTERS) throw new Refused('too_large', `its text is longer than ${MOST_CHARACTERS.toLocaleString('en')} characters`);
        }
        onPage(page, total);
      } else if (done) {
        if (length === 0) throw nothing(lost === total);
        end();
        resolve({ text: texts.join(''), title: title || undefined, sections, pages: total, lost });
      }
    };
    worker.addEventListener('message', ({ data }) => {
      clearTimeout(silent);
      silent = setTimeout(slow, silentMs);
      try {
        take(data);
      } catch (error) {
        fail(error);
      }
    });
    worker.addEventListener('error', ({ message }) => fail(new Refused('damaged', `the reader of PDFs ended with it${message ? ` (${message})` : ''}`)));
    worker.postMessage({ bytes }, [bytes.buffer]);
  });
}

const nothing = (damaged) =>
  damaged
    ? new Refused('damaged', 'none of its pages can be read')
    : new Refused('no_text', 'its pages hold no text: they are images, as a scanner makes them. Have their text recognised (OCR) first');

function reason({ name, message }) {
  if (name === 'PasswordException') return new Refused('encrypted', 'it is protected by a password. Save a copy without one, and add that');
  if (name === 'TooLarge') return new Refused('too_large', message);
  return new Refused('damaged', `it is damaged (${message.slice(0, 200)}). Open it elsewhere and print it to a new PDF`);
}
