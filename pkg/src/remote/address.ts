// Where a remote model is: an address that the app wrote, checked once, whose origin is the only one that is asked.

import { kind } from '../check.js';
import { invalid } from '../params.js';

/** Names of parameters of an address that carry keys: addresses stand in logs of servers. */
const KEYS = /^(.*[-_.])?(api[-_]?key|key|token|secret|password|signature|sig|credentials?)$/i;

/**
 * The address for `path`, of a base that is resolved against the page. What the base has behind `?` stays behind it, as a version
 * that a service asks for there.
 *
 * @throws KingletError `invalid_request` that names `at`.
 */
export function addressOf(at: string, base: unknown, path: string): URL {
  if (typeof base !== 'string' && !(base instanceof URL)) {
    throw invalid(at, 'an address', kind(base));
  }
  const here = (globalThis as { location?: { href: string } }).location?.href;
  const url = parsed(String(base), here);
  if (url === undefined) {
    throw invalid(at, here === undefined ? 'an absolute address: there is no page to resolve it against' : 'an address', 'one that cannot be read');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(at, 'an address without a name and a password; use getToken', 'one with them');
  }
  const [key] = [...url.searchParams.keys()].filter((name) => KEYS.test(name));
  if (key !== undefined) {
    throw invalid(at, 'an address without a key in it; use getToken', `parameter ${JSON.stringify(key)}`);
  }
  if (url.hash !== '') {
    throw invalid(at, 'an address without a fragment, which is not sent', 'one with it');
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (isNear(url.hostname) || url.origin === originOf(here)))) {
    throw invalid(at, 'https; http only on this machine, in a private network, or for the page’s own origin: others could read what is asked', `${url.protocol}//${url.host}`);
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  return url;
}

function parsed(text: string, base: string | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function originOf(here: string | undefined): string | undefined {
  return here === undefined ? undefined : parsed(here, undefined)?.origin;
}

/** Addresses that no public network leads to (RFC 1122, 1918, 3927, 4193, 4291, 6762, 8375), and names without a dot. */
function isNear(host: string): boolean {
  const name = host.replace(/\.$/, '').toLowerCase();
  return (
    /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)[\d.]+$/.test(name) ||
    /^\[(::1|f[cd][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*)\]$/.test(name) ||
    /(^|\.)(localhost|local|internal|home\.arpa)$/.test(name) ||
    /^[a-z0-9_-]+$/.test(name)
  );
}
