// What the browser calls the GPU. Chromium leaves the description empty, the only field that reaches the engine, but
// says vendor and architecture.

interface Gpu {
  requestAdapter(options: { powerPreference: string }): Promise<{
    info?: { vendor: string; architecture: string; device: string; description: string };
  } | null>;
}

/** Names by which software adapters are known where nothing else tells; the engine knows the same (src/gpu/device.rs). */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

/** Whether an adapter says that it is emulated. */
export function softwareName(info: { architecture: string; device: string; description: string } | undefined): boolean {
  return info !== undefined && [info.architecture, info.device, info.description].some((name) => SOFTWARE.test(name));
}

/** What a browser says of the adapter. */
export interface AdapterNames {
  /** `"google swiftshader"`, `"nvidia ampere"`; empty where the browser says nothing. */
  name: string;
  /** Everything that it says. */
  key: string;
}

/** What this browser says of the adapter that the engine would get. */
export async function adapterNames(): Promise<AdapterNames> {
  const { gpu } = navigator as { gpu?: Gpu };
  // The same request as the engine's, so the same adapter.
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (!adapter?.info) {
    return { name: '', key: '' };
  }
  const { vendor, architecture, device, description } = adapter.info;
  const joined = (parts: string[]) => parts.filter((part) => part !== '').join(' ');
  const name = description || joined([vendor, architecture, device]);
  return { name, key: joined([vendor, architecture, device, description]) };
}
