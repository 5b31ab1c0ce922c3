// What WebGPU says of the adapter that the engine would get.

import { Observable } from '../../lib/observable.js';
import { bytes } from '../../lib/format.js';

/** Undefined until it was asked for; `{why}` where there is none. */
export const adapter = new Observable(undefined);

/** Limits that decide which models fit and which kernels run. */
const LIMITS = {
  maxBufferSize: bytes,
  maxStorageBufferBindingSize: bytes,
  maxStorageBuffersPerShaderStage: String,
  maxComputeWorkgroupStorageSize: bytes,
  maxComputeInvocationsPerWorkgroup: String,
  maxComputeWorkgroupsPerDimension: String,
};

/** Asks as the engine does. */
export async function askAdapter() {
  adapter.value = await found().catch((error) => ({ why: error.message }));
}

async function found() {
  if (!navigator.gpu) return { why: 'this browser has no WebGPU here' };
  const got = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!got) return { why: 'WebGPU gives no adapter' };
  const { vendor, architecture, device, description, isFallbackAdapter, subgroupMinSize, subgroupMaxSize } = got.info ?? {};
  const limits = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, got.limits[name]]));
  return { vendor, architecture, device, description, isFallbackAdapter, subgroupMinSize, subgroupMaxSize, features: [...got.features].sort(), limits };
}

/** What the engine's kernels use of it is said with the engine. */
export function adapterRows(value) {
  if (value === undefined) return [['Adapter', 'asking…', 'gpu']];
  if (value.why) return [['Adapter', value.why, 'gpu']];
  const has = (feature) => (value.features.includes(feature) ? 'the adapter has them' : 'the adapter has none');
  return [
    ['Adapter', [value.vendor, value.architecture, value.device, value.description].filter(Boolean).join(' ') || 'name hidden', 'gpu'],
    ['Emulated on the processor', value.isFallbackAdapter === undefined ? 'not told' : value.isFallbackAdapter ? 'yes' : 'no', 'fallback-adapter'],
    ['16-bit floats (shader-f16)', has('shader-f16'), 'shader-f16'],
    ['Subgroups', `${has('subgroups')}${value.subgroupMaxSize ? ` (${value.subgroupMinSize} to ${value.subgroupMaxSize} threads)` : ''}`, 'subgroups'],
    ['Timestamps', has('timestamp-query'), 'timestamp-query'],
    ...Object.entries(LIMITS).map(([name, format]) => [name, value.limits[name] === undefined ? undefined : format(value.limits[name]), name]),
    ['Features', value.features.join(', '), 'features'],
  ];
}
