// Memory, context and storage, read when they are asked for.

import { Observable } from '../../lib/observable.js';
import { engine } from '../../services/engine.js';
import { latestAnswers } from './answers.js';

export const figures = new Observable({});

/** Reads all that can be had; none of it waits for another. */
export async function readFigures() {
  const { kinglet } = engine.value;
  const put = (name) => (value) => figures.patch({ [name]: value });
  const none = () => undefined;
  if (!kinglet) figures.patch({ stats: undefined, usage: undefined });
  await Promise.all([
    kinglet?.stats().then(put('stats'), none),
    kinglet?.contextUsage().then(put('usage'), none),
    storage().then(put('storage'), none),
    latestAnswers().then(put('answers'), none),
    pageMemory().then(put('memory'), none),
  ]);
}

async function storage() {
  const { usage, quota } = await navigator.storage.estimate();
  return { usage, quota, persisted: await navigator.storage.persisted() };
}

/** `{bytes}`, or why it cannot be known. */
async function pageMemory() {
  if (!globalThis.crossOriginIsolated) return { why: 'not told: the page is not cross-origin isolated' };
  if (!performance.measureUserAgentSpecificMemory) return { why: 'not told by this browser' };
  try {
    const measured = performance.measureUserAgentSpecificMemory(); // at the browser's leisure: seconds, sometimes
    return { bytes: (await measured).bytes };
  } catch (error) {
    return { why: `not told: ${error.message}` };
  }
}
