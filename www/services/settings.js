// What the user has chosen, kept on this device. Keys of services are not among it: they are never stored.

import { Observable } from '../lib/observable.js';

const KEY = 'kinglet.settings';
/** Raised when a section's meaning changes; what is older is read by that section's `check`. */
const VERSION = 1;

let kept = read();

function read() {
  try {
    const { version, sections } = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return version === VERSION && typeof sections === 'object' && sections !== null ? sections : {};
  } catch {
    return {}; // damaged, or no storage: the defaults
  }
}

/** One section; the others stay as another tab may have written them. What was cleared is written as null: left out it would be unsaid. */
function write(name, value) {
  const fields = Object.entries(value).map(([field, said]) => [field, said ?? null]);
  kept = { ...read(), [name]: Object.fromEntries(fields) };
  try {
    localStorage.setItem(KEY, JSON.stringify({ version: VERSION, sections: kept }));
  } catch {
    // Without storage the choice holds as long as the page.
  }
}

/** By name: every section that a part of the page has asked for, `{observable, whole}`. */
const sections = new Map();

/** The sections that another tab has changed last. What is shown of them holds at once; who acts on them listens. */
export const changedElsewhere = new Observable([]);

let taking = false; // what another tab has written is not written back

/**
 * A section of the settings as an observable, persisted at each change. `defaults` has every field; `check(fields)` returns only what
 * is still valid of what was stored, and may throw.
 */
export function section(name, defaults, check = (fields) => fields) {
  if (sections.has(name)) return sections.get(name).observable;
  const whole = (stored) => ({ ...defaults, ...checked(stored, check) });
  const observable = new Observable(whole(kept[name]));
  observable.subscribe((value) => taking || write(name, value));
  sections.set(name, { observable, whole });
  return observable;
}

function checked(stored, check) {
  try {
    return typeof stored === 'object' && stored !== null ? check(stored) : {};
  } catch {
    return {};
  }
}

// Another tab's change is this one's, too; also that a field is gone.
globalThis.addEventListener?.('storage', ({ key }) => {
  if (key !== KEY) return;
  const before = kept;
  kept = read();
  const names = [...sections.keys()].filter((name) => kept[name] && JSON.stringify(kept[name]) !== JSON.stringify(before[name]));
  taking = true;
  try {
    for (const name of names) {
      const { observable, whole } = sections.get(name);
      observable.value = whole(kept[name]);
    }
  } finally {
    taking = false;
  }
  if (names.length > 0) changedElsewhere.value = names;
});

const wholeFrom = (least, most = Number.MAX_SAFE_INTEGER) => (value) => Number.isSafeInteger(value) && value >= least && value <= most;
const oneOf = (...choices) => (value) => choices.includes(value);
const or = (other, test) => (value) => value === other || test(value);

/** A check that keeps of the fields those that pass their test; what was cleared is undefined. */
const sound = (tests) => (fields) =>
  Object.fromEntries(Object.entries(tests).filter(([name, test]) => name in fields && test(fields[name])).map(([name]) => [name, fields[name] ?? undefined]));

/** How the engine is started. */
export const engineSettings = section(
  'engine',
  { backend: 'auto', context: undefined, cacheType: 'f16', threads: 'auto' },
  sound({ backend: oneOf('auto', 'gpu', 'cpu'), context: or(null, wholeFrom(16)), cacheType: oneOf('f16', 'f32', 'q8_0'), threads: or('auto', wholeFrom(1, 16)) }),
);

/** How answers are drawn; where `maxTokens` was cleared an answer may be as long as the context holds. */
export const samplingSettings = section(
  'sampling',
  { temperature: 0.7, maxTokens: 512, system: '' },
  sound({ temperature: (value) => typeof value === 'number' && value >= 0 && value <= 2, maxTokens: or(null, wholeFrom(1)), system: (value) => typeof value === 'string' }),
);
