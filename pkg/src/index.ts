// The package's front door.

import { availabilityOf } from './availability.js';
import { create, fetched, type Kinglet } from './client.js';
import { download, type DownloadOptions } from './keep.js';
import { findDesk } from './sources/desk.js';
import type { Ledger } from './ledger/ledger.js';
import type { BudgetOptions } from './ledger/types.js';
import type { DocumentIndex } from './retrieval/documents.js';
import type { IndexOptions } from './retrieval/types.js';
import type { Availability, KingletOptions } from './types.js';
import { WAYS } from './ways.js';

export type { ChatCompletions } from './chat.js';
export type { BatchOptions, BatchResult } from './act/batch.js';
export type { Flushed, Queue, Queued, QueueState } from './offline/index.js';
export type { TelemetryOptions, TelemetryStats } from './telemetry/types.js';
export type { Kinglet } from './client.js';
export { visible } from './visible.js';
export type { AnswerDecision, EscalateOptions } from './escalation.js';
export type { Ledger } from './ledger/ledger.js';
export type { BudgetOptions, Estimate, LedgerRow, LedgerSummary, LedgerTotals, Purse, Share } from './ledger/types.js';
export type { Trace } from './route/types.js';
export type { Consents, EgressLog, Grant } from './privacy/index.js';
export type { ConsentAnswer, ConsentRequest, Egress, Entity, EntityCounts, PrivacyOptions } from './privacy/types.js';
export type { BreakerOptions, RemoteApi, RemoteEndpoint, RemoteFailure, RemoteTimeouts } from './remote/types.js';
export type { Completions } from './completions.js';
export type { Embeddings } from './embeddings.js';
export type { EngineProfile, ProfiledStep, ProfileOptions, ProfileRow, SelfTest } from './profile.js';
export { KingletError, type ErrorCode } from './errors.js';
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
 * Loads a model, by default in a worker of its own.
 *
 * @example
 * const kinglet = await createKinglet({ model: '/models/model.gguf' });
 * const stream = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'Hi!' }], stream: true });
 * for await (const chunk of stream) console.log(chunk.choices[0].delta.content);
 *
 * @throws KingletError, for example `http`, `bad_file`, `too_large`, `gpu_unavailable`, `aborted`.
 */
export function createKinglet(options: KingletOptions): Promise<Kinglet> {
  return create(options, WAYS, findDesk);
}

/**
 * Puts a model into the store and loads nothing: so that a service worker finds it, or that it is there when it is wanted.
 * Does nothing more where it is complete.
 *
 * @example
 * await downloadModel({ model: '/models/model.gguf', onProgress: ({ loaded, total }) => console.log(loaded, total) });
 *
 * @throws KingletError, for example `http`, `aborted`, or one of the store.
 */
export function downloadModel(options: DownloadOptions): Promise<void> {
  return download(options, WAYS, findDesk);
}

/**
 * Opens an index of documents without a model: what `kinglet.createIndex` opens under the same name, searched by words.
 *
 * @throws KingletError `invalid_request` for `vectors`, which are a model's; `store_newer`.
 */
export async function openIndex(options?: Omit<IndexOptions, 'vectors' | 'prefix'>): Promise<DocumentIndex> {
  return (await fetched(WAYS.retrieval())).openIndex(options);
}

/**
 * Whether a model would run here, and from where it would come: asked before anything of it is downloaded but its header.
 *
 * @throws KingletError when the header cannot be had (`http`, `io`, …) or an option is wrong.
 */
export function availability(options: KingletOptions): Promise<Availability> {
  return availabilityOf(options, WAYS, findDesk);
}

/**
 * The account of this origin, to be read or cleared where no model is loaded (docs/budget.md); `close()` it. Its scripts are fetched
 * with the first call.
 *
 * @throws KingletError `invalid_request` that names a wrong option; `store_unavailable`, `store_newer`.
 */
export async function openLedger(budget?: BudgetOptions): Promise<Ledger> {
  const { openLedger: open } = await fetched(import('./ledger/index.js'));
  return open(budget);
}
