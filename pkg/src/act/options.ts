// The options of acting, checked: by the parts that know each.

import { count, number, object } from '../check.js';
import { checkBudget } from '../ledger/options.js';
import type { BudgetOptions } from '../ledger/types.js';
import type { QueueOptions } from '../offline/index.js';
import { wasmFiles } from '../options.js';
import { invalid, refuseOthers } from '../params.js';
import { checkPrivacy } from '../privacy/index.js';
import type { PrivacyOptions } from '../privacy/types.js';
import { checkEndpoints, policyPart } from '../remote/index.js';
import type { RemoteEndpoint } from '../remote/types.js';
import type { Remote } from '../route/types.js';
import type { Handover } from './parts.js';
import type { TelemetryOptions } from '../telemetry/index.js';
import type { EscalationOptions, KingletOptions, LongDocuments, Notice, OfflineOptions, WasmFile } from '../types.js';

/** Pieces of an answer that are held back before it is shown provisionally. */
const PROBATION = 16;

/** What acting goes by. */
export interface ActOptions {
  endpoints: readonly RemoteEndpoint[];
  privacy: PrivacyOptions;
  budget: BudgetOptions;
  handover: Handover;
  probation: number;
  longDocuments?: Required<LongDocuments>;
  /** Of requests that wait for a connection. */
  offline?: Omit<QueueOptions, 'now' | 'redactor'>;
  telemetry?: TelemetryOptions;
  onNotice: (notice: Notice) => void;
  wasm: WasmFile | undefined;
}

/** The same, and what is left for the policy. */
export interface Checked {
  acting: ActOptions;
  remotes: Remote[];
  escalation: KingletOptions['escalation'];
  privacy: KingletOptions['privacy'];
}

/** @throws KingletError `invalid_request` that names a wrong option. */
export function checkActing({ remote = [], escalation, privacy, budget, offline, telemetry, onNotice, wasm }: KingletOptions): Checked {
  for (const [name, value] of Object.entries({ remote, escalation, privacy, budget, offline, telemetry })) {
    readable(name, value, 0);
  }
  const remotes = checkEndpoints(remote);
  const { handover = 'replace', probation = PROBATION, longDocuments, ...rest } = object<EscalationOptions>('escalation', escalation);
  if (handover !== 'hold' && handover !== 'replace') {
    throw invalid('escalation.handover', '"hold" or "replace"', handover);
  }
  if (!Number.isInteger(probation) || probation < 0) {
    throw invalid('escalation.probation', 'a whole number of at least 0', probation);
  }
  const known = checkPrivacy(privacy ?? {});
  const { consent, redact } = known;
  return {
    acting: {
      endpoints: remotes.filter((one): one is RemoteEndpoint => 'baseURL' in one),
      privacy: known,
      budget: budgetOf(budget),
      handover,
      probation,
      ...(longDocuments === undefined ? {} : { longDocuments: longOf(longDocuments) }),
      ...(offline === undefined ? {} : { offline: offlineOf(offline) }),
      ...(telemetry === undefined ? {} : { telemetry }),
      onNotice: (notice) => onNotice?.(notice),
      wasm: wasmFiles(wasm)?.route,
    },
    remotes: remotes.map(policyPart),
    escalation: escalation === undefined ? undefined : rest,
    privacy: privacy === undefined ? undefined : { ...(consent === undefined ? {} : { consent }), ...(redact === undefined ? {} : { redact }) },
  };
}

/** How deep options nest. */
const DEEPEST = 6;

/** @throws KingletError `invalid_request` that names what throws when it is read. */
function readable(at: string, value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > DEEPEST || value instanceof URL) {
    return;
  }
  for (const name of Object.keys(value)) {
    const path = Array.isArray(value) ? `${at}[${name}]` : `${at}.${name}`;
    let inner: unknown;
    try {
      inner = (value as Record<string, unknown>)[name];
    } catch (thrown) {
      throw invalid(path, 'a value', `a getter that throws ${String(thrown)}`);
    }
    readable(path, inner, depth + 1);
  }
}

/** Checked by who keeps it; what it was given is what it is opened with. */
function budgetOf(budget: BudgetOptions | undefined): BudgetOptions {
  checkBudget(budget);
  return budget ?? {};
}

const READINGS: readonly (string | undefined)[] = ['words', 'model', 'both'];

function longOf(given: LongDocuments): Required<LongDocuments> {
  const { words, by = 'words', ...others } = object<LongDocuments>('escalation.longDocuments', given);
  refuseOthers('escalation.longDocuments', others, () => 'words or by');
  if (!READINGS.includes(by)) {
    throw invalid('escalation.longDocuments.by', '"words", "model" or "both"', String(by));
  }
  return { words: count('escalation.longDocuments.words', words, 960), by };
}

const HOUR_MS = 3_600_000;
const STORES: readonly string[] = ['auto', 'indexeddb', 'memory'];

function offlineOf(given: OfflineOptions): NonNullable<ActOptions['offline']> {
  const { ttlHours, most, mostBytes, store, ...others } = object<OfflineOptions>('offline', given);
  refuseOthers('offline', others, () => 'ttlHours, most, mostBytes or store');
  if (store !== undefined && !STORES.includes(store)) {
    throw invalid('offline.store', '"auto", "indexeddb" or "memory"', String(store));
  }
  const hours = number('offline.ttlHours', ttlHours, 0.01, 24 * 365);
  const bounds = { most: count('offline.most', most, 50), mostBytes: count('offline.mostBytes', mostBytes, 1_000_000) };
  return { ...bounds, ...(hours === undefined ? {} : { ttlMs: Math.round(hours * HOUR_MS) }), ...(store === undefined ? {} : { store }) };
}
