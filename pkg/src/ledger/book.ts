// The ledger's storage: one record of what is used, and one for each row, changed together under one lock of the origin.

import { openDrawer, type Drawer } from '../drawer.js';
import { KingletError } from '../errors.js';
import { LocalLocks, locked, WebLocks, type Locks, type Release } from '../store/locks.js';
import type { LedgerRow } from './types.js';

/** What records look like. */
const SCHEMA = 1;
const NAME = 'ledger';
const HEAD = 'state';
/** Before the keys of rows, which are their numbers: in order, so that the oldest come first. */
const ROW = 'row ';
/** Whoever holds the lock of this name and its own is alive. */
const SESSION = 'ledger session ';
/** Digits of the largest number that a row may have. */
const DIGITS = 16;

/** What is used, as the Wasm module says it: a text that only that reads. */
interface Head {
  schema: number;
  /** Another one since the ledger was last cleared. */
  epoch: string;
  state: string;
  /** Rows that are kept. */
  rows: number;
}

/** What a change gives: the state, and rows, all written at once. */
export interface Changed {
  state: string;
  rows: readonly LedgerRow[];
}

/** Who else there is. */
export interface Others {
  epoch: string;
  /** Sessions whose tab is there; undefined: there are no other tabs. */
  alive: string[] | undefined;
}

/** The ledger of this origin; without IndexedDB or Web Locks, of this page. */
export class Book {
  private constructor(
    private readonly drawer: Drawer,
    private readonly locks: Locks,
    private readonly tabs: WebLocks | undefined,
    private readonly leave: Release,
    private readonly most: number,
  ) {}

  /** @throws KingletError `store_unavailable`, `store_newer`. */
  static async open(kind: 'auto' | 'indexeddb' | 'memory', most: number, session: string): Promise<Book> {
    const tabs = WebLocks.find();
    if (tabs === undefined && kind === 'indexeddb') {
      const message = "there are no Web Locks here (plain http?), without which tabs cannot share a budget; open it with store: 'auto' or 'memory'";
      throw new KingletError('store_unavailable', message, { store: kind });
    }
    const drawer = await openDrawer(NAME, tabs === undefined ? 'memory' : kind);
    if (drawer.kind === 'memory' || tabs === undefined) {
      return new Book(drawer, new LocalLocks(), undefined, () => undefined, most);
    }
    const leave = await tabs.hold(`${SESSION}${session}`, { mode: 'shared' });
    return new Book(drawer, tabs, tabs, leave, most);
  }

  /** All tabs of this origin have this one. */
  get shared(): boolean {
    return this.tabs !== undefined;
  }

  /** What is used. */
  async state(): Promise<string> {
    return (await this.head()).state;
  }

  /** Changes it. What `work` throws changes nothing, and what it gives is written as a whole, or not at all. */
  change(work: (state: string, others: Others) => Changed): Promise<void> {
    return this.alone(async () => {
      const head = await this.head();
      const alive = await this.tabs?.held(SESSION);
      const { state, rows } = work(head.state, { epoch: head.epoch, alive });
      const records: [string, unknown][] = rows.map((row) => [`${ROW}${String(row.seq).padStart(DIGITS, '0')}`, row]);
      const count = head.rows + records.length;
      const over = count > this.most + Math.floor(this.most / 100) ? await this.oldest(count, records) : [];
      const kept: Head = { ...head, state, rows: count - over.length };
      await this.drawer.write([[HEAD, kept], ...records, ...over.map((key): [string, undefined] => [key, undefined])]);
    });
  }

  /** The newest rows, in their order. */
  async rows(): Promise<LedgerRow[]> {
    await this.head(); // those of a newer version are not read
    const rows = (await this.drawer.all()).flatMap(([key, row]) => (key.startsWith(ROW) && isRow(row) ? [row] : []));
    return rows.slice(-this.most);
  }

  /** Forgets everything. */
  clear(): Promise<void> {
    return this.alone(async () => {
      const keys = await this.drawer.keys();
      await this.drawer.write([...keys.map((key): [string, undefined] => [key, undefined]), [HEAD, fresh()]]);
    });
  }

  close(): void {
    this.leave();
    this.drawer.close();
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    return locked(this.locks, NAME, work);
  }

  private async head(): Promise<Head> {
    const record = await this.drawer.get(HEAD);
    if (record === undefined) {
      return fresh();
    }
    const { schema, epoch, state, rows } = (record ?? {}) as Partial<Record<keyof Head, unknown>>;
    if (typeof schema === 'number' && schema > SCHEMA) {
      const message = "a newer version of kinglet has written this site's ledger; reload the page, or use budget.store: 'memory'";
      throw new KingletError('store_newer', message, { supported: SCHEMA, found: schema });
    }
    if (schema !== SCHEMA || typeof epoch !== 'string' || typeof state !== 'string' || !Number.isSafeInteger(rows)) {
      throw damaged();
    }
    return { schema, epoch, state, rows: rows as number };
  }

  /** The keys of rows that are more than are kept; rows that are written now are no longer counted twice. */
  private async oldest(count: number, records: readonly [string, unknown][]): Promise<string[]> {
    const keys = new Set((await this.drawer.keys()).filter((key) => key.startsWith(ROW)));
    records.forEach(([key]) => keys.add(key));
    const over = [...keys].toSorted().slice(0, Math.max(0, keys.size - this.most));
    // What is written in this very change is not removed by it: its order would be the drawer's.
    const now = new Set(records.map(([key]) => key));
    return over.filter((key) => !now.has(key)).slice(0, count);
  }
}

/** The error of a ledger that nobody can read. */
export function damaged(cause?: unknown): KingletError {
  const message = "this site's ledger cannot be read, so nobody knows what is left of the budget; clear it to begin anew";
  return new KingletError('store_damaged', message, {}, { cause });
}

function fresh(): Head {
  const epoch = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
  return { schema: SCHEMA, epoch, state: '', rows: 0 };
}

/** What sums need of a row is there. */
export function isRow(value: unknown): value is LedgerRow {
  const row = (value ?? {}) as Partial<Record<keyof LedgerRow, unknown>>;
  const texts = [row.id, row.session, row.source, row.tokens, row.counterfactual_kind];
  const numbers = [row.seq, row.at, row.cost, row.counterfactual, row.input_tokens, row.output_tokens];
  return row.schema_version === SCHEMA && texts.every((text) => typeof text === 'string') && numbers.every((n) => Number.isSafeInteger(n) && Number(n) >= 0);
}
