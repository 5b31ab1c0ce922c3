// What is spent, and what may still be: reserved before anything is sent, settled when it has ended. The arithmetic is Rust's
// (route/src/budget), the keeping is book.ts's.

import { kind, number, object } from '../check.js';
import { KingletError } from '../errors.js';
import { invalid, refuseOthers } from '../params.js';
import { call, type RouteGlue } from '../route/module.js';
import { text } from '../route/text.js';
import type { Facts } from '../route/types.js';
import type { WasmFile } from '../types.js';
import { Book, damaged, isRow, type Changed, type Others } from './book.js';
import { csv, jsonLines } from './export.js';
import { checkBudget } from './options.js';
import type { BudgetOptions, Kept, LedgerRow, LedgerSummary, LedgerTotals, Purse, Reserve, Settled } from './types.js';

/** The latest time that there is a date for. */
const LAST = 8.64e15;

/** What a ledger may be told beside its options. */
export interface LedgerOptions {
  /** Whose `perSession` is used: any name without white space. Default: one that nobody else has. */
  session?: string | undefined;
  /** The module's Wasm, where a host must serve it itself. */
  wasm?: WasmFile | undefined;
  /** Milliseconds since 1970. Default `Date.now`. */
  now?: (() => number) | undefined;
}

/** Part of rows. */
export interface Since {
  /** Milliseconds since 1970; default: all of them. */
  since?: number;
}

/** What the Wasm module answers. */
interface Answer extends Changed {
  totals: LedgerTotals;
  budget?: NonNullable<Facts['budget']>;
}

/**
 * A ledger. `module`: how the Wasm module is had.
 *
 * @throws KingletError `invalid_request` that names a wrong option; `store_unavailable`, `store_newer`, `worker_failed`.
 */
export async function openLedgerWith(module: (file?: WasmFile) => Promise<RouteGlue>, options?: BudgetOptions, given: LedgerOptions = {}): Promise<Ledger> {
  const { policy, store, most } = checkBudget(options);
  const { session = randomName(), wasm, now = Date.now } = given;
  if (typeof session !== 'string' || !/^\S{1,200}$/u.test(session)) {
    throw invalid('session', 'a name of 1 to 200 characters without white space', typeof session === 'string' ? JSON.stringify(session) : kind(session));
  }
  const glue = await module(wasm);
  return new Ledger(await Book.open(store, most, session), glue, policy, session, now);
}

/** The account of this origin, or of this page: see {@link Ledger.shared}. */
export class Ledger {
  /** What runs, for the case that somebody clears the ledger meanwhile. */
  private readonly open = new Map<string, { ask: object; epoch: string }>();

  /** @internal */
  constructor(
    private readonly book: Book,
    private readonly glue: RouteGlue,
    private readonly policy: string,
    /** Whose `perSession` is used. */
    readonly session: string,
    private readonly now: () => number,
  ) {}

  /** All tabs of this origin share it, and it outlives them. False where there is no IndexedDB or no Web Locks, or `memory` was asked for. */
  get shared(): boolean {
    return this.book.shared;
  }

  /** What `facts.budget` says to a decision; what is not bounded is absent. Nothing is held back by it. */
  async standing(purse: Purse = {}): Promise<NonNullable<Facts['budget']>> {
    const state = await this.book.state();
    return this.ask(state, { standing: this.purse('purse', purse) }).budget ?? {};
  }

  /**
   * Holds the worst case of an attempt back, before it is sent.
   *
   * @throws KingletError `budget_exhausted` or `rate_limited`, with `{by: 'budget', bound, needed, left, shares, retry_after_ms}`: it
   * must not be sent, and nothing is held back.
   */
  async reserve(reserve: Reserve): Promise<void> {
    const ask = this.purse('reserve', reserve);
    await this.book.change((state, others) => {
      const changed = this.ask(state, { reserve: ask }, others);
      this.open.set(keyOf(reserve.id, reserve.attempt), { ask, epoch: others.epoch });
      return changed;
    });
  }

  /** The end of an attempt. Without usage its worst case stays: nothing is given back that nobody counted. */
  async settle(id: string, attempt: number, settled: Settled): Promise<LedgerRow> {
    const key = keyOf(id, attempt);
    const held = this.open.get(key);
    const how = tamed(settled);
    const row = await this.booked((state, others) => {
      // What was cleared meanwhile is spent all the same.
      const again = held !== undefined && held.epoch !== others.epoch ? { again: held.ask } : {};
      return this.ask(state, { ...again, settle: { session: this.session, id, attempt, how } }, others);
    }, settled.first_ms);
    this.open.delete(key);
    return row;
  }

  /** An answer of this device, and what it would have cost. */
  kept({ first_ms, ...kept }: Kept): Promise<LedgerRow> {
    const keep = this.purse('kept', kept);
    return this.booked((state, others) => this.ask(state, { keep }, others), first_ms);
  }

  /** The newest rows, the oldest of them first. */
  async rows(options?: Since): Promise<LedgerRow[]> {
    const since = sinceOf(options);
    await this.lost();
    return (await this.book.rows()).filter(({ at }) => at >= since);
  }

  /** What was spent and saved, of the rows that are kept. */
  async summary(options?: Since): Promise<LedgerSummary> {
    // In the order of `Line` (route/src/budget/summary.rs).
    const lines = (await this.rows(options)).map((row) => {
      const { id, session, task = '', at, source, tokens, currency = null, cost, counterfactual, counterfactual_kind } = row;
      return [id, session, task, at, source, tokens, currency, cost, counterfactual, counterfactual_kind];
    });
    return JSON.parse(call(this.glue, () => this.glue.summarise_ledger(JSON.stringify(lines)))) as LedgerSummary;
  }

  /** Sums over all rows that there ever were, those included that are no longer kept. */
  async totals(): Promise<LedgerTotals> {
    return this.ask(await this.book.state(), {}).totals;
  }

  /** The rows as text. */
  async export(format: 'csv' | 'jsonl', options?: Since): Promise<string> {
    if (format !== 'csv' && format !== 'jsonl') {
      throw invalid('format', '"csv" or "jsonl"', String(format));
    }
    const rows = await this.rows(options);
    return format === 'csv' ? csv(rows) : jsonLines(rows);
  }

  /** Forgets all rows, and what is used: the budget is whole again. What runs is booked when it ends. */
  clear(): Promise<void> {
    return this.book.clear();
  }

  /** What of this session still runs is lost with it, and costs its worst case. */
  close(): void {
    this.book.close();
  }

  /** Makes rows of what dead tabs have left. */
  private lost(): Promise<void> {
    return this.shared ? this.book.change((state, others) => this.ask(state, {}, others)) : Promise.resolve();
  }

  /** A change whose last row is what was asked for; no sum needs its `first_ms`. */
  private async booked(work: (state: string, others: Others) => Changed, first_ms: number | undefined): Promise<LedgerRow> {
    const first = whole(first_ms);
    let row: LedgerRow | undefined;
    await this.book.change((state, others) => {
      const { rows, ...changed } = work(state, others);
      row = rows.at(-1);
      if (row !== undefined && first !== undefined) {
        row = { ...row, first_ms: first };
      }
      return { ...changed, rows: row === undefined ? rows : [...rows.slice(0, -1), row] };
    });
    if (row === undefined) {
      throw new KingletError('internal', 'the ledger has written no row; report it');
    }
    return row;
  }

  private ask(state: string, work: object, others?: Others): Answer {
    const alive = others?.alive === undefined ? {} : { alive: [...others.alive, this.session] };
    const said = JSON.stringify({ ...alive, ...work });
    try {
      return known(JSON.parse(call(this.glue, () => this.glue.budget(this.policy, state, this.now(), said))));
    } catch (thrown) {
      const { code, detail } = thrown as Partial<KingletError>;
      throw code === 'invalid_request' && String(detail?.['param']).startsWith('state') ? damaged(thrown) : thrown;
    }
  }

  /** What is asked for, as JSON has it, with this session. */
  private purse(path: string, given: object): object {
    return JSON.parse(text(path, { ...object(path, given), session: this.session })) as object;
  }
}

/** What is no answer comes from a Wasm file of another version: what it would have booked must not be missing unnoticed. */
function known(answer: unknown): Answer {
  const { state, rows, totals } = (answer ?? {}) as Partial<Answer>;
  if (typeof state !== 'string' || !Array.isArray(rows) || !rows.every(isRow) || typeof totals !== 'object') {
    const message = 'the Wasm module for decisions answers as another version would: its file and the scripts of kinglet must be of one version';
    throw new KingletError('worker_failed', message, { what: 'budget' });
  }
  return answer as Answer;
}

const keyOf = (id: string, attempt: number): string => `${attempt} ${id}`;

function sinceOf(options: Since | undefined): number {
  const { since, ...others } = object<Since>('options', options);
  refuseOthers('options', others, () => 'since');
  return number('options.since', since, 0, LAST) ?? 0;
}

/** Whole milliseconds, of what can be a time. */
const whole = (value: number | undefined): number | undefined => (value !== undefined && value >= 0 && value <= LAST ? Math.round(value) : undefined);

/** Of what a service says only what can be so: numbers that are no counts nobody has counted. */
function tamed({ spent, ...rest }: Settled): object {
  const count = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  const { model, provider, reason, latency_ms, wasted_local_ms } = rest;
  const told = { model, provider, reason, latency_ms: whole(latency_ms), wasted_local_ms: whole(wasted_local_ms) };
  if (spent.kind !== 'usage') {
    return { ...told, spent: { kind: spent.kind === 'refused' ? 'refused' : 'unknown' } };
  }
  const { input, output, cached } = spent.usage;
  if (!count(input) || !count(output)) {
    return { ...told, spent: { kind: 'unknown' } };
  }
  return { ...told, spent: { kind: 'usage', usage: { input, output, ...(count(cached) ? { cached } : {}) } } };
}

function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('');
}
