// What a page in a WebView or a frame (www/embed.html) and the app around it say to each other: docs/webview.md has the same as a table.

import type { ErrorCode } from '../errors.js';
import type { BudgetOptions, LedgerRow, LedgerSummary, LedgerTotals } from '../ledger/types.js';
import type { ConsentAnswer, ConsentRequest, PrivacyOptions } from '../privacy/types.js';
import type { RemoteEndpoint } from '../remote/types.js';
import type { StoredFile } from '../store/store.js';
import type { Availability, ChatChunk, ChatCompletion, ChatParams, Info, KingletOptions, Notice, Progress, Stats } from '../types.js';

/** The versions of the protocol that this package speaks, the newest first. */
export const VERSIONS: readonly number[] = [1];

/** What a request is known by: whoever asks chooses it, and its answers carry it. */
export type Id = number | string;

/** A model that the app has. */
export type EmbedModel =
  /** An address that the page can fetch: of the app's own scheme, of an asset loader, of a server. */
  | { url: string; name?: string; sha256?: string; headers?: Record<string, string> }
  /** Bytes that the app hands over as the page asks for them ({@link Want}). `version`: another one when the bytes are others. */
  | { pieces: { name: string; size: number; sha256?: string; version?: string } }
  /** Already in the page's store, by the name or the address that it has there. */
  | { stored: string };

/** A remote model. It has no key: with `token` the app is asked for one, for each attempt. */
export type EmbedRemote = Omit<RemoteEndpoint, 'getToken' | 'apiKey' | 'dangerouslyAllowBrowserKey' | 'baseURL'> & { baseURL: string; token?: boolean };

/** The options of `createKinglet` that are data. */
export interface EmbedOptions
  extends Pick<
    KingletOptions,
    | 'backend'
    | 'context'
    | 'cacheType'
    | 'threads'
    | 'exact'
    | 'ignoreWindow'
    | 'store'
    | 'retry'
    | 'host'
    | 'restart'
    | 'module'
    | 'mode'
    | 'escalation'
    | 'tasks'
    | 'profiles'
    | 'offline'
    | 'progressive'
  > {
  remote?: readonly EmbedRemote[];
  privacy?: Omit<PrivacyOptions, 'onConsent'>;
  budget?: BudgetOptions;
}

/** How long the page waits for the app, in milliseconds. */
export interface EmbedPatience {
  /** For the user's answer; then it is no. Default 120,000. */
  consent?: number;
  /** For a token. Default 15,000. */
  token?: number;
  /** For a piece of a model. Default 30,000. */
  piece?: number;
}

/** What an error of the protocol is, beside the engine's own codes. */
export type EmbedCode =
  | ErrorCode
  /** The two sides have no version in common. */
  | 'bad_version'
  /** A message is not what the protocol says; `detail.param` names the field. */
  | 'bad_message'
  /** A piece is not the one that was asked for. */
  | 'bad_piece'
  /** More requests are open than may be, or a model is being loaded already. */
  | 'too_many'
  /** The app did not answer in time, or refused. */
  | 'host_silent'
  /** The page has gone, or does not answer. */
  | 'page_gone'
  /** There is no such model in the store. */
  | 'not_stored';

/** An error on the wire. */
export interface EmbedWireError {
  code: EmbedCode;
  message: string;
  detail: Record<string, unknown>;
}

/** What a page can do. */
export interface Capabilities {
  /** `port`: bytes as ArrayBuffer; `text`: as base64. */
  bytes: 'port' | 'text';
  gpu: boolean;
  simd: boolean;
  /** Where models can be kept. */
  store: 'opfs' | 'indexeddb' | 'none';
  isolated: boolean;
}

/** Bounds that the page keeps. */
export interface Limits {
  /** Bytes of a piece, at most. */
  piece: number;
  /** Characters of a message, at most. */
  message: number;
  /** Requests that may be open. */
  requests: number;
}

/** What loading gives. */
export interface Loaded {
  /** Null where it was not waited for: `progressive`, and the mode `only-remote`. */
  info: Info | null;
  /** What the model takes, where the app has set a bound; `info` has the context. */
  memory: { needed: number | null; budget: number | null; cacheType: 'f16' | 'f32' | 'q8_0' };
}

/** What the page asks for of a model that comes in pieces: exactly so many bytes from there. */
export interface Want {
  type: 'want';
  id: string;
  name: string;
  at: number;
  length: number;
}

/** The part of an answer that the app has already, after the page was ended. */
export interface Resume {
  text: string;
  /** A remote model may be asked again, and paid again. Default false: only the model here goes on. */
  remote?: boolean;
}

/** What the app says, without the field `kinglet`. */
export type AppSays =
  | { type: 'hello'; id: Id; versions: number[]; host: string; patience?: EmbedPatience }
  | { type: 'load'; id: Id; model: EmbedModel; options?: EmbedOptions; memory?: number }
  | { type: 'availability'; id: Id; model: EmbedModel; options?: EmbedOptions; memory?: number }
  | { type: 'chat'; id: Id; params: ChatParams; resume?: Resume }
  | { type: 'abort'; id: Id }
  | { type: 'ledger'; id: Id; rows?: boolean; since?: number }
  | { type: 'stored'; id: Id }
  | { type: 'stats'; id: Id }
  | { type: 'unload'; id: Id }
  | { type: 'dispose'; id: Id }
  | { type: 'ping'; id: Id }
  | { type: 'piece'; id: string; at: number; data: ArrayBuffer | string }
  | { type: 'consent_answer'; id: string; answer: ConsentAnswer }
  | { type: 'token_answer'; id: string; token: string }
  | { type: 'refuse'; id: string; message: string };

/** What the page says, without the field `kinglet`. */
export type PageSays =
  | { type: 'awake'; session: string; versions: number[] }
  | { type: 'ready'; id: Id; version: number; session: string; capabilities: Capabilities; limits: Limits; info: Info | null }
  | { type: 'progress'; id: Id; progress: Progress }
  | { type: 'begun'; id: Id; seed: number | null }
  | { type: 'chunk'; id: Id; chunk: ChatChunk }
  | { type: 'replace'; id: Id; text: string }
  | { type: 'done'; id: Id; value: unknown }
  | { type: 'error'; id: Id | null; error: EmbedWireError }
  | { type: 'notice'; notice: Notice }
  | Want
  | { type: 'consent_request'; id: string; request: Omit<ConsentRequest, 'signal'> }
  | { type: 'token_request'; id: string; remote: string }
  | { type: 'withdrawn'; id: string };

/** What `done` brings, by what was asked. */
export interface Values {
  load: Loaded;
  availability: Availability & { cacheType?: 'f16' | 'f32' | 'q8_0' };
  chat: ChatCompletion | null;
  ledger: { summary: LedgerSummary; totals: LedgerTotals; rows?: LedgerRow[] };
  stored: StoredFile[];
  stats: Stats;
  unload: null;
  dispose: null;
  ping: null;
}

/** A message of the app. */
export type FromApp = { kinglet: 1 } & AppSays;
/** A message of the page. */
export type FromPage = { kinglet: 1 } & PageSays;
