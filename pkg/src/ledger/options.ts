// Option `budget`: what of it is wrong, by its path. The same is checked again where it is applied (route/src/budget/policy.rs).

import { kind, number, object } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import type { BudgetOptions, Share } from './types.js';

const BOUNDS = [
  'requestsPerMinute',
  'tokensPerMinute',
  'requestsPerDay',
  'requestsPerMonth',
  'perRequest',
  'perSession',
  'perDay',
  'perMonth',
] as const satisfies readonly (keyof BudgetOptions)[];
const STORES = ['auto', 'indexeddb', 'memory'];
/** Rows that are kept, where the app says nothing. */
const MOST = 10_000;
/** The most that an app may ask for: some 25 MB. */
const MOST_OF_ALL = 50_000;
const MOST_SHARES = 256;
const MOST_PACING = 100;
const MOST_PRIORITY = 1000;
/** Shares are counted in millionths. */
const WHOLE = 1_000_000;

/** Option `budget`, checked. */
export interface Budget {
  /** The part that the Wasm module applies, as JSON. */
  policy: string;
  store: 'auto' | 'indexeddb' | 'memory';
  most: number;
}

/**
 * Checks option `budget`.
 *
 * @throws KingletError `invalid_request` that names the field, as `budget.tiers.free.share`.
 */
export function checkBudget(options: unknown): Budget {
  const { store = 'auto', most, tiers, tasks, pacing, ...others } = { ...object('budget', options as BudgetOptions | undefined) };
  const bounds: Record<string, unknown> = {};
  const unknown: Record<string, unknown> = { ...others };
  for (const name of BOUNDS) {
    delete unknown[name];
    const bound = integer(`budget.${name}`, others[name]);
    if (bound !== undefined) {
      bounds[name] = bound;
    }
  }
  refuseOthers('budget', unknown, () => 'an option of budget');
  if (!STORES.includes(store)) {
    throw invalid('budget.store', '"auto", "indexeddb" or "memory"', String(store));
  }
  const rows = number('budget.most', most, 1, MOST_OF_ALL) ?? MOST;
  const strength = number('budget.pacing', pacing, 0, MOST_PACING);
  const policy = {
    ...bounds,
    ...(strength === undefined ? {} : { pacing: strength }),
    ...shares('tiers', tiers),
    ...shares('tasks', tasks),
  };
  return { policy: JSON.stringify(policy), store, most: Math.floor(rows) };
}

function integer(param: string, value: unknown): number | undefined {
  const found = number(param, value, 0, Number.MAX_SAFE_INTEGER);
  if (found !== undefined && !Number.isInteger(found)) {
    throw invalid(param, 'a whole number', found);
  }
  return found;
}

function shares(name: 'tiers' | 'tasks', given: BudgetOptions['tiers']): Record<string, Record<string, Share>> {
  const path = `budget.${name}`;
  const entries = Object.entries(object(path, given));
  if (entries.length > MOST_SHARES) {
    throw invalid(path, `at most ${MOST_SHARES}`, entries.length);
  }
  const checked = entries.map(([key, value]): [string, Share] => {
    const at = `${path}.${key}`;
    if (value === undefined || value === null) {
      throw invalid(at, '{share}', kind(value));
    }
    const { share, priority, ...others } = object<Share>(at, value);
    refuseOthers(at, others, () => 'share or priority');
    const part = number(`${at}.share`, share, 0, 1);
    if (part === undefined) {
      throw invalid(`${at}.share`, 'a number from 0 to 1', kind(share));
    }
    const rank = number(`${at}.priority`, priority, -MOST_PRIORITY, MOST_PRIORITY) ?? 0;
    if (!Number.isInteger(rank)) {
      throw invalid(`${at}.priority`, 'a whole number', rank);
    }
    return [key, { share: part, priority: rank }];
  });
  const sum = checked.reduce((all, [, { share }]) => all + Math.round(share * WHOLE), 0);
  if (sum > WHOLE) {
    throw invalid(path, 'shares that sum to at most 1', sum / WHOLE);
  }
  return checked.length === 0 ? {} : { [name]: Object.fromEntries(checked) };
}
