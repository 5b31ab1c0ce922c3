// Acting in a service worker, which has no `import()`.

import { openLedger } from '../ledger/static.js';
import * as offline from '../offline/index.js';
import * as telemetry from '../telemetry/index.js';
import type { Acting } from './acting.js';
import * as digest from './digest.js';
import { openWith } from './open.js';
import type { ActOptions } from './options.js';

export { checkActing } from './options.js';
export { checkRequest } from './request.js';

/** As that of index.ts. */
export function openActing(options: ActOptions): Promise<Acting> {
  return openWith({ openLedger, offline: async () => offline, telemetry: async () => telemetry, digest: async () => digest }, options);
}
