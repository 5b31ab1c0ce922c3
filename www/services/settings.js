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

function write() {
  try {
    localStorage.setItem(KEY, JSON.stringify({ version: VERSION, sections: kept }));
  } catch {
    // Without storage the choice holds as long as the page.
  }
}

/** By name: every section that a part of the page has asked for. */
const sections = new Map();

/**
 * A section of the settings as an observable, persisted at each change. `defaults` has every field; `check(fields)` returns only what
 * is still valid of what was stored, and may throw.
 */
export function section(name, defaults, check = (fields) => fields) {
  if (sections.has(name)) return sections.get(name);
  const observable = new Observable({ ...defaults, ...checked(kept[name], check) });
  observable.subscribe((value) => {
    kept = { ...kept, [name]: value };
    write();
  });
  sections.set(name, observable);
  return observable;
}

function checked(stored, check) {
  try {
    return typeof stored === 'object' && stored !== null ? check(stored) : {};
  } catch {
    return {};
  }
}

// Another tab's change is this one's, too.
globalThis.addEventListener?.('storage', ({ key }) => {
  if (key !== KEY) return;
  const fresh = read();
  for (const [name, observable] of sections) {
    if (JSON.stringify(fresh[name]) !== JSON.stringify(kept[name]) && fresh[name]) observable.patch(fresh[name]);
  }
  kept = fresh;
});

/** How the engine is started. */
export const engineSettings = section('engine', { backend: 'auto', context: undefined, cacheType: 'f16', threads: 'auto' });

/** How answers are drawn. */
export const samplingSettings = section('sampling', { temperature: 0.7, maxTokens: 512, system: '' });
