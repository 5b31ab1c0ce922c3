// What the user has chosen of bigger models, kept on this device; and their keys, which are not: they are gone with the page.

import { Observable } from '../lib/observable.js';
import { section } from '../services/settings.js';
import { policyOf, remoteOf } from './validate.js';

/** Nothing remote, and asked before anything leaves. Money is integer millionths of `currency`. */
export const DEFAULTS = {
  mode: 'prefer-local',
  remotes: [],
  currency: 'USD',
  consent: 'ask',
  redact: 'yes',
  dictionary: [],
  perRequest: undefined,
  perDay: 1_000_000,
  perMonth: undefined,
  requestsPerMinute: 10,
  maxRate: undefined,
  handover: 'replace',
  progressive: false,
  offline: false,
};

export const escalationSettings = section('escalation', DEFAULTS, (stored) => {
  const { remotes = [], ...fields } = stored;
  const sound = Array.isArray(remotes) ? remotes.map((remote) => remoteOf(remote).remote).filter(Boolean) : [];
  return { ...policyOf({ ...DEFAULTS, ...fields }).policy, remotes: sound };
});

/** A calibration that the user has put to use, and the promise it was made for, as a policy has it. */
export const calibrationSettings = section('calibration', { profile: null, target: null }, ({ profile, target }) =>
  typeof profile?.task === 'string' && typeof target?.risk === 'number' ? { profile, target: { risk: target.risk } } : {},
);

/** Name of a remote model -> `{key, origin}`: its key or token, and the server that it was entered for. Only here, in memory. */
const keys = new Map();

/** Changes when a key came or went. */
export const keysKept = new Observable(0);

const originOf = (baseURL) => new URL(baseURL, document.baseURI).origin;

/** Keeps what was entered for a remote model, for its server alone; without a key what is there goes. */
export function keepKey({ name, baseURL }, key) {
  if (key) keys.set(name, { key, origin: originOf(baseURL) });
  else keys.delete(name);
  keysKept.value += 1;
}

/** Of a remote model; undefined: there is none for its server. */
export function keyOf({ name, baseURL }) {
  const kept = keys.get(name);
  return kept !== undefined && URL.canParse(baseURL, document.baseURI) && originOf(baseURL) === kept.origin ? kept.key : undefined;
}

/** It is set up, and its key was not entered since the page was loaded. */
export const lacksKey = (remote) => (remote.auth === 'key' || remote.auth === 'token') && keyOf(remote) === undefined;

/** A remote model by its name. */
export const remoteNamed = (name) => escalationSettings.value.remotes.find((remote) => remote.name === name);

// A model that went, or moved to another server, also by another tab: its key goes with it, and is not there when it comes back.
escalationSettings.subscribe(() => {
  for (const name of [...keys.keys()]) {
    const remote = remoteNamed(name);
    if (remote === undefined || keyOf(remote) === undefined) keepKey({ name });
  }
});
