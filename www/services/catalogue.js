// The models that are offered (docs/catalog.md): read once from the host, and not believed beyond what it should say.

import { Observable } from '../lib/observable.js';

/** `entries`: what is offered; undefined before it is read. `error`: why it is not. */
export const catalogue = new Observable({ entries: undefined, error: undefined });

const MOST = 500;
const SHAPE = ['layers', 'width', 'ff', 'heads', 'kv_heads', 'head', 'vocabulary', 'rotated'];

const text = (value, most = 400) => typeof value === 'string' && value !== '' && value.length <= most;
const count = (value) => Number.isSafeInteger(value) && value > 0;
const orNull = (check) => (value) => value === null || value === undefined || check(value);
const texts = (value) => Array.isArray(value) && value.length <= 100 && value.every((each) => text(each, 60));

/** What each field of an entry must be; see docs/catalog.md. */
const FIELDS = {
  id: (value) => text(value, 80),
  name: (value) => text(value, 120),
  maker: (value) => text(value, 120),
  family: (value) => text(value, 40),
  parameters: count,
  format: (value) => text(value, 20),
  repo: orNull((value) => /^[\w.-]+\/[\w.-]+$/.test(value)),
  file: orNull((value) => text(value, 300) && !value.split('/').some((part) => ['', '.', '..'].includes(part))),
  revision: orNull((value) => text(value, 100)),
  url: orNull((value) => text(value, 2000) && isAddress(value)),
  bytes: orNull(count),
  estimated_bytes: orNull(count),
  sha256: orNull((value) => /^[0-9a-f]{64}$/.test(value)),
  licence: (value) => text(value?.name) && isAddress(value.url) && typeof value.commercial === 'boolean' && orNull(text)(value.remark),
  context: orNull(count),
  shape: (value) => typeof value === 'object' && value !== null && SHAPE.every((name) => count(value[name])),
  languages: texts,
  good_for: text,
  tags: texts,
  unverified: orNull(texts),
  note: orNull((value) => text(value, 2000)),
};

function isAddress(value) {
  return typeof value === 'string' && URL.canParse(value, document.baseURI) && ['http:', 'https:'].includes(new URL(value, document.baseURI).protocol);
}

/** Whether an entry is one; of a hostile or newer catalogue only what is sound is shown. */
function sound(entry) {
  if (typeof entry !== 'object' || entry === null) return false;
  const fields = Object.entries(FIELDS).every(([name, check]) => check(entry[name]));
  return fields && (Boolean(entry.url) || (Boolean(entry.repo) && Boolean(entry.file)));
}

async function read() {
  const response = await fetch('models/catalog.json');
  if (!response.ok) throw new Error(`the host answered ${response.status}`);
  const { version, models } = await response.json();
  if (version !== 1 || !Array.isArray(models)) throw new Error('the catalogue is of another version');
  const seen = new Set();
  return models.slice(0, MOST).filter((entry) => sound(entry) && !seen.has(entry.id) && seen.add(entry.id));
}

let reading;
/** Reads it, unless that was done. */
export function readCatalogue() {
  reading ??= read().then(
    (entries) => (catalogue.value = { entries, error: undefined }),
    (error) => {
      reading = undefined;
      catalogue.value = { entries: undefined, error };
    },
  );
  return reading;
}
