// A request that may be answered on either side: what run.ts needs to know of it.

import type { Pending } from '../pending.js';
import type { Purse } from '../ledger/types.js';
import type { Payload } from '../remote/types.js';
import type { Facts } from '../route/types.js';
import type { Shown } from '../shape.js';
import type { Handover } from './parts.js';
import type { Complete } from './validate.js';

/** A request, and how it can be answered. */
export interface Plan {
  pending: Pending;
  /** `chat`, or the task's name. */
  operation: string;
  /** What was asked, and the model that is here, for whoever watches. */
  input: unknown;
  model(): string;
  /** Answers here. `rule`: when to end early; `whole`: never, whatever the request says. */
  local(rule: Pending['rule'], whole: boolean): AsyncIterable<Shown>;
  /** Waits for the model that is on its way; what is known then. */
  arrived(): Promise<Facts>;
  /** What is asked elsewhere; undefined: that cannot be. */
  payload: Payload | undefined;
  /** Tokens of the prompt here, and of what was sent, where somebody can count them. */
  tokens: (sent: Payload) => Promise<{ local: number; sent: number } | undefined>;
  /** The payload without what the question does not need, for a prompt that does not fit here; undefined: it is sent whole. */
  shorter?: () => Promise<Payload>;
  purse: Purse;
  handover: Handover;
  /** Somebody reads it as it comes. */
  streams?: boolean;
  /** Pieces of the answer here that are held back, so that what is shown is rarely replaced. */
  probation: number;
  /** Before anything is sent. @throws KingletError `invalid_request`: no answer could be held against its schemas. */
  checkable(): void;
  /** @throws KingletError `remote_failed` of kind `invalid_output`. */
  check(remote: string, answer: Complete): void;
  /** Hears the text that stands. */
  heard?(text: string): void;
  /** Whether a remote answer says the same; without it an audit is no verdict. */
  agree?(local: string, remote: string): boolean | Promise<boolean>;
}
