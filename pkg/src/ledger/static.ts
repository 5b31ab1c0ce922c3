// Budget and ledger in a service worker, which has no `import()`.

import { routeModule } from '../route/static.js';
import { openLedgerWith, type Ledger, type LedgerOptions } from './ledger.js';
import type { BudgetOptions } from './types.js';

/** As that of index.ts. */
export function openLedger(options?: BudgetOptions, given?: LedgerOptions): Promise<Ledger> {
  return openLedgerWith(routeModule, options, given);
}
