// "Works offline" is counted, not claimed: requests of the page and of the engine's workers since the model was loaded.

import { $, state } from './state.js';

/** Milliseconds between two looks at the engine's count: its workers do not tell the page of a request. */
const EVERY = 1000;

let since = Infinity;
let ofPage = 0;

const count = (entries) => (ofPage += entries.filter((entry) => entry.startTime >= since).length);
const observer = new PerformanceObserver((list) => {
  count(list.getEntries());
  void showOffline();
});
observer.observe({ type: 'resource' });

/** Counts from now on. */
export function beginOffline() {
  since = performance.now();
  ofPage = 0;
  return showOffline();
}

/** Asks the engine, and shows the sum. */
export async function showOffline() {
  const { kinglet } = state;
  const stats = await kinglet?.stats().catch(() => undefined);
  if (!stats || kinglet !== state.kinglet) {
    return;
  }
  count(observer.takeRecords());
  const requests = ofPage + stats.requests;
  const counted = `${requests} ${requests === 1 ? 'request' : 'requests'} since the model was loaded.`;
  const claim = navigator.onLine ? 'Works offline: nothing leaves this device' : 'You are offline, and it works: nothing leaves this device';
  $('offline').textContent = requests === 0 ? `${claim}. ${counted}` : counted;
  $('offline').dataset.requests = requests;
}

let asking = false;
setInterval(async () => {
  if (asking || document.hidden) return;
  asking = true; // behind a long answer one question waits, not many
  await showOffline();
  asking = false;
}, EVERY);
addEventListener('online', () => void showOffline());
addEventListener('offline', () => void showOffline());
