// The entry for service workers, those of web extensions included: the engine in place, static imports only, no downloads.
// Whatever the browser ends is there again with the next request: all that matters lies in the store.

import * as baseline from '../wasm/kinglet.js';
import * as grammar from '../wasm/kinglet_grammar.js';
import * as relaxed from '../wasm/kinglet_relaxed.js';
import * as act from './act/static.js';
import { availabilityOf } from './availability.js';
import { calibrate } from './calibrate/static.js';
import { create, type Kinglet } from './client.js';
import { Decisions } from './escalation.js';
import { fetchHandler, type FetchEventLike, type HandlerOptions } from './fetch-handler.js';
import { openHere } from './here.js';
import type { Ways } from './hosts.js';
import * as retrieval from './retrieval/index.js';
import * as route from './route/static.js';
import * as tasks from './tasks/index.js';
import type { Availability, KingletOptions } from './types.js';

export type { ChatCompletions } from './chat.js';
export type { Kinglet } from './client.js';
export type { Completions } from './completions.js';
export type { Embeddings } from './embeddings.js';
export { KingletError, type ErrorCode } from './errors.js';
export type { FetchEventLike, HandlerOptions } from './fetch-handler.js';
export type { Calibrated, CalibrateOptions, CalibrationRow, Finding } from './calibrate/types.js';
export type { Collected, CollectedOptions, FeedbackOptions, FeedbackRow, LabelSource, Observation, Progress as FeedbackProgress, Selected, Texts, Verdict } from './feedback/types.js';
export type { DocumentIndex } from './retrieval/documents.js';
export type * from './retrieval/types.js';
export { calibrate } from './calibrate/static.js';
export { createRouter } from './route/static.js';
export type * from './tasks/types.js';
export type * from './types.js';

const WAYS: Ways = {
  acting: async () => act,
  tasks: async () => tasks,
  retrieval: async () => retrieval,
  deciding: async () => ({ Decisions, calibrate, ...route }),
  here: () =>
    openHere({
      browser: {
        validate: (bytes) => WebAssembly.validate(bytes),
        glue: { relaxed: async () => relaxed, baseline: async () => baseline },
        grammar: async () => grammar,
      },
      downloads: 'refused',
    }),
};

/**
 * Loads a model in this thread, from the store.
 *
 * @throws KingletError `download_refused` when the model is not in the store: a page must load it once.
 */
export function createKinglet(options: KingletOptions): Promise<Kinglet> {
  return create(options, WAYS);
}

/**
 * Whether a model would run here, and from where it would come: asked before anything of it is downloaded but its header.
 *
 * @throws KingletError when the header cannot be had (`http`, `io`, …) or an option is wrong.
 */
export function availability(options: KingletOptions): Promise<Availability> {
  return availabilityOf(options, WAYS);
}

/**
 * A listener for `fetch` that answers `POST /v1/chat/completions` of the worker's own pages, streamed or not. The model is
 * loaded with the first request, and again after the browser has ended the worker.
 *
 * @example
 * addEventListener('fetch', serveOpenAI({ model: '/models/model.gguf' }));
 * // and on a page: new OpenAI({ baseURL: `${location.origin}/v1`, apiKey: 'none', dangerouslyAllowBrowser: true })
 */
export function serveOpenAI(options: KingletOptions | (() => Promise<Kinglet>), handler?: HandlerOptions): (event: FetchEventLike) => void {
  return fetchHandler(typeof options === 'function' ? options : () => createKinglet(options), handler);
}
