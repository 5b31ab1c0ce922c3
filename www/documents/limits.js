// How much is taken, and how long it may take. The view says these numbers, too.

/** Of one file. */
export const MOST_BYTES = { text: 8_000_000, markdown: 8_000_000, html: 8_000_000, pdf: 50_000_000 };
/** Of one document's text. */
export const MOST_CHARACTERS = 4_000_000;
export const MOST_PAGES = 2_000;
/** A PDF's worker is ended after so long, ms: in all, and without a sign of life. */
export const PDF_MS = 180_000;
export const PDF_SILENT_MS = 20_000;
/** Bytes that one packed stream of a PDF may hold, and all of them; images apart. */
export const MOST_STREAM = 64_000_000;
export const MOST_UNPACKED = 512_000_000;
/** The browser's parser of HTML takes longer the deeper elements are nested. So many kilobytes in a row that take longer than this, ms, are
 * too deep: one alone may have had to wait for something else. */
export const HTML_STEP_MS = 25;
export const HTML_STEPS = 10;
/** Kept at the same time. */
export const MOST_DOCUMENTS = 500;
export const MOST_KEPT_CHARACTERS = 20_000_000;
