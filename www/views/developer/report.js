// All that the panel knows as JSON, for a bug report: no text of a conversation, a document or a file's address.

import { engine } from '../../services/engine.js';
import { notices } from '../../services/notices.js';
import { adapter } from './gpu.js';
import { figures } from './figures.js';
import { tested } from './selftest.js';
import { measured } from './timings.js';

/** What may be shown to strangers. Notices go without their words, which may name an address. */
export async function report() {
  const { status, info, error } = engine.value;
  return {
    report: 'kinglet developer 1',
    time: new Date().toISOString(),
    browser: { userAgent: navigator.userAgent, cores: navigator.hardwareConcurrency, memory_gib: navigator.deviceMemory, isolated: globalThis.crossOriginIsolated },
    engine: { status, error: error?.code, info },
    adapter: adapter.value,
    figures: figures.value,
    self_test: tested.value.result ?? null,
    profile: measured.value.result ?? null,
    notices: notices.value.map(({ time, code }) => ({ time, code })),
  };
}
