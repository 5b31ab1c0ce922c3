// A queued request as it is stored, and what may not be stored at all.

import { kind, object, text } from '../check.js';
import { KingletError } from '../errors.js';
import { invalid, refuseOthers } from '../params.js';
import type { Redactor } from '../privacy/redact.js';
import { PLACEHOLDER, type Vault } from '../privacy/vault.js';
import type { QueueItem, Queued } from './types.js';

/** What a record looks like. */
const SCHEMA = 1;
/** Fields that hold keys, whatever their case and whatever is between their words. */
const KEYS = /^(?:x?api(?:key|token)|.*apikey|.*secret(?:key)?|(?:proxy)?authorization|auth|.*auth(?:token|key)|.*accesstoken|.*refreshtoken|.*idtoken|token|gettoken|bearer|.*password|.*passphrase|credentials?|cookies?|setcookie|headers|session(?:id|token|key)|privatekey|accesskey)$/;
const STATES: readonly unknown[] = ['waiting', 'sending', 'interrupted'];

/** A request as it is stored. */
export type Stored = Omit<Queued, 'placeholders' | 'vault'>;

/** @throws KingletError `invalid_request`: not redacted, or something that holds a key. */
export function checked(item: QueueItem, redactor: Redactor): QueueItem {
  const { id, remote, payload, facts, task, idempotency, ...others } = object<QueueItem>('queue', item);
  refuseOthers('queue', others, () => 'a field of a queued request');
  if (typeof payload !== 'object' || payload === null) {
    throw invalid('queue.payload', 'a payload', kind(payload));
  }
  for (const [name, value] of Object.entries({ payload, facts: facts ?? {} })) {
    refuseKeys(value, `queue.${name}`);
  }
  const words = Object.values({ ...facts, task }).filter((value) => typeof value === 'string');
  const named = redactor.left({ messages: [{ role: 'user', content: words.join('\n') }], max_tokens: 1 });
  if (Object.keys(named).length > 0) {
    throw invalid('queue.facts', 'redacted ones: what waits is stored', Object.keys(named).join(', '));
  }
  const found = Object.entries(redactor.left(payload)).map(([entity, count]) => `${entity}: ${count}`);
  if (found.length > 0) {
    throw invalid('queue.payload', 'a redacted one: what waits is stored', found.join(', '));
  }
  return {
    id: text('queue.id', id),
    remote: text('queue.remote', remote),
    payload,
    facts: facts ?? {},
    ...(task === undefined ? {} : { task: text('queue.task', task) }),
    ...(idempotency === undefined ? {} : { idempotency: idempotency === true }),
  };
}

/** The redactor has walked the payload before anything here is kept, so that this need not fear what it holds. */
function refuseKeys(value: unknown, path: string, depth = 0): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  if (depth > 100) {
    throw invalid(path, 'at most 100 values inside of each other', 'more');
  }
  for (const [name, inner] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`;
    const holds = typeof inner === 'string' ? inner !== '' : typeof inner === 'function' || (typeof inner === 'object' && inner !== null && /^headers$/i.test(name));
    if (!Array.isArray(value) && holds && KEYS.test(name.toLowerCase().replace(/[^a-z]/g, ''))) {
      throw invalid(at, 'nothing that holds a key: what waits is stored', 'a value');
    }
    refuseKeys(inner, at, depth + 1);
  }
}

/** As it is written. @throws KingletError `invalid_request` for what is no plain data. */
export function written(stored: Stored): { schema: number; text: string } {
  try {
    return { schema: SCHEMA, text: JSON.stringify(stored) };
  } catch (thrown) {
    throw new KingletError('invalid_request', `the request cannot be stored: ${String(thrown)}`, { param: 'queue' }, { cause: thrown });
  }
}

/** Undefined: of another version, or damaged. It is left as it is. */
export function read(record: unknown): Stored | undefined {
  const { schema, text: json } = (typeof record === 'object' && record !== null ? record : {}) as { schema?: unknown; text?: unknown };
  if (schema !== SCHEMA || typeof json !== 'string') {
    return undefined;
  }
  try {
    const stored = JSON.parse(json) as Partial<Stored>;
    const { id, remote, key, at, expires, attempts, state, payload, facts } = stored;
    const texts = [id, remote, key].every((one) => typeof one === 'string');
    const numbers = [at, expires, attempts].every((one) => Number.isFinite(one));
    const objects = [payload, facts].every((one) => typeof one === 'object' && one !== null);
    return texts && numbers && objects && STATES.includes(state) ? (stored as Stored) : undefined;
  } catch {
    return undefined;
  }
}

/** As an app sees it. */
export function shown(stored: Stored, vault: Vault | undefined, state = stored.state): Queued {
  const placeholders = vault === undefined && PLACEHOLDER.test(JSON.stringify(stored.payload));
  return { ...stored, state, placeholders, ...(vault === undefined ? {} : { vault }) };
}

/** Bytes that a record takes. */
export function bytesOf({ text: json }: { text: string }): number {
  return new TextEncoder().encode(json).length;
}
