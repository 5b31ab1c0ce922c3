// Where documents are kept: a database of their own. What stands in the list is apart from the texts, which are long.

import { openDB } from '../vendor/idb.js';

const NAME = 'kinglet-documents';
const VERSION = 1;

let opened;

/** The database, opened once; a failure is tried again the next time. */
function database() {
  opened ??= openDB(NAME, VERSION, {
    upgrade(db) {
      db.createObjectStore('documents', { keyPath: 'id' });
      db.createObjectStore('texts', { keyPath: 'id' });
    },
    // A newer tab changes the layout, or the user removes the site's data: neither must wait for this one.
    blocking: (_, __, event) => {
      event.target.close();
      opened = undefined;
    },
    terminated: () => (opened = undefined),
  }).catch((error) => {
    opened = undefined;
    throw error?.name === 'VersionError'
      ? Object.assign(new Error('a newer version of this page has written your documents; reload the page'), { code: 'store_newer' })
      : Object.assign(new Error(`your documents cannot be kept or read here: ${error?.message ?? error}`, { cause: error }), { code: 'store_unavailable' });
  });
  return opened;
}

/** Of every document what the list shows, and its parts; the newest last. Records that are none are left out. */
export async function all() {
  const list = await (await database()).getAll('documents');
  return list.filter(({ id, name, parts, added }) => typeof id === 'string' && typeof name === 'string' && Array.isArray(parts) && typeof added === 'number').sort((a, b) => a.added - b.added);
}

export async function textOf(id) {
  return (await (await database()).get('texts', id))?.text;
}

/** A new document with its text. */
export async function put(document, text) {
  const transaction = (await database()).transaction(['documents', 'texts'], 'readwrite');
  await guarded(Promise.all([transaction.objectStore('documents').put(document), transaction.objectStore('texts').put({ id: document.id, text }), transaction.done]));
}

/** Some fields of a document that is there. */
export async function patch(id, fields) {
  const transaction = (await database()).transaction('documents', 'readwrite');
  const known = await transaction.store.get(id);
  if (known) await transaction.store.put({ ...known, ...fields });
  await guarded(transaction.done);
}

export async function drop(ids) {
  const transaction = (await database()).transaction(['documents', 'texts'], 'readwrite');
  for (const id of ids) {
    void transaction.objectStore('documents').delete(id);
    void transaction.objectStore('texts').delete(id);
  }
  await guarded(transaction.done);
}

async function guarded(work) {
  try {
    return await work;
  } catch (error) {
    if (error?.name !== 'QuotaExceededError') throw error;
    throw Object.assign(new Error('the browser grants no more room; remove documents or models', { cause: error }), { code: 'quota_exceeded' });
  }
}
