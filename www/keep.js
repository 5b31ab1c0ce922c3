// The page without its host: a service worker (sw.js) keeps the page's own files, and brings newer versions of them. The model is kept
// by the engine's store.

import { idleHere, whenIdle } from './services/busy.js';
import { Observable } from './lib/observable.js';
import { unsent } from './services/unsent.js';

/** Milliseconds between two looks for a newer version. */
const EVERY = 3_600_000;
/** Milliseconds that keeping the page waits for a model that is being loaded: that goes first. */
const PATIENCE = 10_000;

/**
 * `status`: 'none' (the host has no list of its files), 'unsupported', 'keeping', 'kept', 'refused' (with a `reason`). `update`: of a newer
 * version 'ready' (it waits for a yes), 'waiting' (for answers that are being made), 'here' (it holds; this tab is loaded again when what was
 * written is sent, or its user says so).
 */
export const keeping = new Observable({ status: 'none', reason: '', update: undefined });

const workers = navigator.serviceWorker;
/** Tells the other tabs that the user has accepted the newer version in one of them. */
const tabs = new BroadcastChannel(`kinglet page ${new URL('.', document.baseURI)}`);
let registration;

/**
 * Keeps the files of `version` (of model.json; undefined: the host has no list of them), and looks for newer ones. `idle` resolves when
 * nothing else is being loaded.
 */
export async function keepPage(version, idle) {
  if (!workers) {
    if (version !== undefined) keeping.patch({ status: 'unsupported' });
    return;
  }
  registration = await workers.getRegistration().catch(() => undefined);
  if (registration) {
    follow();
    await look();
  } else if (version !== undefined) {
    keeping.patch({ status: 'keeping' });
    await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    await register(version);
  }
  if (!registration) return;
  setInterval(look, EVERY);
  addEventListener('online', look);
}

async function register(version) {
  try {
    registration = await workers.register(`sw.js?${new URLSearchParams({ version })}`, { updateViaCache: 'none' });
    follow();
  } catch (error) {
    keeping.patch({ status: registration?.active ? 'kept' : 'refused', reason: error.message });
  }
}

const versionOf = (worker) => worker && new URL(worker.scriptURL).searchParams.get('version');

/** Asks the host for its version, and has a newer one kept. Without an answer everything stays as it is. */
async function look() {
  const list = await fetch('offline.json', { cache: 'no-store' }).then((answer) => (answer.ok ? answer.json() : undefined)).catch(() => undefined);
  if (!list) return;
  if (list.version === null) return forget();
  const newest = registration.installing ?? registration.waiting ?? registration.active;
  if (versionOf(newest) !== list.version) await register(list.version);
}

/** The host wants nothing kept any more: the page comes from there, now if it was a kept one. */
async function forget() {
  const wasKept = Boolean(workers.controller);
  await registration.unregister();
  const ours = (await caches.keys()).filter((name) => name.startsWith(`kinglet page ${registration.scope} `));
  await Promise.all(ours.map((name) => caches.delete(name)));
  keeping.value = { status: 'none', reason: '', update: undefined };
  await idleHere();
  if (wasKept) location.reload();
}

let followed;

function follow() {
  if (followed !== registration) registration.addEventListener('updatefound', watch);
  followed = registration;
  watch();
}

/** Shows where the registration's workers stand, now and at each of their steps. */
function watch() {
  const { installing, waiting, active } = registration;
  [installing, waiting, active].forEach((worker) => worker && (worker.onstatechange = () => step(worker)));
  if (keeping.value.update === 'here') return;
  const newer = waiting && active && versionOf(waiting) !== versionOf(active);
  const status = active ? 'kept' : (installing ?? waiting) ? 'keeping' : 'refused';
  const update = newer ? (keeping.value.update ?? 'ready') : undefined;
  keeping.patch({ status, update, reason: status === 'refused' ? keeping.value.reason : '' });
}

function step(worker) {
  if (worker.state === 'redundant' && !registration.active) {
    keeping.patch({ reason: 'the browser stores nothing for this page, or the host’s files are not those of its list' });
  }
  watch();
}

/** The user's yes to the newer version: as soon as no tab makes an answer, all of them are loaded again. */
export function acceptUpdate() {
  willing = true;
  tabs.postMessage('accepted');
  return replace();
}

let willing = false; // it was said here: what is written and not sent is there again after the reload

/** Every tab does this, because the one in which the user has said yes may be closed; whichever comes first lets the newer worker in. */
async function replace() {
  if (registration?.waiting) keeping.patch({ update: 'waiting' });
  await whenIdle(async () => {
    const waiting = registration?.waiting;
    if (!waiting) return;
    const begun = new Promise((resolve) => waiting.addEventListener('statechange', resolve, { once: true }));
    waiting.postMessage('accepted');
    await begun;
  });
}

tabs.addEventListener('message', replace);

/** Resolves when nothing is unsent any more, and its answer is there. */
async function sent() {
  await new Promise((resolve) => {
    const end = unsent.subscribe((still) => still || (end(), resolve()));
  });
  await Promise.resolve(); // what is sent is busy from here on
  await idleHere();
}

// The first worker takes a page over that was loaded without any; a later one brings another page.
let controlled = Boolean(workers?.controller);
workers?.addEventListener('controllerchange', async () => {
  if (controlled) {
    await idleHere();
    // Whoever is writing is not interrupted by another tab.
    if (unsent.value && !willing) {
      keeping.patch({ update: 'here' });
      await sent();
    }
    location.reload();
  }
  controlled = true;
});
