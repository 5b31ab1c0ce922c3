// What is asked of the user, what is replaced, and what is written down about what left.

import type { Consent, Redact } from '../route/types.js';

/** What a redactor looks for. `dictionary`: the app's own words. */
export type Entity = 'email' | 'phone' | 'card' | 'iban' | 'ip' | 'url' | 'secret' | 'dictionary';

/** How many of each were found. */
export type EntityCounts = Partial<Record<Entity, number>>;

/** What a user is shown before something leaves. */
export interface ConsentRequest {
  /** The remote's name, the host that gets it, and the model. */
  remote: string;
  host: string;
  model: string;
  task?: string;
  /** Why it is asked for: a reason of docs/routing.md. */
  reason: string;
  /** Exactly the body that is sent, as text; nothing in it names a key. */
  preview: string;
  redacted: boolean;
  /** What was replaced, or would have been. */
  entities: EntityCounts;
  /** Micro-units, at most; null where nobody knows. */
  cost: number | null;
  currency: string;
  signal: AbortSignal;
}

/** `once`: this one. `session`: all to this remote until the page ends. `task`: all of this task to this remote, likewise. */
export type ConsentAnswer = 'once' | 'session' | 'task' | 'no';

/** Option `privacy` of `createKinglet`. */
export interface PrivacyOptions {
  /** Of what has no label; default `ask`. */
  consent?: Consent;
  /** Of what has no label; default `no`. */
  redact?: Redact;
  /** What is replaced; default: all. */
  entities?: readonly Entity[];
  /** Names of people, projects, customers: replaced wherever they stand, whatever their case. */
  dictionary?: readonly string[];
  /** Asks the user. Without it, what needs consent does not leave. */
  onConsent?: (request: ConsentRequest) => ConsentAnswer | Promise<ConsentAnswer>;
}

/** One entry of the log of what left: no text of it. */
export interface Egress {
  /** Of the answer it was for. */
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  remote: string;
  host: string;
  model: string;
  /** Bytes of the body. */
  bytes: number;
  consent: 'free' | ConsentAnswer;
  redacted: boolean;
  entities: EntityCounts;
}
