// An index of the app's own documents: pieces found by words, by the model's embeddings, or by both; it grows and shrinks by
// single documents, and what is in it outlives the page.

import { openDrawer, type Drawer } from '../drawer.js';
import { aborted, KingletError } from '../errors.js';
import { fnv32 } from '../hash.js';
import { labelOf, type Label } from '../label.js';
import type { CallOptions } from '../types.js';
import { chunksOf, type Chunk } from './chunks.js';
import { checkDocuments, checkIds, checkIndexOptions, checkSearch } from './check.js';
import { fuse } from './fuse.js';
import type { Document, Found, Hit, IndexOptions, IndexStatus, SearchOptions } from './types.js';
import { termsOf, Words, type Entry } from './words.js';

/** What a record of a document looks like. */
const SCHEMA = 1;
/** What the words' index holds of a text: a stored one of before is made again. */
const TERMS = 2;
/** The record of the words' index; a document's key begins with another letter. */
const WORDS = 'words';
const key = (id: string): string => `d${id}`;
/** Texts that are embedded in one request. */
const BATCH = 64;
/** How long nothing must change before the words' index is written. */
const QUIET_MS = 300;

/** The model's embeddings: unit vectors, and what they are bound to. */
export interface Embedder {
  /** Which model: vectors of another one are made again. */
  model(): string;
  embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]>;
}

interface Record {
  schema: number;
  document: Document;
  /** Of its pieces, where there are any, and of which model and prefix. */
  vectors?: Float32Array[];
  model?: string;
}

interface Kept {
  document: Document;
  chunks: Chunk[];
  vectors: Float32Array[] | undefined;
}

/** See `Kinglet.createIndex`. */
export class DocumentIndex {
  private readonly kept = new Map<string, Kept>();
  private words = Words.empty();
  private saving: ReturnType<typeof setTimeout> | undefined;
  private opened: IndexStatus['opened'] = 'new';
  private damaged = 0;
  private closed = false;
  /** One change after the other. */
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly drawer: Drawer,
    private readonly options: ReturnType<typeof checkIndexOptions>,
    private readonly embedder: Embedder | undefined,
  ) {}

  /** Opens it, with what was kept. */
  static async open(options: IndexOptions | undefined, embedder: Embedder): Promise<DocumentIndex> {
    const checked = checkIndexOptions(options);
    const drawer = await openDrawer(`index ${checked.name}`, checked.store);
    const index = new DocumentIndex(drawer, checked, checked.vectors ? embedder : undefined);
    await index.load();
    return index;
  }

  /** What is in it. */
  status(): IndexStatus {
    const chunks = [...this.kept.values()].reduce((sum, { chunks }) => sum + chunks.length, 0);
    return { documents: this.kept.size, chunks, kept: this.drawer.kind, opened: this.opened, damaged: this.damaged };
  }

  /** Adds documents; one whose id is there replaces it. */
  add(documents: Document | readonly Document[], options?: CallOptions): Promise<void> {
    const { list, signal } = checkDocuments(documents, options);
    return this.change(async () => {
      const fresh = list.map((document): Kept => ({ document, chunks: chunksOf(document.text, this.options.chunkWords), vectors: undefined }));
      await this.embed(fresh, signal);
      if (signal?.aborted) {
        throw aborted(signal);
      }
      await this.drawer.write(fresh.map((kept) => [key(kept.document.id), this.record(kept)]));
      fresh.forEach((kept) => this.put(kept));
    });
  }

  /** Removes documents; what is not there is no error. */
  remove(ids: string | readonly string[]): Promise<void> {
    const list = checkIds(ids);
    return this.change(async () => {
      await this.drawer.write(list.map((id) => [key(id), undefined]));
      list.forEach((id) => this.drop(id));
    });
  }

  /** Removes all of them. */
  clear(): Promise<void> {
    return this.change(async () => {
      await this.drawer.write((await this.drawer.all()).map(([name]) => [name, undefined]));
      this.kept.clear();
      this.words = Words.empty();
    });
  }

  /** The pieces that fit a query best. */
  async search(query: string, options?: SearchOptions): Promise<Found> {
    const { k, by, signal } = checkSearch(query, options, this.embedder !== undefined);
    this.check();
    const wanted = by === 'words' ? undefined : await this.embedded(query, signal);
    await this.tail;
    // From here to the end in one turn: what was found is still there when it is looked up.
    this.check();
    const words = by === 'vectors' ? [] : this.words.search(query);
    const vectors = wanted === undefined ? [] : this.nearest(wanted);
    const order = by === 'hybrid' ? fuse([words, vectors]) : by === 'words' ? words : vectors;
    const measured = by === 'vectors' ? vectors : perWord(words, query);
    return { hits: order.slice(0, k).map(({ id, score }) => this.hit(id, score)), signals: signalsOf(measured) };
  }

  /** Writes what is not yet written, and lets go of the database. */
  async close(): Promise<void> {
    await this.tail;
    await this.save();
    this.closed = true;
    this.drawer.close();
  }

  private async load(): Promise<void> {
    let stored: { revision?: unknown; text?: unknown } | undefined;
    const wrong: string[] = [];
    for (const [name, value] of await this.drawer.all()) {
      if (name === WORDS) {
        stored = value as typeof stored;
      } else if (!this.restore(name, value)) {
        wrong.push(name);
      }
    }
    this.damaged = wrong.length;
    if (wrong.length > 0) {
      await this.drawer.write(wrong.map((name) => [name, undefined])).catch(() => undefined); // the next one may
    }
    const digest = this.digest();
    const places = [...this.kept.values()].flatMap((kept) => entries(kept).map(({ id }) => id));
    const loaded = stored?.revision === digest && typeof stored?.text === 'string' ? Words.load(stored.text, places) : undefined;
    this.opened = this.kept.size === 0 ? 'new' : loaded === undefined ? 'rebuilt' : 'stored';
    this.words = loaded ?? Words.empty();
    if (loaded === undefined) {
      this.kept.forEach((kept) => this.enter(kept));
    }
    const bare = [...this.kept.values()].filter(({ vectors }) => this.embedder !== undefined && vectors === undefined);
    if (bare.length > 0) {
      await this.embed(bare, undefined);
      // Without room for them they are made again the next time: an index that is full must open, or nothing could be removed.
      await this.drawer.write(bare.map((kept) => [key(kept.document.id), this.record(kept)])).catch(() => undefined);
    }
    if (loaded === undefined && this.kept.size > 0) {
      await this.save();
    }
  }

  /** A record of the drawer, if it is one. */
  private restore(name: string, value: unknown): boolean {
    const { schema, document, vectors, model } = (value ?? {}) as Partial<Record>;
    if (typeof schema === 'number' && schema > SCHEMA) {
      const message = `a newer version of kinglet has written the index "${this.options.name}"; reload the page, or open one of another name`;
      throw new KingletError('store_newer', message, { supported: SCHEMA, found: schema });
    }
    const { id, text, title, consent, redact } = (document ?? {}) as Partial<Document>;
    if (schema !== SCHEMA || typeof id !== 'string' || key(id) !== name || typeof text !== 'string' || !['undefined', 'string'].includes(typeof title)) {
      return false;
    }
    const label = labelOrStrictest({ consent, redact });
    const chunks = chunksOf(text, this.options.chunkWords);
    const fits = model === this.bound() && Array.isArray(vectors) && vectors.length === chunks.length && vectors.every(isVector);
    this.kept.set(id, { document: { id, text, ...(title === undefined ? {} : { title }), ...label }, chunks, vectors: fits ? vectors : undefined });
    return true;
  }

  private record({ document, vectors }: Kept): Record {
    const model = this.bound();
    return { schema: SCHEMA, document, ...(vectors === undefined || model === undefined ? {} : { vectors, model }) };
  }

  private bound(): string | undefined {
    return this.embedder === undefined ? undefined : `${this.embedder.model()} ${this.options.prefix.document}`;
  }

  private async embed(list: readonly Kept[], signal: AbortSignal | undefined): Promise<void> {
    if (this.embedder === undefined) {
      return;
    }
    const texts = list.flatMap(({ document, chunks }) => chunks.map(({ text }) => `${this.options.prefix.document}${titled(document, text)}`));
    const vectors: Float32Array[] = [];
    for (let at = 0; at < texts.length; at += BATCH) {
      vectors.push(...(await embedded(this.embedder, texts.slice(at, at + BATCH), signal)));
    }
    for (const kept of list) {
      kept.vectors = vectors.splice(0, kept.chunks.length);
    }
  }

  private async embedded(query: string, signal: AbortSignal | undefined): Promise<Float32Array | undefined> {
    if (this.embedder === undefined) {
      return undefined;
    }
    const [wanted] = await embedded(this.embedder, [`${this.options.prefix.query}${query}`], signal);
    return wanted;
  }

  private nearest(wanted: Float32Array): { id: string; score: number }[] {
    const all = [...this.kept.values()].flatMap(({ document, vectors = [] }) =>
      vectors.map((vector, i) => ({ id: place(document.id, i), score: vector.reduce((sum, x, j) => sum + x * (wanted[j] ?? 0), 0) })),
    );
    return all.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  }

  private put(kept: Kept): void {
    this.drop(kept.document.id);
    this.kept.set(kept.document.id, kept);
    this.enter(kept);
  }

  private enter(kept: Kept): void {
    entries(kept).forEach((entry) => this.words.add(entry));
  }

  private drop(id: string): void {
    const kept = this.kept.get(id);
    if (kept !== undefined) {
      entries(kept).forEach((entry) => this.words.remove(entry));
      this.kept.delete(id);
    }
  }

  private hit(at: string, score: number): Hit {
    const split = at.lastIndexOf(' ');
    const { document, chunks } = this.kept.get(at.slice(0, split)) as Kept;
    const chunk = chunks[Number(at.slice(split + 1))] as Chunk;
    const { id, text: _, ...known } = document; // its title and its label
    return { id, ...known, ...chunk, score };
  }

  private check(): void {
    if (this.closed) {
      throw new KingletError('not_loaded', 'this index was closed; open it again');
    }
  }

  private change(work: () => Promise<void>): Promise<void> {
    const done = this.tail.then(async () => {
      this.check();
      await work();
      this.soon();
    });
    this.tail = done.catch(() => undefined);
    return done;
  }

  private soon(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => void this.save(), QUIET_MS);
    (this.saving as { unref?: () => void }).unref?.(); // Node's: nothing waits for it
  }

  /** Writes the words' index. It may fail for want of room: it is made again of the documents. */
  private async save(): Promise<void> {
    clearTimeout(this.saving);
    if (this.drawer.kind === 'memory' || this.closed) {
      return;
    }
    await this.drawer.write([[WORDS, { revision: this.digest(), text: this.words.toText() }]]).catch(() => undefined);
  }

  /** Of what the words' index must hold: another tab may have changed the documents since it was written. */
  private digest(): string {
    let hash: number | undefined;
    for (const { document, chunks } of [...this.kept.values()].toSorted((a, b) => (a.document.id < b.document.id ? -1 : 1))) {
      hash = fnv32(`${document.id} ${chunks.length} ${document.title ?? ''} ${document.text}`, hash);
    }
    return `${SCHEMA} ${TERMS} ${this.options.chunkWords} ${this.kept.size} ${(hash ?? 0).toString(16)}`;
  }
}

/** A stored label; of one that cannot be read, the strictest. */
function labelOrStrictest(stored: { consent?: unknown; redact?: unknown }): Label {
  try {
    return labelOf('document', stored);
  } catch {
    return { consent: 'never', redact: 'yes' };
  }
}

/** Whether a stored vector is one. */
const isVector = (value: unknown): boolean => value instanceof Float32Array && value.length > 0 && value.every(Number.isFinite);

/** Vectors of texts; of one that the model's context does not hold, of as much of its beginning as a few halvings leave. */
async function embedded(embedder: Embedder, texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
  try {
    return await embedder.embed(texts, signal);
  } catch (thrown) {
    const [text = ''] = texts;
    if (!(thrown instanceof KingletError && thrown.code === 'context_overflow') || (texts.length === 1 && text.length < 2)) {
      throw thrown;
    }
    const vectors: Float32Array[] = [];
    for (const one of texts.length > 1 ? texts : [text.slice(0, text.length / 2)]) {
      vectors.push(...(await embedded(embedder, [one], signal)));
    }
    return vectors;
  }
}

const entries = ({ document, chunks }: Kept): Entry[] =>
  chunks.map(({ text }, i) => ({ id: place(document.id, i), text, title: document.title ?? '' }));

const place = (id: string, chunk: number): string => `${id} ${chunk}`;

const titled = ({ title }: Document, text: string): string => (title === undefined ? text : `${title}: ${text}`);

/** Scores of a search by words depend on how many words were asked for; these hardly do. */
function perWord(found: readonly { score: number }[], query: string): { score: number }[] {
  const words = new Set(termsOf(query)).size;
  return found.slice(0, 2).map(({ score }) => ({ score: score / Math.max(1, words) }));
}

function signalsOf([best, second]: readonly { score: number }[]): Found['signals'] {
  if (best === undefined) {
    return {};
  }
  return { retrieval_top: best.score, retrieval_margin: best.score > 0 ? (best.score - (second?.score ?? 0)) / best.score : 0 };
}
