// The database of the conversations: its schema, and how an older one becomes it.

import { openDB } from '../../vendor/idb.js';

export const NAME = 'kinglet-conversations';

/** Each takes a database one version further; none is ever changed once it was released, a new one is added below. */
const MIGRATIONS = [
  (db) => {
    db.createObjectStore('conversations', { keyPath: 'id' });
    db.createObjectStore('messages', { keyPath: 'id' }).createIndex('conversation', 'conversation');
  },
  // An answer that comes later is found by the first one's id.
  (db, transaction) => transaction.objectStore('messages').createIndex('answer', 'answer.id'),
];

export const VERSION = MIGRATIONS.length;

/** Milliseconds that another tab has to let go of an older version. */
const PATIENCE = 3000;

/** Why there is none, in words for the user. */
export class Unavailable extends Error {}

const WHY = {
  VersionError: 'They were kept by a newer version of this page. Reload the page to get that version.',
  SecurityError: 'This browser does not let the page keep anything (its settings, or a private window).',
  InvalidStateError: 'This browser does not let the page keep anything (its settings, or a private window).',
  QuotaExceededError: 'The device has no space left for them.',
};

/** Opens it. `onLost(reason)`: a newer version of the page, or the browser, has taken it away. Throws `Unavailable`. */
export async function openDatabase(onLost) {
  if (!globalThis.indexedDB) throw new Unavailable('This browser has no database for pages.');
  let late;
  const blocked = () => {
    const reason = 'Another tab still uses an older version of this page. Close it, then reload this one.';
    late(setTimeout(() => late(new Unavailable(reason)), PATIENCE));
  };
  try {
    const opening = openDB(NAME, VERSION, {
      upgrade(db, from, to, transaction) {
        for (const step of MIGRATIONS.slice(from, to)) step(db, transaction);
      },
      blocked,
      blocking(current, next, event) {
        event.target.close();
        onLost('A newer version of this page has taken over in another tab. Reload this one.');
      },
      terminated: () => onLost('The browser has closed the database.'),
    });
    return await Promise.race([opening, blockade((settle) => (late = settle), opening)]);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    throw new Unavailable(WHY[error?.name] ?? `The database could not be opened: ${error?.message ?? error}`);
  }
}

/** Rejects when the wait for another tab was in vain; what opens after that is closed again, so that it is in nobody's way. */
function blockade(hand, opening) {
  return new Promise((_, reject) => {
    let timer;
    hand((news) => {
      if (!(news instanceof Unavailable)) {
        timer = news;
        return;
      }
      reject(news);
      opening.then((db) => db.close(), () => undefined);
    });
    const opened = () => clearTimeout(timer);
    opening.then(opened, opened);
  });
}
