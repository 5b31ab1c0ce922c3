// What this device can hold, measured as far as a browser lets one: the GPU by allocating under an error scope, the
// processor's memory by asking for as much of it as Wasm would.

import { softwareName } from './adapter.js';

/** A 32-bit address space minus what the program itself takes: `ADDRESSABLE_32` of the engine's CPU backend. */
export const WASM_BYTES = 2 ** 32 - 2 ** 27;
const PAGE = 65_536;
/** Wasm has at most so many pages. */
const MAX_PAGES = 65_536;

/** The GPU that the engine would take. */
export interface GpuRoom {
  /** Most bytes in one buffer. */
  maxBuffer: number;
  /** It is emulated on the processor. */
  software: boolean;
  /** Whether so many bytes could be had at once, in buffers that are given back right away. */
  holds(bytes: number): Promise<boolean>;
}

// The part of WebGPU that is used here; its types are in no library that TypeScript has by itself.
interface Limits {
  maxBufferSize: number;
  maxStorageBufferBindingSize: number;
}
interface Device {
  pushErrorScope(filter: 'out-of-memory' | 'validation'): void;
  popErrorScope(): Promise<unknown>;
  createBuffer(descriptor: { size: number; usage: number }): { destroy(): void };
  destroy(): void;
}
interface Adapter {
  limits: Limits;
  isFallbackAdapter?: boolean;
  info?: { isFallbackAdapter?: boolean; vendor: string; architecture: string; device: string; description: string };
  requestDevice(descriptor: { requiredLimits: Limits }): Promise<Device>;
}
/** `GPUBufferUsage.STORAGE | COPY_DST`. */
const USAGE = 0x80 | 0x08;

/** Undefined where there is no WebGPU. */
export async function gpuRoom(): Promise<GpuRoom | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: { requestAdapter(options: object): Promise<Adapter | null> } };
  const ask = () => gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  const adapter = await ask();
  if (!adapter) {
    return undefined;
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const maxBuffer = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return {
    maxBuffer,
    software: adapter.isFallbackAdapter === true || adapter.info?.isFallbackAdapter === true || softwareName(adapter.info),
    holds: async (bytes) => {
      // An adapter gives one device only.
      const fresh = await ask();
      return !!fresh && allocates(fresh, bytes, maxBuffer);
    },
  };
}

async function allocates(adapter: Adapter, bytes: number, maxBuffer: number): Promise<boolean> {
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  let device: Device;
  try {
    device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  } catch {
    return false;
  }
  const buffers: { destroy(): void }[] = [];
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let thrown = false;
  try {
    for (let left = bytes; left > 0; left -= maxBuffer) {
      buffers.push(device.createBuffer({ size: Math.ceil(Math.min(left, maxBuffer) / 4) * 4, usage: USAGE }));
    }
  } catch {
    thrown = true; // some browsers say so at once
  }
  const errors = [await device.popErrorScope(), await device.popErrorScope()];
  buffers.forEach((buffer) => buffer.destroy());
  device.destroy();
  return !thrown && errors.every((error) => error === null);
}

/** Bytes that one Wasm memory can have now, at most `wanted`: found by halving. */
export function wasmRoom(wanted: number): number {
  let pages = Math.min(Math.ceil(wanted / PAGE), MAX_PAGES);
  while (pages > 0) {
    try {
      new WebAssembly.Memory({ initial: pages, maximum: pages });
      return Math.min(pages * PAGE, wanted);
    } catch {
      pages >>= 1;
    }
  }
  return 0;
}

/** Bytes of the device's memory, where the browser tells: a power of two, and never more than it likes to tell. */
export function deviceMemory(): number | undefined {
  const gib = (globalThis.navigator as { deviceMemory?: number } | undefined)?.deviceMemory;
  // 8 and more mean "at least so much".
  return gib === undefined || gib >= 8 ? undefined : gib * 2 ** 30;
}
