// Downloads into the store, one after the other, whichever view is open. What has come stays in the store, so that a pause, a closed
// tab or a broken connection loses nothing.

import { downloadModel, modelStore } from '../pkg/dist/index.js';
import { addressOf } from '../lib/choice.js';
import { Observable } from '../lib/observable.js';
import { Rate } from '../lib/rate.js';
import { toast } from '../lib/toast.js';
import { engine } from './engine.js';
import { chooseModel } from './models.js';
import { noted } from './notices.js';
import { section } from './settings.js';
import { find, refresh } from './stored.js';

/**
 * In their order: `{id, name, source, status, loaded, total, speed, left, phase, error}`. `status`: 'waiting' for its turn, 'running',
 * 'paused', 'failed', or 'elsewhere': another tab has it. `speed` in bytes per second, `left` in milliseconds.
 */
export const downloads = new Observable([]);

/** What a later visit can resume: `{id: {name, source}}`. */
const kept = section('downloads', { open: {} }, ({ open }) => ({
  open: Object.fromEntries(Object.entries(open).filter(([, { name, source }]) => typeof name === 'string' && source)),
}));

/** The one that runs, and what ends it. */
let running;

/** Errors after which the store has nothing of the file. */
const NOTHING_KEPT = ['quota_exceeded', 'hash_mismatch', 'bad_file'];

const lockOf = (id) => `kinglet.page.download ${id}`;

const change = (id, fields) => (downloads.value = downloads.value.map((each) => (each.id === id ? { ...each, ...fields } : each)));
const of = (id) => downloads.value.find((each) => each.id === id);

function forget(id) {
  downloads.value = downloads.value.filter((each) => each.id !== id);
  const { [id]: _, ...open } = kept.value.open;
  kept.value = { open };
}

/** Adds a choice to the end of the queue; one that is there already is resumed. */
export function enqueue({ id, name, source }, { total = 0 } = {}) {
  if (of(id)) return resume(id);
  downloads.value = [...downloads.value, { id, name, source, status: 'waiting', loaded: 0, total }];
  kept.value = { open: { ...kept.value.open, [id]: { name, source } } };
  next();
}

/** Stops it; what has come stays. */
export function pause(id) {
  if (running?.id === id) running.ending.abort();
  change(id, { status: 'paused', speed: undefined, left: undefined });
}

/** Goes on where it was. */
export function resume(id) {
  if (!['paused', 'failed'].includes(of(id)?.status)) return;
  change(id, { status: 'waiting', error: undefined });
  next();
}

/** Stops it, and removes what has come. */
export async function cancel(id) {
  const own = running?.id === id ? running : undefined;
  own?.ending.abort();
  forget(id);
  await own?.ended;
  // Only a part: a complete file of the same address is none of a download's business.
  const address = addressOf(id);
  const files = await modelStore.list().catch(() => []);
  for (const file of files.filter(({ complete, urls }) => !complete && urls.includes(address))) {
    await modelStore.delete(file.id).catch(() => undefined); // another tab goes on with it
  }
  await refresh();
}

/** Begins the first that waits, unless one runs. */
function next() {
  const first = running === undefined && downloads.value.find(({ status }) => status === 'waiting');
  if (!first) return;
  const ending = new AbortController();
  running = { id: first.id, ending };
  running.ended = run(first, ending.signal).finally(() => {
    running = undefined;
    next();
  });
}

async function run({ id, name, source }, signal) {
  const rate = new Rate();
  const show = (phase, loaded, total) => {
    if (signal.aborted) return;
    rate.at(loaded);
    const known = total > 0 ? { total } : {};
    change(id, { phase, loaded, ...known, speed: rate.speed, left: total > 0 ? rate.left(total - loaded) : undefined });
  };
  const onProgress = ({ phase, loaded, total }) => show(phase, loaded, total);
  // Where nothing comes, nothing is reported: the speed falls all the same.
  const clock = setInterval(() => of(id)?.phase === 'download' && show('download', of(id).loaded, of(id).total), 1000);
  change(id, { status: 'running', phase: undefined });
  try {
    await holding(lockOf(id), () => downloadModel({ model: source, onProgress, onNotice: noted, signal }));
    forget(id);
    const remove = toast(`${name} is on this device.`, { stays: true, action: { label: 'Use it', run: () => void chooseModel({ id, name, source }) } });
    const end = engine.subscribe(({ model }) => {
      if (model?.id !== id) return;
      end();
      remove(); // it is being used
    });
  } catch (error) {
    const lost = NOTHING_KEPT.includes(error.code) ? { loaded: 0 } : {};
    if (!signal.aborted) change(id, { status: 'failed', error, speed: undefined, left: undefined, ...lost });
  } finally {
    clearInterval(clock);
  }
  await refresh();
}

/** Runs `work` while other tabs can see that this one has it. */
function holding(name, work) {
  return navigator.locks ? navigator.locks.request(name, { mode: 'shared' }, work) : work();
}

/** What an earlier visit, or another tab, has left. */
async function restore() {
  const held = new Set(((await navigator.locks?.query())?.held ?? []).map(({ name }) => name));
  for (const [id, { name, source }] of Object.entries(kept.value.open)) {
    if (of(id)) continue;
    const elsewhere = held.has(lockOf(id));
    downloads.value = [...downloads.value, { id, name, source, status: elsewhere ? 'elsewhere' : 'paused', loaded: 0, total: 0 }];
    if (elsewhere) {
      void navigator.locks.request(lockOf(id), async () => undefined).then(async () => {
        if (await isHere(id)) forget(id);
        else if (of(id)) change(id, { status: 'paused' });
      });
    } else if (await isHere(id)) forget(id); // another tab has ended it
  }
}
void restore();

const isHere = (id) => find(id).catch(() => undefined);
