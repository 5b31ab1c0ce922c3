// Keys, tokens and passwords: by the forms that services give them, and by what stands before them.

import type { Found } from './types.js';

/** Forms of their own. */
const FORMS = [
  /(?<![\p{L}\p{N}])(?:sk|pk|rk)[-_][\w-]{16,}/gu,
  /(?<![\p{L}\p{N}])gh[pousr]_\w{20,}/gu,
  /(?<![\p{L}\p{N}])github_pat_\w{20,}/gu,
  /(?<![\p{L}\p{N}])gl(?:pat|ptt|dt|rt|soat)-[\w-]{16,}/gu,
  /(?<![\p{L}\p{N}])(?:AKIA|ASIA|AGPA|AIDA|AROA|ABIA|ACCA)[0-9A-Z]{12,}/gu,
  /(?<![\p{L}\p{N}])xox[a-z](?:\.xox[a-z])?-[\w-]{8,}/gu,
  /(?<![\p{L}\p{N}])xapp-[\w-]{8,}/gu,
  /(?<![\p{L}\p{N}])AIza[\w-]{30,}/gu,
  /(?<![\p{L}\p{N}])ya29\.[\w-]{16,}/gu,
  /(?<![\p{L}\p{N}])(?:npm|hf|dop_v1|shpat|shpss|pypi|glsa|dckr_pat|ATATT|lin_api|tskey)[_-][\w-]{20,}/gu,
  /(?<![\p{L}\p{N}])SG\.[\w-]{16,}\.[\w-]{16,}/gu,
  /(?<![\p{L}\p{N}])AC[0-9a-f]{32}(?![\p{L}\p{N}])/gu,
  /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}/g, // JSON Web Tokens
];
const AUTHORIZATION = /(?<![\p{L}\p{N}])(?:bearer|basic|digest|token|apikey)[ \t]{1,4}["']?([\w.~+/=-]{12,})/giu;
const NAMES =
  'passwords?|passwd|passwort|kennwort|passphrase|passcode|pwd|contraseña|contrasena|mot de passe|senha|wachtwoord|пароль|密码|secrets?|token|' +
  'api[ _-]?keys?|apikeys?|access[ _-]?keys?|private[ _-]?keys?|secret[ _-]?keys?|signing[ _-]?keys?|encryption[ _-]?keys?|account[ _-]?keys?|' +
  'client[ _-]?secrets?|authorization|credentials?|session[ _-]?(?:id|key)|connection[ _-]?string|(?<![a-z])(?:auth|pin(?:[ _-]?code)?)';
const LONGEST_NAME = 100;
/** No name: a placeholder. */
const NOT = String.raw`(?!(?<=__)SECRET_\d+__)`;
/** `password: …`, `"api_key" = '…'`, `DB_PASSWORD=…`; what follows is read by {@link value}. */
const ASSIGNED = new RegExp(String.raw`${NOT}(${NAMES})(?:[_-]\w{1,20})?\\?["'\x60]?\s{0,3}(?::=|=>|[:=])\s{0,3}`, 'giu');
/** The name of a field. */
const NAMED = new RegExp(String.raw`${NOT}(?:${NAMES})(?:[_-]\w{1,20})?$`, 'iu');
/** `my password is …`, `the key for it: …`: of what follows, only what looks like one. */
const SAID = new RegExp(String.raw`(?<![\p{L}\p{N}_])(?:${NAMES}|key)(?![\p{L}\p{N}_])`, 'giu');
const TOKEN = /[^\s"'`()<>,;]{6,}/g;
const WHOLE = new RegExp(TOKEN.source, 'y');
/** So many characters behind the word, on its line. */
const REACH = 60;
/** What stands there in code and in schemas. */
const NOTHING = /^(?:true|false|null|none|nil|undefined|string|str|number|int|integer|boolean|bool|object|array|any|required|optional|yes|no|unknown|is|the|a|an|your|my)$/i;
const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

export function* secrets(text: string): Generator<Found> {
  for (const form of FORMS) {
    for (const { 0: all, index } of text.matchAll(form)) {
      yield { start: index, end: index + all.length };
    }
  }
  yield* keyBlocks(text);
  for (const { 0: all, 1: token = '', index } of text.matchAll(AUTHORIZATION)) {
    if (/\d|[A-Z].*[a-z]|[a-z].*[A-Z]/.test(token.slice(0, 64))) {
      yield { start: index + all.length - token.length, end: index + all.length };
    }
  }
  let behind = 0;
  for (const { 0: all, 1: name = '', index } of text.matchAll(ASSIGNED)) {
    const found = index + all.length < behind ? undefined : value(text, index + all.length, name);
    if (found !== undefined) {
      behind = found.end;
      yield found;
    }
  }
  behind = 0;
  for (const { 0: all, index } of text.matchAll(SAID)) {
    if (index >= behind) {
      const found = said(text, index + all.length);
      behind = found?.end ?? behind;
      yield* found === undefined ? [] : [found];
    }
  }
}

/** The first random token behind a word. */
function said(text: string, from: number): Found | undefined {
  const line = text.slice(from, from + REACH).split('\n', 1)[0] ?? '';
  for (const { 0: all, index } of line.matchAll(TOKEN)) {
    if (random(all.replace(/[.!?:]+$/, ''))) {
      const start = from + index;
      WHOLE.lastIndex = start;
      const whole = WHOLE.exec(text)?.[0] ?? all; // it may go on behind what was looked at
      return { start, end: start + (whole.length > all.length ? whole : all.replace(/[.!?:]+$/, '')).length };
    }
  }
  return undefined;
}

/** Private keys in PEM; one without an end goes on to the end of the text. */
function* keyBlocks(text: string): Generator<Found> {
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin !== null; begin = BEGIN.exec(text)) {
    END.lastIndex = begin.index;
    const end = END.exec(text) === null ? text.length : END.lastIndex;
    yield { start: begin.index, end };
    BEGIN.lastIndex = end;
  }
}

/** What is assigned: in quotes, or up to white space. */
function value(text: string, from: number, name: string): Found | undefined {
  const escaped = text[from] === '\\' ? 1 : 0;
  const quote = text[from + escaped] ?? '';
  if (/["'`]/.test(quote)) {
    const start = from + escaped + 1;
    const end = closing(text, start, (escaped === 1 ? '\\' : '') + quote);
    return worth(text.slice(start, Math.min(end, start + 64)), name) ? { start, end } : undefined;
  }
  let end = from;
  while (end < text.length && !/[\s"'`,;<>]/.test(text[end] ?? '')) {
    end += 1;
  }
  while (end > from && /[.:)\]}!?]/.test(text[end - 1] ?? '')) {
    end -= 1;
  }
  return /[{[(]/.test(text[from] ?? '') || !worth(text.slice(from, Math.min(end, from + 64)), name) ? undefined : { start: from, end };
}

/** Where a quoted text ends: at its quote, at the end of the line, or of the text. */
function closing(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at += text[at] === '\\' ? 2 : 1) {
    if (text.startsWith(quote, at) || text[at] === '\n') {
      return at;
    }
  }
  return text.length;
}

/** Whether a field of this name holds a secret, and this is one. */
export function isSecret(name: string, value: string): boolean {
  const found = name.length > LONGEST_NAME ? null : NAMED.exec(name);
  return found !== null && worth(value, found[0]);
}

/** Passwords may be anything; a token, or an authorization, is longer than a word. */
function worth(value: string, name: string): boolean {
  if (value === '' || NOTHING.test(value)) {
    return false;
  }
  return /^(?:pass|pwd|pin|kenn|contras|mot|senha|wacht|пар|密)/i.test(name) ? true : value.length >= 8 && !/^[a-z]{1,15}$/.test(value);
}

/** Letters and digits or signs mixed, as in nothing that people write; the longer, the less mixed it need be. */
function random(token: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\p{L}\p{N}._\-:/]/u].filter((kind) => kind.test(token)).length;
  return /\d/.test(token) && /\p{L}/u.test(token) ? kinds >= 3 || token.length >= 12 || /^[a-z]+\d+$/i.test(token) : kinds >= 3 && token.length >= 8;
}
