// Budget and ledger where `import()` exists: fetched where the option `budget` is there, or where something remote is asked.

import { routeModule } from '../route/lazy.js';
import { openLedgerWith, type Ledger, type LedgerOptions } from './ledger.js';
import type { BudgetOptions } from './types.js';

export { Ledger, type LedgerOptions, type Since } from './ledger.js';
export { checkBudget } from './options.js';
export type * from './types.js';

/** See {@link openLedgerWith}. */
export function openLedger(options?: BudgetOptions, given?: LedgerOptions): Promise<Ledger> {
  return openLedgerWith(routeModule, options, given);
}
