// Headers that an app sends with every request to a remote model: what is no place for a key, and what is set here.

import { kind } from '../check.js';
import { invalid } from '../params.js';

/** Parts of names that carry keys: `x-api-key`, `Ocp-Apim-Subscription-Key`, `cf-access-client-secret`. */
const SECRET = new Set(['authorization', 'authentication', 'auth', 'apikey', 'key', 'keys', 'token', 'secret', 'password', 'passwd', 'cookie', 'cookie2', 'credential', 'credentials', 'jwt', 'signature']);
/** Values that are keys whatever they are called: schemes of `authorization`, prefixes of well-known services, signed tokens. */
const SECRETS = [/^(bearer|basic|token|apikey|digest)\s+\S/i, /\b(sk|pk|rk|gsk|hf|ghp|gho|glpat|xox[abp]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{16,}/, /\beyJ[\w-]{4,}\.[\w-]{4,}\./];
/** Tokens against forged requests: they let nobody in by themselves. */
const HARMLESS = /^(x-)?(csrf|xsrf)(-token)?$/;
/** Set here, or by the browser. */
const SET = new Set(['accept', 'content-type', 'content-length', 'host', 'origin', 'referer', 'connection', 'transfer-encoding', 'user-agent']);
/** Most of them. */
const MOST = 32;

/** @throws KingletError `invalid_request` that names the header, never its value. */
export function checkHeaders(at: string, value: unknown): void {
  if (value === undefined) {
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(at, 'an object of names and texts', kind(value));
  }
  const entries = Object.entries(value);
  if (entries.length > MOST) {
    throw invalid(at, `at most ${MOST}`, entries.length);
  }
  for (const [name, text] of entries) {
    const path = `${at}.${name}`;
    if (typeof text !== 'string') {
      throw invalid(path, 'a string', kind(text));
    }
    const lower = name.toLowerCase();
    if (lower === 'idempotency-key') {
      throw invalid(path, 'option idempotency instead', 'a header');
    }
    if ((!HARMLESS.test(lower) && lower.split(/[^a-z0-9]+/).some((part) => SECRET.has(part))) || SECRETS.some((pattern) => pattern.test(text))) {
      throw invalid(path, 'no key among the headers: use getToken, or an endpoint of your own', 'what carries one');
    }
    if (SET.has(lower)) {
      throw invalid(path, 'a header that is not set by kinglet or the browser', lower);
    }
    if (!fits(name, text)) {
      throw invalid(path, 'a name and a text that a header can have', 'another');
    }
  }
}

function fits(name: string, text: string): boolean {
  try {
    return new Headers([[name, text]]).has(name);
  } catch {
    return false;
  }
}
