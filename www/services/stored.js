// The models on this device, as the package's store keeps them (docs/store.md), and the room for more.

import { downloadModel, modelStore } from '../pkg/dist/index.js';
import { addressOf } from '../lib/choice.js';
import { Observable } from '../lib/observable.js';
import { partOf } from '../lib/split.js';
import { toast } from '../lib/toast.js';
import { notices } from './notices.js';
import { section } from './settings.js';

/**
 * `models`: `{id, name, address, files, bytes, length, complete, used, store}`, the last used first; a split model is one. `room`: what
 * `modelStore.estimate` says. Undefined before they are known; `error` where they cannot be.
 */
export const stored = new Observable({ models: undefined, room: undefined, error: undefined });

/** Of models that were complete at the last look: whether the browser has removed one since. */
const library = section('library', { known: {} }, ({ known }) => ({
  known: Object.fromEntries(Object.entries(known).filter(([, name]) => typeof name === 'string')),
}));

/** Names of models that were here and are gone, though nobody removed them. */
export const evicted = new Observable([]);

// What a load finds out about its file is said, whichever view is open.
notices.subscribe((all) => {
  const { code, message } = all.at(-1) ?? {};
  if (code === 'storage_evicted' || code === 'chunk_repaired') toast(`${message[0].toUpperCase()}${message.slice(1)}.`);
});

let looking;
/** Looks anew; calls while it looks wait for one more look. */
export function refresh() {
  looking = (looking ?? Promise.resolve()).then(look);
  return looking;
}

async function look() {
  try {
    const [files, room] = await Promise.all([modelStore.list(), modelStore.estimate()]);
    const models = grouped(files);
    noteEvictions(models);
    stored.value = { models, room, error: undefined };
  } catch (error) {
    stored.patch({ error });
  }
}

/** A model's files together. */
function grouped(files) {
  const models = new Map();
  for (const file of files) {
    const address = file.urls.find((url) => /^https?:/.test(url));
    const place = partOf((address ?? file.name).split('/').at(-1));
    const key = place ? `${(address ?? '').replace(/[^/]*$/, '')}${place.base}` : file.id;
    const model = models.get(key) ?? { id: key, name: place?.base ?? file.name, files: [], expected: place?.of ?? 1 };
    models.set(key, model);
    model.files.push({ ...file, address, part: place?.part ?? 1 });
  }
  return [...models.values()].map(({ expected, ...model }) => {
    model.files.sort((a, b) => a.part - b.part);
    const sum = (of) => model.files.reduce((all, file) => all + (of(file) ?? 0), 0);
    return {
      ...model,
      address: model.files[0].address,
      store: model.files[0].store,
      bytes: sum((file) => file.stored),
      length: model.files.length === expected && model.files.every((file) => file.length) ? sum((file) => file.length) : undefined,
      complete: model.files.length === expected && model.files.every((file) => file.complete),
      used: new Date(Math.max(...model.files.map((file) => file.used))),
    };
  });
}

function noteEvictions(models) {
  const here = new Map(models.filter(({ complete }) => complete).map(({ id, name }) => [id, name]));
  const { known } = library.value;
  const present = new Set(models.map(({ id }) => id));
  const gone = Object.entries(known).filter(([id]) => !present.has(id)).map(([, name]) => name);
  if (gone.length > 0) evicted.value = [...new Set([...evicted.value, ...gone])];
  if (JSON.stringify(known) !== JSON.stringify(Object.fromEntries(here))) library.value = { known: Object.fromEntries(here) };
}

/** The complete model that a choice's id names; undefined: it is not here. */
export async function find(id) {
  if (id.startsWith('file:')) return undefined;
  await refresh();
  const files = await modelStore.list();
  const address = addressOf(id);
  const kept = files.find(({ urls, complete }) => complete && urls.includes(address));
  return kept && stored.value.models?.find((model) => model.complete && model.files.some(({ id: own }) => own === kept.id));
}

const named = (model) => model.address ?? model.files[0].id;

/** Removes a model, or what has come of one. @throws KingletError `store_busy` while it is used. */
export async function remove(model) {
  const { [model.id]: _, ...known } = library.value.known;
  library.value = { known }; // before it goes: what the user removes is no eviction
  try {
    for (const { id } of model.files) await modelStore.delete(id);
  } finally {
    await refresh();
  }
}

/** Checks each piece by its SHA-256; resolves to the number of damaged pieces, and of all. */
export async function verify(model, options) {
  let pieces = 0;
  let damaged = 0;
  let before = 0;
  for (const file of model.files) {
    const onProgress = ({ loaded }) => options?.onProgress?.({ loaded: before + loaded, total: model.bytes });
    const [found] = await modelStore.verify(file.id, { ...options, onProgress });
    damaged += found?.damaged.length ?? 0;
    pieces += Math.ceil(file.stored / (4 << 20));
    before += file.stored;
  }
  return { damaged, pieces };
}

/** Fetches the damaged pieces again, from where they came. */
export async function repair(model) {
  await downloadModel({ model: named(model), check: true, retry: { attempts: 3 } }); // somebody waits for the answer
  await refresh();
}

/** Asks the browser to keep the models; resolves to what it said. */
export async function keepAll() {
  const kept = await modelStore.persist();
  await refresh();
  return kept;
}
