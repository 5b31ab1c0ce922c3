// What was measured as JSON: with everything that one must know to measure it again, and nothing of who did.

import { askAdapter, adapter } from '../views/developer/gpu.js';

/** `made`: what `run` gave, `file` as `described` says, the `settings`, and the `peer`'s version or why there is none. */
export async function report({ made, file, settings, peer }) {
  await askAdapter();
  const { version } = await (await fetch(new URL('../pkg/package.json', import.meta.url))).json().catch(() => ({}));
  const { load_ms, info, memory, validation, cases, stopped, problem } = made;
  return {
    report: 'kinglet bench 1',
    time: new Date().toISOString(),
    browser: { userAgent: navigator.userAgent, cores: navigator.hardwareConcurrency, memory_gib: navigator.deviceMemory ?? null, isolated: crossOriginIsolated },
    adapter: adapter.value,
    versions: { kinglet: version ?? null, wllama: peer.version ?? null, llama_cpp: info.wllama?.llama_cpp ?? null },
    peer: peer.version ? 'wllama' : peer.why,
    file,
    settings,
    info,
    load_ms,
    memory,
    page_memory_bytes: await pageMemory(),
    validation: validation ?? null,
    problem: problem ?? null,
    stopped,
    cases,
  };
}

/** The browser takes its time over it. */
const PATIENCE = 3000;

/** Of the whole page, both engines included; null where the browser does not tell, or not soon. */
async function pageMemory() {
  const late = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE));
  const asked = performance.measureUserAgentSpecificMemory?.().then(({ bytes }) => bytes, () => null) ?? null;
  return crossOriginIsolated ? Promise.race([asked, late]) : null;
}
