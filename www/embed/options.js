// Options that came from the app: only those that are data. What asks the app something is put in their place here.
import { EmbedError } from '../pkg/dist/embed/index.js';

const DATA = [
  'backend', 'context', 'cacheType', 'threads', 'exact', 'ignoreWindow', 'autotune', 'store', 'retry', 'host', 'restart', 'module',
  'mode', 'escalation', 'tasks', 'profiles', 'offline', 'progressive', 'remote', 'privacy', 'budget',
];
/** Keys do not cross: an app gives a token for each attempt. */
const SECRET = ['apiKey', 'dangerouslyAllowBrowserKey', 'getToken'];

/** Options for `createKinglet`. @throws EmbedError `bad_message` that names what may not be there. */
export function optionsOf(options, questions) {
  for (const name of Object.keys(options)) {
    if (!DATA.includes(name)) throw wrong(`options.${name}`, `one of ${DATA.join(', ')}`);
  }
  const { remote, privacy, ...data } = options;
  const asked = remote === undefined ? {} : { remote: remotesOf(remote, questions), privacy: { ...privacy, onConsent: consent(questions) } };
  return { ...data, ...(privacy === undefined ? {} : { privacy }), ...asked };
}

function remotesOf(remote, questions) {
  if (!Array.isArray(remote)) throw wrong('options.remote', 'a list');
  return remote.map((one, i) => {
    const { token, ...endpoint } = one ?? {};
    const secret = SECRET.find((name) => endpoint[name] !== undefined);
    if (secret !== undefined) throw wrong(`options.remote[${i}].${secret}`, 'no key: say token: true, and answer token_request');
    if (token !== undefined && typeof token !== 'boolean') throw wrong(`options.remote[${i}].token`, 'true or false');
    if (token !== true) return endpoint;
    const getToken = async ({ remote: name, signal }) => {
      const { token: given } = await questions.ask({ type: 'token_request', remote: name }, questions.patience.token, signal);
      return given;
    };
    return { ...endpoint, getToken };
  });
}

/** Asks the app; no answer is no. */
function consent(questions) {
  return async ({ signal, ...request }) => {
    try {
      return (await questions.ask({ type: 'consent_request', request }, questions.patience.consent, signal)).answer;
    } catch {
      return 'no';
    }
  };
}

function wrong(param, expected) {
  return new EmbedError('bad_message', `bad message: ${param}: expected ${expected}`, { param, expected });
}
