// What of the settings makes sense, before anything is done with it: values as createKinglet takes them, or what is wrong in words.

/** How a service lets one in, the safest first. */
export const AUTH = ['none', 'token-url', 'token', 'key'];
const APIS = ['openai', 'anthropic'];
const MODES = ['prefer-local', 'only-local', 'prefer-remote', 'only-remote'];
const LONGEST = 200;
/** Above it a number of millionths is no exact integer. */
const MOST = 9_000_000_000;

const BOUND = 'Give an amount above 0, or nothing for no bound.';

const text = (value) => (typeof value === 'string' ? value.trim() : '');

/** `{remote}`, or `{errors}` by field. `others`: names that are taken. A key is no part of it. */
export function remoteOf(given, others = []) {
  const errors = {};
  const name = text(given.name);
  if (!name) errors.name = 'Give it a name, for example the model’s.';
  else if (name.length > LONGEST) errors.name = `Use at most ${LONGEST} characters.`;
  else if (others.includes(name)) errors.name = `Another model is called ${name}: choose a different name.`;
  const model = text(given.model);
  if (!model) errors.model = 'Say how the service calls the model.';
  const api = APIS.includes(given.api) ? given.api : 'openai';
  const auth = AUTH.includes(given.auth) ? given.auth : 'none';
  const baseURL = text(given.baseURL);
  const wrong = addressError(baseURL);
  if (wrong) errors.baseURL = wrong;
  const tokenURL = text(given.tokenURL);
  const wrongToken = auth === 'token-url' ? addressError(tokenURL) : undefined;
  if (wrongToken) errors.tokenURL = wrongToken;
  const price = {};
  for (const field of ['inputPerMillion', 'outputPerMillion']) {
    const micros = given.price?.[field];
    if (Number.isSafeInteger(micros) && micros >= 0) price[field] = micros;
    else errors[field] = 'Give a price of 0 or more for a million tokens. For a server of your own that is 0.';
  }
  const asOf = text(given.price?.asOf) || new Date().toISOString().slice(0, 10);
  if (Object.keys(errors).length > 0) return { errors };
  return { remote: { name, api, baseURL, model, auth, ...(auth === 'token-url' ? { tokenURL } : {}), price: { ...price, asOf } } };
}

/** What is wrong with an address, or undefined. */
export function addressError(address) {
  if (!address) return 'Give an address, for example https://relay.example/v1.';
  const base = typeof location === 'undefined' ? 'http://localhost/' : location.href;
  if (!URL.canParse(address, base)) return 'This is no address.';
  const url = new URL(address, base);
  const here = url.origin === new URL(base).origin;
  const local = url.protocol === 'http:' && url.hostname === 'localhost';
  if (!here && !local && url.protocol !== 'https:') return 'Use https, or http://localhost for a server on this machine: this page may reach nothing else.';
  if (url.username || url.password) return 'An address is no place for a name and a password.';
  if (url.hash) return 'Leave out what stands behind “#”.';
  if ([...url.searchParams.keys()].some((key) => /key|token|secret/i.test(key))) return 'An address is no place for a key: enter it below.';
  return undefined;
}

/** An amount of money as it is typed, in millionths; undefined: none; NaN: it is no amount. */
export function microsOf(typed) {
  const said = String(typed ?? '').trim().replace(',', '.');
  if (said === '') return undefined;
  return /^\d{1,10}(\.\d{0,6})?$/.test(said) && Number(said) <= MOST ? Math.round(Number(said) * 1e6) : Number.NaN;
}

/** Millionths as they are typed: 2_500_000 is "2.5"; nothing for none. */
export const amount = (micros) => (Number.isSafeInteger(micros) ? String(micros / 1e6) : '');

/** `{policy}` with all that is sound, and `{errors}` by field. */
export function policyOf(given) {
  const errors = {};
  const one = (value, choices, otherwise) => (choices.includes(value) ? value : otherwise);
  const whole = (field, message) => {
    const value = given[field];
    if (value === undefined || value === null) return undefined;
    if (Number.isSafeInteger(value) && value > 0) return value;
    errors[field] = message;
    return undefined;
  };
  const rate = given.maxRate ?? undefined;
  const inside = rate === undefined || (typeof rate === 'number' && rate > 0 && rate <= 1);
  if (!inside) errors.maxRate = 'Give a share above 0 and up to 100 %, or nothing for no bound.';
  const currency = text(given.currency).toUpperCase();
  if (!/^[A-Z]{3}$/.test(currency)) errors.currency = 'Use three letters, for example USD or EUR.';
  const words = Array.isArray(given.dictionary) ? given.dictionary.map(text).filter(Boolean) : [];
  if (words.some((word) => word.length > LONGEST)) errors.dictionary = `Use at most ${LONGEST} characters for each.`;
  const policy = {
    mode: one(given.mode, MODES, 'prefer-local'),
    currency: errors.currency ? 'USD' : currency,
    consent: one(given.consent, ['free', 'ask', 'never'], 'ask'),
    redact: one(given.redact, ['no', 'yes'], 'yes'),
    dictionary: words.filter((word) => word.length <= LONGEST),
    perRequest: whole('perRequest', BOUND),
    perDay: whole('perDay', BOUND),
    perMonth: whole('perMonth', BOUND),
    requestsPerMinute: whole('requestsPerMinute', 'Give a whole number above 0, or nothing for no bound.'),
    maxRate: inside ? rate : undefined,
    handover: one(given.handover, ['replace', 'hold'], 'replace'),
    progressive: given.progressive === true,
    offline: given.offline === true,
  };
  return { policy, errors };
}
