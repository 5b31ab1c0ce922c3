// The entry of the package that has no remote client: no module of it asks for anything but the model and its own parts.

import { availabilityOf } from './availability.js';
import { create, fetched, type Kinglet } from './client.js';
import { download, type DownloadOptions } from './keep.js';
import { LOCAL_WAYS } from './local-ways.js';
import { invalid } from './params.js';
import { findDesk } from './sources/desk.js';
import type { DocumentIndex } from './retrieval/documents.js';
import type { IndexOptions } from './retrieval/types.js';
import type { Availability, KingletOptions } from './types.js';

export type { ChatCompletions } from './chat.js';
export type { Kinglet } from './client.js';
export type { Completions } from './completions.js';
export type { Embeddings } from './embeddings.js';
export { KingletError, type ErrorCode } from './errors.js';
export type { AnswerDecision } from './escalation.js';
export type { Trace } from './route/types.js';
export type { DownloadOptions } from './keep.js';
export { modelStore, type Inspection, type ModelStore, type StoredModel, type VerifyOptions } from './store/model-store.js';
export type { StoredFile } from './store/store.js';
export type { Calibrated, CalibrateOptions, CalibrationRow, Finding } from './calibrate/types.js';
export type { Collected, CollectedOptions, FeedbackOptions, FeedbackRow, LabelSource, Observation, Progress as FeedbackProgress, Selected, Texts, Verdict } from './feedback/types.js';
export type { DocumentIndex } from './retrieval/documents.js';
export type * from './retrieval/types.js';
export type * from './tasks/types.js';
export type * from './types.js';

/**
 * Loads a model, as `createKinglet` of `kinglet` does. Remote models may be named as values that are decided for (docs/routing.md);
 * one that could be asked is refused.
 *
 * @throws KingletError as there, and `invalid_request` that names `remote[0].baseURL`.
 */
export async function createKinglet(options: KingletOptions): Promise<Kinglet> {
  refuseEndpoints(options);
  return create(options, LOCAL_WAYS, findDesk);
}

/**
 * Puts a model into the store and loads nothing.
 *
 * @throws KingletError, for example `http`, `aborted`, or one of the store.
 */
export function downloadModel(options: DownloadOptions): Promise<void> {
  return download(options, LOCAL_WAYS, findDesk);
}

/**
 * Opens an index of documents without a model: what `kinglet.createIndex` opens under the same name, searched by words.
 *
 * @throws KingletError `invalid_request` for `vectors`, which are a model's; `store_newer`.
 */
export async function openIndex(options?: Omit<IndexOptions, 'vectors' | 'prefix'>): Promise<DocumentIndex> {
  return (await fetched(LOCAL_WAYS.retrieval())).openIndex(options);
}

/**
 * Whether a model would run here, and from where it would come: asked before anything of it is downloaded but its header.
 *
 * @throws KingletError when the header cannot be had (`http`, `io`, …) or an option is wrong.
 */
export function availability(options: KingletOptions): Promise<Availability> {
  return availabilityOf(options, LOCAL_WAYS, findDesk);
}

/** Whoever gives an address means to have it asked, which nothing here can. */
function refuseEndpoints(options: KingletOptions): void {
  const remote: unknown = typeof options === 'object' && options !== null ? options.remote : undefined;
  for (const [i, one] of (Array.isArray(remote) ? (remote as unknown[]) : []).entries()) {
    for (const name of ['baseURL', 'apiKey', 'getToken']) {
      if (isGiven(one, name)) {
        throw invalid(`remote[${i}].${name}`, 'none: kinglet/local asks nobody; import "kinglet" for that', 'one');
      }
    }
  }
}

/** A getter that throws is something, too. */
function isGiven(one: unknown, name: string): boolean {
  try {
    return typeof one === 'object' && one !== null && (one as Record<string, unknown>)[name] !== undefined;
  } catch {
    return true;
  }
}
