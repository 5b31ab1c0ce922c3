// The log of what left the device: to whom, when, how much, by whose leave; no text of it. Bounded, in the page's store.

import { openDrawer, type Drawer, type DrawerKind } from '../drawer.js';
import { ENTITIES } from './recognise/index.js';
import type { Egress, EntityCounts } from './types.js';

/** What a record looks like. */
const SCHEMA = 1;
/** Entries that are kept, where the app says nothing. */
const MOST = 1000;
/** Longest name in an entry. */
const LONGEST = 200;
const CONSENTS: readonly unknown[] = ['free', 'once', 'session', 'task', 'no'];

/** What left, the oldest first. */
export class EgressLog {
  private tail: Promise<unknown> = Promise.resolve();

  /** @throws KingletError as `openDrawer`. */
  static async open({ store = 'auto', most = MOST }: { store?: DrawerKind; most?: number } = {}): Promise<EgressLog> {
    return new EgressLog(await openDrawer('egress', store), most);
  }

  private constructor(
    private readonly drawer: Drawer,
    private readonly most: number,
  ) {}

  /** Writes it down; only what an entry has is taken of it. */
  add(entry: Egress): Promise<void> {
    return this.alone(async () => {
      const key = `${String(Math.trunc(entry.at)).padStart(16, '0')} ${crypto.randomUUID()}`;
      await this.drawer.write([[key, { schema: SCHEMA, ...bare(entry) }]]);
      const keys = (await this.drawer.all()).map(([name]) => name);
      const over = keys.slice(0, Math.max(0, keys.length - this.most));
      if (over.length > 0) {
        await this.drawer.write(over.map((name): [string, undefined] => [name, undefined]));
      }
    });
  }

  /** Those that this version can read. */
  entries(): Promise<Egress[]> {
    return this.alone(async () => (await this.drawer.all()).flatMap(([, record]) => read(record)));
  }

  clear(): Promise<void> {
    return this.alone(async () => this.drawer.write((await this.drawer.all()).map(([name]): [string, undefined] => [name, undefined])));
  }

  close(): void {
    this.drawer.close();
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.tail.then(work);
    this.tail = done.catch(() => undefined);
    return done;
  }
}

function bare({ id, at, remote, host, model, bytes, consent, redacted, entities }: Egress): Egress {
  const short = (name: string) => String(name).slice(0, LONGEST);
  return { id: short(id), at, remote: short(remote), host: short(host), model: short(model), bytes, consent, redacted, entities: countsOf(entities) };
}

function read(record: unknown): Egress[] {
  const { schema, ...entry } = (typeof record === 'object' && record !== null ? record : {}) as Partial<Egress> & { schema?: unknown };
  const { id, at, remote, host, model, bytes, consent, redacted } = entry;
  const texts = [id, remote, host, model].every((name) => typeof name === 'string');
  const numbers = [at, bytes].every((number) => typeof number === 'number' && Number.isFinite(number));
  return schema === SCHEMA && texts && numbers && typeof redacted === 'boolean' && CONSENTS.includes(consent) ? [bare(entry as Egress)] : [];
}

function countsOf(counts: unknown): EntityCounts {
  const given = (typeof counts === 'object' && counts !== null ? counts : {}) as Record<string, unknown>;
  return Object.fromEntries(ENTITIES.flatMap((entity) => (Number.isSafeInteger(given[entity]) ? [[entity, given[entity]]] : [])));
}
