// "Nothing leaves this device" is counted, not claimed: requests of the page and of the engine's workers since the model was loaded,
// besides those for the page's own files.

import { Observable } from '../lib/observable.js';
import { engine } from './engine.js';

/** How many; undefined while there is no model. */
export const requests = new Observable(undefined);

/** Those of the page that were counted before the model was loaded again, or another one: what has left has left. */
export let earlier = 0;

let since = Infinity;
let ofPage = 0;
let of; // the engine that is counted for

const PAGE = new URL('.', document.baseURI).href;
/** A file of the page itself, fetched when it was first wanted: it tells nobody anything. */
const own = (name) => name.startsWith(PAGE) && /\.(css|js|mjs|json|png|svg|wasm)$/.test(name);
/** What the service worker has given from what it keeps went nowhere. */
const left = ({ name, startTime, workerStart, transferSize }) => startTime >= since && !own(name) && !(workerStart > 0 && transferSize === 0);
const count = (entries) => (ofPage += entries.filter(left).length);
const observer = new PerformanceObserver((list) => count(list.getEntries()));
observer.observe({ type: 'resource' });

engine.subscribe(({ status, kinglet }) => {
  if (kinglet === of) return;
  of = kinglet;
  count(observer.takeRecords());
  earlier += ofPage;
  since = status === 'ready' ? performance.now() : Infinity;
  ofPage = 0;
  requests.value = status === 'ready' ? 0 : undefined;
});

/** Asks the engine, too; behind an answer that is being made that takes until its end. */
export async function recount() {
  const kinglet = of;
  const stats = await kinglet?.stats().catch(() => undefined);
  count(observer.takeRecords());
  if (stats && kinglet === of) requests.value = ofPage + stats.requests;
}
