// What createKinglet is told of bigger models: nothing remote until the user has set one up; every answer is decided on and counted.

import { go } from '../services/route.js';
import { toast } from '../lib/toast.js';
import { calibrationSettings, escalationSettings, keyOf, lacksKey } from './config.js';
import { askUser } from './consent.js';
import { heard } from './notices.js';

/** `mode`, `remote`, `escalation`, `budget`, `privacy`, …: the settings of now. */
export async function escalationOptions() {
  const { mode, remotes, currency, consent, redact, dictionary, maxRate, handover, progressive, offline, ...bounds } = escalationSettings.value;
  const remote = remotes.filter((one) => !lacksKey(one)).map((one) => endpointOf(one, currency));
  remindOfKeys(remotes.filter(lacksKey));
  const { profile, target } = calibrationSettings.value;
  return {
    // A mode that needs a remote model has none to ask before it is set up.
    mode: remote.length === 0 && mode !== 'only-local' ? 'prefer-local' : mode,
    remote,
    escalation: { handover, ...(maxRate === undefined ? {} : { maxRate }), ...(profile ? { target } : {}) },
    budget: budgetOf(bounds),
    privacy: { consent, redact, dictionary, onConsent: askUser },
    ...(profile ? { profiles: [profile] } : {}),
    ...(offline && remote.length > 0 ? { offline: {} } : {}),
    ...(progressive && remote.length > 0 ? { progressive: true } : {}),
  };
}

/** What happened to the engine (docs/api.md, Notices). */
export const onNotice = heard;

const budgetOf = ({ perRequest, perDay, perMonth, requestsPerMinute }) =>
  Object.fromEntries(Object.entries({ perRequest, perDay, perMonth, requestsPerMinute }).filter(([, bound]) => bound !== undefined && bound !== null));

/** A remote model as the package takes it, with its key where it needs one. */
export function endpointOf(remote, currency) {
  const { name, api, baseURL, model, auth, tokenURL, price } = remote;
  const endpoint = { name, api, baseURL: new URL(baseURL, document.baseURI).href, model, price: { ...price, currency } };
  switch (auth) {
    case 'token-url':
      return { ...endpoint, getToken: ({ signal }) => fetchToken(tokenURL, signal) };
    case 'token':
      return { ...endpoint, getToken: () => keyOf(remote) };
    case 'key':
      return { ...endpoint, apiKey: keyOf(remote), dangerouslyAllowBrowserKey: true };
    default:
      return { ...endpoint, credentials: 'same-origin' };
  }
}

/** A short-lived token from the user's own address: its text, or `{"token": "…"}`. */
async function fetchToken(address, signal) {
  const answer = await fetch(new URL(address, document.baseURI), { signal, credentials: 'same-origin', cache: 'no-store' });
  if (!answer.ok) throw new Error(`the address for tokens answered ${answer.status}`);
  const said = (await answer.text()).trim();
  return said.startsWith('{') ? JSON.parse(said).token : said;
}

/** Said once for each page that was loaded. */
const reminded = new Set();

function remindOfKeys(remotes) {
  const fresh = remotes.filter(({ name }) => !reminded.has(name));
  if (fresh.length === 0) return;
  fresh.forEach(({ name }) => reminded.add(name));
  const names = fresh.map(({ name }) => name).join(', ');
  toast(`Keys are never stored: enter the one for ${names} again, or only this device answers.`, {
    action: { label: 'Settings', run: () => go('settings') },
    stays: true,
  });
}
