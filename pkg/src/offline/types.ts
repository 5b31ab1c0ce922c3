// What waits for the network: what is put in, and what is said of it.

import type { DrawerKind } from '../drawer.js';
import type { Redactor } from '../privacy/redact.js';
import type { Vault } from '../privacy/vault.js';
import type { Payload } from '../remote/types.js';
import type { Facts } from '../route/types.js';

/** A request that could not be sent. */
export interface QueueItem {
  /** Of the answer that was given meanwhile. */
  id: string;
  /** The remote's name. */
  remote: string;
  /** Redacted. */
  payload: Payload;
  /** For deciding again. */
  facts: Facts;
  task?: string;
  /** The endpoint honours `Idempotency-Key`: sent again by itself after a tab died with it. */
  idempotency?: boolean;
}

/** `waiting` to be sent; `sending`, by a tab that lives; `interrupted`: a tab died with it, and nobody knows whether it was sent. */
export type QueueState = 'waiting' | 'sending' | 'interrupted';

/** A request in the queue. */
export interface Queued extends QueueItem {
  state: QueueState;
  /** Milliseconds since 1970: when it was put in, and when it is given up. */
  at: number;
  expires: number;
  /** The same for every attempt. */
  key: string;
  /** How often it was begun to be sent. */
  attempts: number;
  /** What its placeholders stand for is not known any more: the answer keeps them. */
  placeholders: boolean;
  /** What they stand for, as long as the page lives that put it in. */
  vault?: Vault;
}

/** Sends one: `later` keeps it for another time and ends the flush; `dropped`: it is not wanted any more. */
export type Send = (item: Queued, signal: AbortSignal) => Promise<'sent' | 'later' | 'dropped'>;

/** What a flush did, by ids. */
export interface Flushed {
  sent: string[];
  /** Still in the queue, to be tried again. */
  later: string[];
  dropped: string[];
  cancelled: string[];
  expired: string[];
  /** See {@link QueueState}: `requeue` or `cancel` them, on the user's word. */
  interrupted: string[];
}

/** How a queue is opened. */
export interface QueueOptions {
  /** Default `auto`. */
  store?: DrawerKind;
  /** How long a request waits. Default: a day. */
  ttlMs?: number;
  /** Requests. Default 50. */
  most?: number;
  /** Bytes of all of them, as JSON. Default 1,000,000. */
  mostBytes?: number;
  now?: () => number;
  /** The app's, by which payloads were redacted. Default: one that looks for every kind. */
  redactor?: Redactor;
}
