// Rows as text: JSON Lines, or CSV (RFC 4180) that a spreadsheet takes for nothing else.

import type { LedgerRow } from './types.js';

/** The columns of the CSV: all fields of a row. */
export const COLUMNS = [
  'schema_version',
  'seq',
  'id',
  'attempt',
  'at',
  'session',
  'task',
  'tier',
  'batch',
  'source',
  'remote',
  'model',
  'provider',
  'input_tokens',
  'output_tokens',
  'cached_tokens',
  'tokens',
  'currency',
  'price_as_of',
  'cost',
  'reserved',
  'counterfactual',
  'counterfactual_kind',
  'local_ms',
  'wasted_local_ms',
  'latency_ms',
  'first_ms',
  'reason',
] as const satisfies readonly (keyof LedgerRow)[];

/** One row to a line. */
export function jsonLines(rows: readonly LedgerRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** A line of names, then one for each row. */
export function csv(rows: readonly LedgerRow[]): string {
  const lines = [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(','))];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** Names come from the app, and a model's from its service: a spreadsheet must not compute what they say. */
function cell(value: string | number | undefined): string {
  if (typeof value !== 'string') {
    return value === undefined ? '' : String(value);
  }
  const plain = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
