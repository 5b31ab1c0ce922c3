// The worker for what goes through all conversations (whole.js): large files and long searches must not hold up the page.

import { openDatabase } from './database.js';
import { Kept } from './records.js';
import { Refused } from './transfer.js';
import { giveOut, look, takeIn } from './whole.js';

const WORK = { giveOut, look, takeIn };
const controls = new Map();
let records;

/** Opened again where the browser, or a newer version of the page, has closed it. */
const open = () => (records ??= openDatabase(() => (records = undefined)).then((db) => new Kept(db)));

addEventListener('message', async ({ data: { id, name, args, abort } }) => {
  if (abort) return controls.get(id)?.abort();
  const control = new AbortController();
  controls.set(id, control);
  try {
    postMessage({ id, value: await WORK[name](await open(), ...args, ...(name === 'look' ? [control.signal] : [])) });
  } catch (error) {
    postMessage({ id, error: { name: error.name, message: error.message, refused: error instanceof Refused } });
  } finally {
    controls.delete(id);
  }
  return undefined;
});
