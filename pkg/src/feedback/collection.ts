// Labelled answers in the page's store: bounded, without texts unless a redactor lets them through, and out again as JSON Lines.

import type { Calibrate } from '../calibrate/compute.js';
import type { Calibrated } from '../calibrate/types.js';
import { kind, number, object, text } from '../check.js';
import { openDrawer, type Drawer } from '../drawer.js';
import { KingletError } from '../errors.js';
import { invalid, refuseOthers } from '../params.js';
import type { Binding } from '../route/types.js';
import type { Collected, CollectedOptions, FeedbackOptions, FeedbackRow, Progress, Texts, Verdict } from './types.js';

/** What a record looks like. */
const SCHEMA = 1;
/** Rows that are kept, where the app says nothing. */
const MOST = 2000;
/** The most that an app may ask for: some 100 MB. */
const MOST_OF_ALL = 100_000;
/** Labelled answers from which a calibration is worth its name: `ENOUGH` of route/src/day0.rs, which says why. */
export const ENOUGH = 300;
/** The share of answers that counts as least sure, where the app says nothing. */
const HARD = 0.1;
/** That another model says the same is the weakest of labels. */
const AGREEMENT = 'remote_agreement';
const SOURCES = ['human', 'verifier', 'exact', AGREEMENT];
const SELECTED = ['all', 'kept', 'escalated', 'feedback'];

/** Of an answer whose texts are not known here. */
const NONE: Texts = { input: '', output: null };

/** An answer that feedback may still come for. */
export interface Known {
  row: Pick<FeedbackRow, 'id' | 'task' | 'group' | 'signals' | 'prompt_chars' | 'local_ms'>;
  /** For a redactor. */
  texts?: Texts | undefined;
}

/** The rows of this origin. */
export class Collection implements Collected {
  private drawer: Promise<Drawer> | undefined;
  private tail: Promise<unknown> = Promise.resolve();
  private readonly most: number;

  /** For calibrations: `binding` is what the latest answer of a task was made with, `calibrating` loads what makes them. */
  constructor(
    private readonly options: FeedbackOptions = {},
    private readonly binding: (task: string) => Binding | undefined = () => undefined,
    private readonly calibrating: () => Promise<Calibrate> = () => Promise.reject(new KingletError('worker_failed', 'nothing here makes calibrations')),
  ) {
    const { store = 'auto', most, redact, observe, ...others } = object('feedback', options);
    refuseOthers('feedback', others, () => 'an option of feedback');
    if (store !== 'auto' && store !== 'indexeddb' && store !== 'memory') {
      throw invalid('feedback.store', '"auto", "indexeddb" or "memory"', store);
    }
    if (redact !== undefined && typeof redact !== 'function') {
      throw invalid('feedback.redact', 'a function', kind(redact));
    }
    this.most = Math.floor(number('feedback.most', most, 1, MOST_OF_ALL) ?? MOST);
    void observe; // observe.ts
  }

  /** Whether texts are of any use here. */
  get redacts(): boolean {
    return this.options.redact !== undefined;
  }

  /** Keeps what is said of an answer; said again, the last word counts, but that of another model never over that of anybody else. */
  add({ row, texts }: Known, verdict: Verdict): Promise<Progress> {
    const { ok, remoteOk, expected, source, selected } = checked(verdict);
    const said: Texts = { ...(texts ?? NONE), ...(expected === undefined ? {} : { expected }) };
    const kept = texts === undefined && expected === undefined ? undefined : redacted(this.options.redact?.(said, { task: row.task }));
    const full: FeedbackRow = {
      ...row,
      local_ok: ok,
      ...(remoteOk === undefined ? {} : { remote_ok: remoteOk }),
      label_source: source,
      ...(selected === undefined ? {} : { selected }),
      ...(row.signals.prompt_tokens === null ? {} : { prompt_tokens: row.signals.prompt_tokens }),
      ...(kept === undefined ? {} : { texts: kept }),
    };
    return this.alone(async (rows, drawer) => {
      const before = rows.get(full.id)?.row.label_source ?? AGREEMENT;
      if (source === AGREEMENT && before !== AGREEMENT) {
        return progressOf(row.task, [...rows.values()].map((one) => one.row));
      }
      const last = [...rows.values()].reduce((most, { at }) => Math.max(most, at), 0);
      const record = { at: last + 1, row: full };
      rows.set(full.id, record);
      const over = [...rows].toSorted(([, a], [, b]) => a.at - b.at).slice(0, Math.max(0, rows.size - this.most));
      over.forEach(([id]) => rows.delete(id));
      await drawer.write([[full.id, { schema: SCHEMA, ...record }], ...over.map(([id]): [string, undefined] => [id, undefined])]);
      return progressOf(row.task, [...rows.values()].map((one) => one.row));
    });
  }

  async progress(): Promise<Progress[]> {
    const rows = await this.rows();
    return [...new Set(rows.map(({ task }) => task))].map((task) => progressOf(task, rows));
  }

  rows(): Promise<FeedbackRow[]> {
    return this.alone(async (rows) => [...rows.values()].toSorted((a, b) => a.at - b.at).map(({ row }) => row));
  }

  async export(): Promise<string> {
    return lines(await this.rows());
  }

  async exportHardCases(options: { share?: number } = {}): Promise<string> {
    const { share, ...others } = object('options', options);
    refuseOthers('options', others, () => 'share');
    const rows = await this.rows();
    const unsure = rows.filter(({ signals }) => sureness(signals) !== undefined).toSorted((a, b) => (sureness(a.signals) ?? 0) - (sureness(b.signals) ?? 0));
    const least = new Set(unsure.slice(0, Math.ceil(unsure.length * (number('options.share', share, 0, 1) ?? HARD))));
    return lines(rows.filter((row) => !row.local_ok || least.has(row)));
  }

  async calibrate(options: CollectedOptions): Promise<Calibrated> {
    const { task, binding: given, ...others } = object('options', options);
    const name = text('options.task', task);
    const binding = given ?? this.binding(name);
    if (binding === undefined) {
      throw invalid('options.binding', 'what the answers were made with', 'nothing');
    }
    const rows = (await this.rows()).filter((row) => row.task === name);
    const calibrate = await this.calibrating();
    return calibrate(rows, { ...others, task: name, binding } as Parameters<Calibrate>[1]);
  }

  clear(): Promise<void> {
    return this.alone(async (rows, drawer) => {
      await drawer.write((await drawer.all()).map(([key]) => [key, undefined]));
      rows.clear();
    });
  }

  /** Lets go of the database after what runs; whoever asks again opens it anew. What is only in memory stays. */
  close(): void {
    this.tail = this.tail.then(async () => {
      const drawer = await this.drawer?.catch(() => undefined);
      if (drawer?.kind === 'indexeddb') {
        this.drawer = undefined;
        drawer.close();
      }
    });
  }

  /** One after the other, with what is there: another tab may have written meanwhile. */
  private alone<T>(work: (rows: Map<string, { at: number; row: FeedbackRow }>, drawer: Drawer) => Promise<T>): Promise<T> {
    const done = this.tail.then(async () => {
      this.drawer ??= openDrawer('feedback', this.options.store ?? 'auto');
      const drawer = await this.drawer.catch((thrown: unknown) => {
        this.drawer = undefined; // the next one may open it
        throw thrown;
      });
      return work(restored(await drawer.all()), drawer);
    });
    this.tail = done.catch(() => undefined);
    return done;
  }
}

function restored(records: [string, unknown][]): Map<string, { at: number; row: FeedbackRow }> {
  const rows = new Map<string, { at: number; row: FeedbackRow }>();
  for (const [key, value] of records) {
    const { schema, at, row } = (value ?? {}) as { schema?: unknown; at?: unknown; row?: FeedbackRow };
    if (schema === SCHEMA && typeof at === 'number' && row?.id === key && typeof row.local_ok === 'boolean') {
      rows.set(key, { at, row });
    }
  }
  return rows;
}

function checked(verdict: Verdict): Verdict & { source: NonNullable<Verdict['source']> } {
  if (typeof verdict !== 'object' || verdict === null) {
    throw invalid('feedback', '{ok}', kind(verdict));
  }
  const { ok, remoteOk, expected, source = 'human', selected = source === 'human' ? 'feedback' : undefined, ...others } = verdict;
  refuseOthers('feedback', others, () => 'only ok, remoteOk, expected, source and selected');
  if (typeof ok !== 'boolean') {
    throw invalid('feedback.ok', 'true or false', kind(ok));
  }
  if (remoteOk !== undefined && typeof remoteOk !== 'boolean') {
    throw invalid('feedback.remoteOk', 'true or false', kind(remoteOk));
  }
  if (!SOURCES.includes(source)) {
    throw invalid('feedback.source', SOURCES.join(', '), source);
  }
  if (selected !== undefined && !SELECTED.includes(selected)) {
    throw invalid('feedback.selected', SELECTED.join(', '), selected);
  }
  if (expected !== undefined) {
    text('feedback.expected', expected);
  }
  return { ...verdict, source, ...(selected === undefined ? {} : { selected }) };
}

function redacted(texts: Partial<Texts> | undefined): Partial<Texts> | undefined {
  if (texts === undefined || texts === null) {
    return undefined;
  }
  const { input, output, expected, ...others } = object('feedback.redact', texts);
  refuseOthers('feedback.redact', others, () => 'input, output or expected');
  const kept = Object.entries({ input, output, expected }).filter(([, value]) => typeof value === 'string');
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function progressOf(task: string, rows: readonly FeedbackRow[]): Progress {
  const own = rows.filter((row) => row.task === task);
  return { task, labelled: own.length, enough: ENOUGH, wrong: own.filter((row) => !row.local_ok).length };
}

/** The first of these that was measured: the likelier, the surer. */
function sureness(signals: FeedbackRow['signals']): number | undefined {
  const { head_max, label_max, min_logprob } = signals;
  return head_max ?? label_max ?? (min_logprob === null ? undefined : Math.exp(min_logprob));
}

const lines = (rows: readonly FeedbackRow[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
