// Acting on decisions: remote models, consent, budget, what left and what it cost. Fetched where an option asks for it.

import { openLedger } from '../ledger/index.js';
import type { KingletOptions } from '../types.js';
import type { Check } from '../escalation.js';
import type { Acting } from './acting.js';
import { openWith } from './open.js';
import type { ActOptions, Checked } from './options.js';

export type { Acting } from './acting.js';
export { checkActing } from './options.js';
export { checkRequest } from './request.js';

/** How this module is had. */
export interface ActingModule {
  checkActing(options: KingletOptions): Checked;
  checkRequest: Check;
  openActing(options: ActOptions): Promise<Acting>;
}

/** See {@link openWith}. */
export function openActing(options: ActOptions): Promise<Acting> {
  return openWith({ openLedger, offline: () => import('../offline/index.js'), telemetry: () => import('../telemetry/index.js'), digest: () => import('./digest.js') }, options);
}
