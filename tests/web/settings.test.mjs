// The settings as two tabs keep them, without a browser: what one changes or clears holds in the other, nothing is lost, and what is
// wrong in the storage counts as unsaid.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';

const KEY = 'kinglet.settings';
const SETTINGS = '../../www/services/settings.js';
const stored = new Map();
let listeners = []; // of the tabs, each behind its name

before(() => {
  let count = 0;
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    value: { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, String(value)) },
  });
  globalThis.addEventListener = (type, listener) => type === 'storage' && listeners.push({ tab: (count += 1), listener });
});

/** Another tab: a module of its own over the same storage. `heard` brings it what the storage has. */
async function open(name) {
  const module = await import(`${SETTINGS}?${name}`);
  const { listener } = listeners.at(-1);
  return { ...module, heard: () => listener({ key: KEY }) };
}

const keptSections = () => JSON.parse(stored.get(KEY)).sections;
const DEFAULTS = { consent: 'ask', perDay: 7, perMonth: undefined };
const check = ({ consent, perDay, perMonth }) => ({ consent, perDay: perDay ?? undefined, perMonth: perMonth ?? undefined });

test('what one tab clears is cleared in the other, and comes back in neither, nor after a reload', async () => {
  stored.clear();
  const [a, b] = [await open('clear-a'), await open('clear-b')];
  const [mine, other] = [a.section('money', DEFAULTS, check), b.section('money', DEFAULTS, check)];
  const told = [];
  b.changedElsewhere.subscribe((names) => told.push(names));
  mine.patch({ consent: 'free', perMonth: 5 });
  b.heard();
  assert.deepEqual(other.value, { consent: 'free', perDay: 7, perMonth: 5 });
  mine.patch({ consent: 'never', perMonth: undefined, perDay: undefined });
  b.heard();
  assert.deepEqual(other.value, { consent: 'never', perDay: undefined, perMonth: undefined });
  assert.deepEqual(keptSections().money, { consent: 'never', perDay: null, perMonth: null }, 'the other tab writes nothing back');
  assert.deepEqual(told, [['money'], ['money']]);
  a.heard();
  assert.equal(mine.value.perMonth, undefined);
  const again = (await open('clear-c')).section('money', DEFAULTS, check);
  assert.equal(again.value.perDay, undefined, 'a cleared default stays cleared');
});

test('two tabs that change different sections keep both', async () => {
  stored.clear();
  const [a, b] = [await open('both-a'), await open('both-b')];
  a.samplingSettings.patch({ maxTokens: undefined });
  b.engineSettings.patch({ backend: 'cpu' }); // it has not heard of the other yet
  assert.deepEqual([keptSections().sampling.maxTokens, keptSections().engine.backend], [null, 'cpu']);
});

test('of what is wrong in the storage, at the start or from another tab, nothing is taken', async () => {
  const wrong = { sampling: { temperature: 'hot', maxTokens: -3, system: null }, engine: { backend: 'banana', context: 'x', cacheType: 7, threads: 99 } };
  stored.set(KEY, JSON.stringify({ version: 1, sections: wrong }));
  const tab = await open('wrong');
  const expected = [{ temperature: 0.7, maxTokens: 512, system: '' }, { backend: 'auto', context: undefined, cacheType: 'f16', threads: 'auto' }];
  const now = () => [tab.samplingSettings.value, tab.engineSettings.value];
  assert.deepEqual(now(), expected);
  const sound = { sampling: { temperature: 0, maxTokens: null, system: 'Be short.' }, engine: { backend: 'gpu', context: 512, cacheType: 'q8_0', threads: 2 } };
  stored.set(KEY, JSON.stringify({ version: 1, sections: sound }));
  tab.heard();
  assert.deepEqual(now(), [{ ...sound.sampling, maxTokens: undefined }, sound.engine]);
  stored.set(KEY, JSON.stringify({ version: 1, sections: { ...sound, engine: { backend: { toString: null } } } }));
  tab.heard();
  assert.deepEqual(now()[1], expected[1]);
});
