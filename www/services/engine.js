// The one engine of the page: which model is loaded, or loading, and what it says of itself.

import { createKinglet } from '../pkg/dist/index.js';
import { escalationOptions, onNotice } from '../escalation/options.js';
import { Observable } from '../lib/observable.js';
import { toast } from '../lib/toast.js';
import { noted } from './notices.js';
import { engineSettings } from './settings.js';

/**
 * `status`: 'none', 'loading', 'ready', 'failed'. `model`: the choice `{id, name, source}` (what `createKinglet` takes as
 * `model`). `kinglet` and its `info` where it is ready; `progress` while it loads; `error` where it has failed. Where bigger models may
 * answer without the one here, it is ready before that is loaded, and `info` is {@link ABSENT} until then.
 */
export const engine = new Observable({ status: 'none', model: undefined, kinglet: undefined, info: undefined, progress: undefined, error: undefined });

/** What is known of a model here that is not loaded. */
export const ABSENT = { model: '', architecture: 'not loaded', binding: { quantization: 'not loaded' }, backend: 'none', context: 0, trained_context: 0, vocabulary: 0, embedding_length: 0, threads: 0, chat_template: true };

const preparations = new Set();

/** Has `prepare(kinglet)` run as the last step of each load; it must not reject. */
export const beforeReady = (prepare) => preparations.add(prepare);

let loading; // AbortController of the load in progress

/**
 * Loads a model in place of the present one. Resolves to the engine's state when it is ready, failed, or another load has taken its
 * place; never rejects.
 */
export async function loadModel(model) {
  loading?.abort();
  engine.value.kinglet?.dispose();
  const mine = (loading = new AbortController());
  const show = (fields) => {
    if (loading === mine) engine.value = { status: 'loading', model, kinglet: undefined, info: undefined, progress: undefined, error: undefined, ...fields };
  };
  show({});
  try {
    const escalation = await escalationOptions();
    const kinglet = await createKinglet({
      model: model.source,
      ...engineOptions(),
      ...escalation,
      onNotice: (notice) => {
        noted(notice);
        onNotice(notice);
      },
      onProgress: (progress) => loading !== mine || (engine.value.status === 'ready' ? engine.patch({ progress }) : show({ progress })),
      signal: mine.signal,
    });
    // What parts of the page fetch for a model belongs to loading it: afterwards nothing is fetched unasked.
    await Promise.all([...preparations].map((prepare) => prepare(kinglet)));
    if (loading !== mine) kinglet.dispose();
    else show({ status: 'ready', kinglet, info: kinglet.ready ? kinglet.info : ABSENT });
    if (loading === mine && !kinglet.ready && escalation.mode !== 'only-remote') {
      const here = () => loading === mine && engine.patch({ info: kinglet.info, progress: undefined });
      kinglet.load().then(here, (error) => loading === mine && !kinglet.disposed && toast(`The model on this device could not be loaded: ${error.message}`));
    }
  } catch (error) {
    show(error.code === 'aborted' ? { status: 'none', model: undefined } : { status: 'failed', error });
  }
  return engine.value;
}

/** Ends a load, or lets go of the model. */
export function unloadModel() {
  loading?.abort();
  loading = undefined;
  engine.value.kinglet?.dispose();
  engine.value = { status: 'none', model: undefined, kinglet: undefined, info: undefined, progress: undefined, error: undefined };
}

/** The same model again, with the settings of now. */
export function reloadModel() {
  const { model } = engine.value;
  return model ? loadModel(model) : Promise.resolve(engine.value);
}

/** What the address of the page says of the engine, as `?backend=cpu&context=512&cache=f32`: it goes before the settings, for this page. */
export const presets = presetsOf(new URLSearchParams(globalThis.location?.search));

function presetsOf(query) {
  const said = { backend: query.get('backend'), context: query.has('context') ? Number(query.get('context')) : null, cacheType: query.get('cache') };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null && value !== ''));
}

/** What `createKinglet` is told of the engine; a field that says nothing is left out. */
function engineOptions() {
  const { backend, context, cacheType, threads } = { ...engineSettings.value, ...presets };
  return { backend, cacheType, threads, ...(context ? { context } : {}) };
}
