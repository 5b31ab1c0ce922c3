// What a message must be, for both sides: its fields, each of its kind, and no other. Whatever else arrives is a typed error.

import { EmbedError } from './error.js';
import type { FromApp, FromPage, Limits } from './types.js';

/** What the page accepts: a piece in base64 is four thirds of its bytes. */
export const LIMITS: Limits = { piece: 1 << 20, message: 4 << 20, requests: 32 };
/** How deep a message may nest, and how many values it may hold. */
const DEEPEST = 100;
const MOST = 200_000;

/** Throws `bad_message`, with the place and what is expected there, where a value is not that. */
type Check = (value: unknown, path: string) => void;
/** By name of a field; those that end with `?` may be left out. */
type Fields = Record<string, Check>;

const kind =
  (expected: string, is: (value: unknown) => boolean): Check =>
  (value, path) => {
    if (!is(value)) {
      throw bad(path, expected, named(value));
    }
  };
const text = (most: number): Check => kind(`a text of at most ${most} characters`, (value) => typeof value === 'string' && value.length <= most);
const name = kind('a text of 1 to 200 characters', (value) => typeof value === 'string' && value !== '' && value.length <= 200);
const whole = kind('a whole number from 0', (value) => Number.isSafeInteger(value) && (value as number) >= 0);
const count = kind('a whole number above 0', (value) => Number.isSafeInteger(value) && (value as number) > 0);
const flag = kind('true or false', (value) => typeof value === 'boolean');
const plain = kind('an object', isPlain);
const id = kind('a whole number, or a text of 1 to 64 characters', isId);
const own = kind('the id of what the page asked', (value) => typeof value === 'string' && value !== '' && value.length <= 64);
const versions = kind('a list of at most 16 numbers', (value) => Array.isArray(value) && value.length <= 16 && value.every(Number.isInteger));
const hash = kind('64 hexadecimal digits', (value) => typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value));
const maybe =
  (check: Check): Check =>
  (value, path) =>
    value === null ? undefined : check(value, path);
const anything: Check = () => undefined;
const data = kind(`at most ${LIMITS.piece} bytes, or base64 of them`, (value) =>
  value instanceof ArrayBuffer ? value.byteLength <= LIMITS.piece : typeof value === 'string' && value.length <= Math.ceil(LIMITS.piece / 3) * 4,
);

const PATIENCE: Fields = { 'consent?': count, 'token?': count, 'piece?': count };
const URL_MODEL: Fields = { url: text(8192), 'name?': name, 'sha256?': hash, 'headers?': plain };
const PIECES: Fields = { name, size: count, 'sha256?': hash, 'version?': name };
const MODEL = { model: model, 'options?': plain, 'memory?': count };
const ERROR: Fields = { code: name, message: text(1 << 20), detail: plain };

/** What the app may say. */
export const APP: Readonly<Record<FromApp['type'], Fields>> = {
  hello: { id, versions, host: name, 'patience?': inside(PATIENCE) },
  load: { id, ...MODEL },
  availability: { id, ...MODEL },
  chat: { id, params: plain, 'resume?': inside({ text: text(LIMITS.message), 'remote?': flag }) },
  abort: { id },
  ledger: { id, 'rows?': flag, 'since?': whole },
  stored: { id },
  stats: { id },
  unload: { id },
  dispose: { id },
  ping: { id },
  piece: { id: own, at: whole, data },
  consent_answer: { id: own, answer: kind('"once", "session", "task" or "no"', (value) => ['once', 'session', 'task', 'no'].includes(value as string)) },
  token_answer: { id: own, token: text(8192) },
  refuse: { id: own, message: text(1000) },
};

/** What the page may say. */
export const PAGE: Readonly<Record<FromPage['type'], Fields>> = {
  awake: { session: name, versions },
  ready: { id, version: count, session: name, capabilities: plain, limits: plain, info: maybe(plain) },
  progress: { id, progress: plain },
  begun: { id, seed: maybe(whole) },
  chunk: { id, chunk: plain },
  replace: { id, text: text(LIMITS.message) },
  done: { id, value: anything },
  error: { id: maybe(id), error: inside(ERROR) },
  notice: { notice: plain },
  want: { id: own, name, at: whole, length: count },
  consent_request: { id: own, request: plain },
  token_request: { id: own, remote: name },
  withdrawn: { id: own },
};

/**
 * A message of the app, checked.
 *
 * @throws EmbedError `bad_version` or `bad_message`.
 */
export function checkFromApp(message: unknown): FromApp {
  return check(message, APP) as FromApp;
}

/**
 * A message of the page, checked.
 *
 * @throws EmbedError `bad_version` or `bad_message`.
 */
export function checkFromPage(message: unknown): FromPage {
  return check(message, PAGE) as FromPage;
}

/** What a text is as a message. @throws EmbedError `bad_message`. */
export function parsed(said: unknown): unknown {
  if (typeof said !== 'string') {
    return said;
  }
  if (said.length > LIMITS.message) {
    throw bad('message', `at most ${LIMITS.message} characters`, `${said.length}`);
  }
  try {
    return JSON.parse(said);
  } catch {
    throw bad('message', 'JSON', 'something else');
  }
}

/** The id of a message that may be wrong in any other way: whom an error is for. */
export function idOf(message: unknown): number | string | null {
  const found = isPlain(message) ? message['id'] : null;
  return isId(found) ? found : null;
}

function isId(value: unknown): value is number | string {
  return typeof value === 'string' ? value !== '' && value.length <= 64 : Number.isSafeInteger(value);
}

function check(message: unknown, known: Readonly<Record<string, Fields>>): object {
  if (!isPlain(message)) {
    throw bad('message', 'an object', named(message));
  }
  const { kinglet, type, ...fields } = message;
  if (kinglet !== 1) {
    throw new EmbedError('bad_version', `this side speaks version 1 of the protocol, got ${named(kinglet)}`, { versions: [1] });
  }
  const shape = typeof type === 'string' && Object.hasOwn(known, type) ? known[type] : undefined;
  if (shape === undefined) {
    throw bad('type', Object.keys(known).join(', '), typeof type === 'string' ? JSON.stringify(type.slice(0, 40)) : named(type));
  }
  weigh(fields);
  fieldsOf(fields, shape, '');
  return message;
}

/** Every field of its kind, those that must be there, and no other. */
function fieldsOf(fields: Record<string, unknown>, shape: Fields, path: string): void {
  for (const [key, value] of Object.entries(fields)) {
    const check = Object.hasOwn(shape, key) ? shape[key] : Object.hasOwn(shape, `${key}?`) ? shape[`${key}?`] : undefined;
    if (check === undefined) {
      throw bad(path + key.slice(0, 80), 'no such field', named(value));
    }
    if (value !== undefined) {
      check(value, path + key);
    }
  }
  for (const key of Object.keys(shape)) {
    if (!key.endsWith('?') && fields[key] === undefined) {
      throw bad(path + key, 'a value', 'none');
    }
  }
}

/** An object with these fields. */
function inside(shape: Fields): Check {
  return (value, path) => {
    plain(value, path);
    fieldsOf(value as Record<string, unknown>, shape, `${path}.`);
  };
}

function model(value: unknown, path: string): void {
  plain(value, path);
  const fields = 'pieces' in (value as object) ? { pieces: inside(PIECES) } : 'stored' in (value as object) ? { stored: text(8192) } : URL_MODEL;
  inside(fields)(value, path);
}

/** Refuses what is too deep, too much, or no data. */
function weigh(message: object): void {
  let left = MOST;
  let characters = 0;
  const look = (value: unknown, depth: number): void => {
    left -= 1;
    characters += typeof value === 'string' ? value.length : 1;
    if (depth > DEEPEST || left < 0 || characters > LIMITS.message) {
      throw bad('message', `at most ${LIMITS.message} characters, ${MOST} values, ${DEEPEST} inside of each other`, 'more');
    }
    if (typeof value === 'object' && value !== null && !(value instanceof ArrayBuffer)) {
      for (const [key, inner] of Object.entries(value)) {
        characters += key.length;
        look(inner, depth + 1);
      }
    }
  };
  look(message, 0);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, in few words; never a text itself, which may be a key. */
function named(value: unknown): string {
  if (typeof value === 'string') {
    return `a text of ${value.length} characters`;
  }
  return value === null || typeof value !== 'object' ? String(value) : Array.isArray(value) ? 'a list' : 'an object';
}

function bad(param: string, expected: string, got: string): EmbedError {
  return new EmbedError('bad_message', `bad message: ${param}: expected ${expected}, got ${got}`, { param, expected });
}
