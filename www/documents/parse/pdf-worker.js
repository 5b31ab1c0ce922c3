// The worker that reads a PDF: pdf.js with both its halves, so that nothing of it runs on the page's own thread. It gets the bytes,
// posts `{}` as a sign of life, `{pages, title}`, then `{page, text}` or `{page, lost}` for each, and at last `{done}`; or `{failed: {name, message}}`.

import '../../vendor/pdf.worker.js'; // first: pdf.js finds its other half there and starts no worker of its own
import { getDocument } from '../../vendor/pdf.js';
import { overflows } from './pdf-bytes.js';

addEventListener('message', ({ data }) => {
  if (data.bytes) read(data.bytes).catch(({ name, message }) => postMessage({ failed: { name: String(name), message: String(message) } }));
});

async function read(data) {
  let told = 0;
  const alive = () => performance.now() - told > 1000 && (postMessage({}), (told = performance.now()));
  if (await overflows(data, alive)) throw Object.assign(new Error('more is packed in it than a document of this size should hold'), { name: 'TooLarge' });
  const pdf = await getDocument({
    data,
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
  }).promise;
  const { info } = await pdf.getMetadata().catch(() => ({}));
  postMessage({ pages: pdf.numPages, title: typeof info?.Title === 'string' ? info.Title : '' });
  for (let page = 1; page <= pdf.numPages; page++) {
    try {
      postMessage({ page, text: await textOf(await pdf.getPage(page)) });
    } catch {
      postMessage({ page, lost: true }); // a damaged page takes no others with it
    }
  }
  postMessage({ done: true });
}

async function textOf(page) {
  const { items } = await page.getTextContent();
  page.cleanup();
  return words(items);
}

/** Items in the order of the file: lines are joined, a wide gap begins a paragraph, a word parted at a line's end is one again. */
function words(items) {
  const pieces = [];
  let end = ''; // of what there is
  let last; // the line's place and height
  const add = (text) => {
    pieces.push(text);
    end = (end + text).slice(-2);
  };
  for (const { str = '', hasEOL, transform, height } of items) {
    const y = transform?.[5];
    if (last && y !== undefined && str !== '' && Math.abs(last.y - y) > Math.max(last.height, height ?? 0, 1) * 1.7 && end !== '\n\n') {
      add(end.endsWith('\n') ? '\n' : '\n\n');
    }
    add(str);
    if (str !== '' && y !== undefined) last = { y, height: height || last?.height || 10 };
    if (hasEOL && !end.endsWith('\n')) add('\n');
  }
  return pieces
    .join('')
    .replace(/[\p{Cc}\p{Cs}]/gu, (sign) => (sign === '\n' ? sign : sign === '\t' ? ' ' : ''))
    .replace(/(\p{Ll})[-\u00ad]\n(?=\p{Ll})/gu, '$1')
    .replace(/ +/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/(?<!\n)\n(?!\n)/g, ' ')
    .trim();
}
