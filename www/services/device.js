// What this device can hold, as far as a browser tells without downloading anything.

import { modelStore } from '../pkg/dist/index.js';
import { Observable } from '../lib/observable.js';

/** What a browser that emulates the GPU calls it. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/**
 * `{gpu, memory, room}`: `gpu` is `{name, maxBuffer, software}` or undefined; `memory` are bytes of the device, `memoryAtLeast` whether
 * it may be more; undefined where the browser does not tell. Undefined before it was looked at.
 */
export const device = new Observable(undefined);

export async function measureDevice() {
  const [gpu, room] = await Promise.all([adapter(), modelStore.estimate().catch(() => ({}))]);
  const gib = navigator.deviceMemory;
  device.value = { gpu, room, memory: gib === undefined ? undefined : gib * 2 ** 30, memoryAtLeast: gib >= 8 };
}

async function adapter() {
  const found = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (!found) return undefined;
  const { maxBufferSize, maxStorageBufferBindingSize } = found.limits;
  const { vendor = '', architecture = '', device: model = '', description = '', isFallbackAdapter } = found.info ?? {};
  const name = [description || [vendor, architecture].filter(Boolean).join(' '), model].filter(Boolean)[0] ?? 'GPU';
  const software = isFallbackAdapter === true || SOFTWARE.test([vendor, architecture, model, description].join(' '));
  return { name, maxBuffer: Math.min(maxBufferSize, maxStorageBufferBindingSize), software };
}
