// What must not be interrupted: while an answer is being made, in this tab or another one, no new version of the page takes over.

import { Observable } from '../lib/observable.js';

/** One lock for the site: held together by everything that is busy, alone by who replaces the page. */
const LOCK = `kinglet busy ${new URL('.', document.baseURI)}`;

/** How many such things run in this tab. */
export const busy = new Observable(0);

/** Something begins; returns what says that it has ended. */
export function begin() {
  busy.value += 1;
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  void navigator.locks?.request(LOCK, { mode: 'shared' }, () => ended);
  return () => {
    if (!end) return;
    busy.value -= 1;
    end();
    end = undefined;
  };
}

/** Runs something that must not be interrupted. */
export async function during(work) {
  const end = begin();
  try {
    return await work();
  } finally {
    end();
  }
}

/** Runs `act` as soon as nothing of this site is busy in any tab; what begins meanwhile is waited for, too. */
export async function whenIdle(act) {
  for (let done = false; !done; ) {
    await navigator.locks.request(LOCK, () => undefined); // after all that runs now
    done = await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => lock !== null && (await act(), true));
  }
}

/** Resolves as soon as nothing is busy in this tab. */
export function idleHere() {
  if (busy.value === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = busy.subscribe((count) => {
      if (count === 0) {
        end();
        resolve();
      }
    });
  });
}
