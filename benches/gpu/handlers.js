// What the bench asks of the place where an engine runs: a page of a browser, or Node. Plain data in, plain data out.

/**
 * `make`: name -> an engine as www/bench/engines.js describes it; `meter()` resolves to `measureKernels` of the module that
 * measures kernels.
 */
export function handlers({ make, meter }) {
  const engines = new Map();
  return {
    /** What WebGPU computes on here. */
    async about() {
      const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) return null;
      const { vendor, architecture, device, description } = adapter.info;
      const limits = ['maxStorageBufferBindingSize', 'maxBufferSize', 'maxComputeWorkgroupStorageSize'];
      return {
        adapter: { vendor, architecture, device, description },
        features: [...adapter.features].sort(),
        limits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
        agent: navigator.userAgent ?? '',
      };
    },
    /** The report of `kinglet kernels`, measured here. */
    async kernels({ plan }) {
      const measure = await meter();
      return JSON.parse(await measure(JSON.stringify(plan), () => {}));
    },
    /** Loads engine `kind` under a name of its own: `{ load_ms, info }`. */
    async load({ as, kind, options }) {
      const engine = make[kind]();
      const begin = performance.now();
      const info = await engine.load(options);
      engines.set(as, engine);
      return { load_ms: performance.now() - begin, info: info ?? null };
    },
    complete: ({ as, request }) => engines.get(as).complete(request),
    stats: ({ as }) => engines.get(as).stats?.() ?? null,
    async dispose({ as }) {
      await engines.get(as).dispose();
      engines.delete(as);
    },
  };
}
