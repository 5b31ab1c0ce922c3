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

/** Name of a remote model -> its key or token. Only here, in memory. */
const keys = new Map();

/** Changes when a key came or went. */
export const keysKept = new Observable(0);

export function keepKey(name, key) {
  if (key) keys.set(name, key);
  else keys.delete(name);
  keysKept.value += 1;
}

export const keyOf = (name) => keys.get(name);

/** It is set up, and its key was not entered since the page was loaded. */
export const lacksKey = ({ name, auth }) => (auth === 'key' || auth === 'token') && !keys.has(name);

/** A remote model by its name. */
export const remoteNamed = (name) => escalationSettings.value.remotes.find((remote) => remote.name === name);
