// The real engine in Node on Dawn, Chrome's own WebGPU without a browser: the package's Wasm as it is shipped, on the Vulkan
// driver that is there.
import { existsSync } from 'node:fs';
import { nodeKinglet } from './node-engine.mjs';

/** The manifest of Chromium's software driver. This Dawn refuses Mesa's. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Whether the machine's own drivers are wanted: `KINGLET_ADAPTER=system`, as in the native tests, or the loader's own variables. */
const system = () => process.env.KINGLET_ADAPTER === 'system' || ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'].some((name) => process.env[name]);

/** Why Dawn cannot run here, or undefined. */
export function missingDawn() {
  return system() || existsSync(SWIFTSHADER) ? undefined : `no Vulkan driver at ${SWIFTSHADER}, and none is named`;
}

let opened;

/**
 * Puts Dawn's WebGPU where a browser has it, once for the process: `navigator.gpu` and the classes. Resolves to the `GPU`.
 * `toggles`: what Dawn is started with, for example `enable-dawn-features=...` of its documentation.
 */
export function openDawn(toggles = []) {
  opened ??= open(toggles);
  return opened;
}

async function open(toggles) {
  if (!system()) process.env.VK_ICD_FILENAMES = SWIFTSHADER; // before the loader reads it
  const { create, globals } = await import('webgpu');
  const gpu = create(toggles);
  Object.assign(globalThis, globals);
  globalThis.Window ??= class Window {}; // where wgpu looks for `navigator`
  if (globalThis.navigator === undefined) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  return gpu;
}

/**
 * A client of the real engine on Dawn with a GGUF file, its path or its bytes: `{kinglet, close}`. `options` are those of
 * `createKinglet`; the backend is the GPU, software or not.
 */
export async function dawnKinglet(file, options = {}) {
  await openDawn();
  return nodeKinglet(file, { backend: 'gpu', ...options });
}
