// The options of `createKinglet`, checked: what the engine gets of them, and that none is unknown.

import { KingletError } from './errors.js';
import { invalid } from './params.js';
import type { Calls, LoadOptions } from './protocol.js';
import { readingOf, resolveModel, type FindDesk } from './sources/resolve.js';
import type { Given } from './sources/supply.js';
import { MAX_THREADS } from './threads.js';
import type { KingletOptions, WasmFiles } from './types.js';

/** What each option must be, where the page itself can tell; a new option is an entry here. */
const OPTIONS: Record<keyof KingletOptions, ((value: unknown) => string | undefined) | undefined> = {
  model: undefined, // sources/resolve.ts
  backend: oneOf('auto', 'gpu', 'cpu'),
  context: undefined, // the engine's
  cacheType: oneOf('f16', 'f32', 'q8_0'),
  threads: (value) => (value === 'auto' || isThreads(value) ? undefined : `"auto" or 1 to ${MAX_THREADS}`),
  exact: kind('boolean', 'true or false'),
  ignoreWindow: kind('boolean', 'true or false'),
  timestamps: kind('boolean', 'true or false'),
  autotune: (value) => (typeof value === 'boolean' || value === 'always' || (typeof value === 'object' && value !== null) ? undefined : 'true, false, "always" or a tuning'),
  speculation: (value) => (value === 'off' || value === 'lookup' || isDraft(value) ? undefined : '"off", "lookup" or {draft: a model}'),
  onProgress: kind('function', 'a function'),
  onNotice: kind('function', 'a function'),
  store: undefined, // sources/resolve.ts
  retry: kind('object', 'an object'),
  fetch: kind('function', 'a function'),
  headers: kind('object', 'headers'),
  feedback: kind('object', 'an object'),
  signal: (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal'),
  host: undefined, // hosts.ts
  restart: kind('boolean', 'true or false'),
  worker: undefined, // local-ways.ts
  wasm: undefined, // below
  mode: undefined, // these six: the module for decisions, by their paths
  remote: undefined,
  escalation: undefined,
  tasks: undefined,
  privacy: undefined,
  profiles: undefined,
  budget: kind('object', 'an object'),
  offline: kind('object', 'an object'),
  telemetry: kind('object', 'an object'),
  progressive: kind('boolean', 'true or false'),
  module: oneOf('relaxed', 'baseline'),
};

/** @throws KingletError `invalid_request` that names an unknown option, or one that cannot be. */
export function checkOptions(options: KingletOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', 'an object', options === null ? 'null' : typeof options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw invalid(name, 'an option that kinglet knows', 'an unknown one');
    }
    const expected = value === undefined ? undefined : OPTIONS[name as keyof KingletOptions]?.(value);
    if (expected !== undefined) {
      throw invalid(name, expected, typeof value === 'object' ? 'something else' : value);
    }
  }
}

function oneOf(...names: string[]): (value: unknown) => string | undefined {
  const expected = names.map((name) => `"${name}"`).join(' or ');
  return (value) => (names.includes(value as string) ? undefined : expected);
}

function kind(type: 'boolean' | 'function' | 'object', expected: string): (value: unknown) => string | undefined {
  return (value) => (typeof value === type && value !== null ? undefined : expected);
}

function isDraft(value: unknown): value is { draft: KingletOptions['model'] } {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'draft';
}

function isThreads(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_THREADS;
}

/** What loading needs. */
export async function loadArguments(options: KingletOptions, given: Given, findDesk: FindDesk | undefined): Promise<Calls['load'][0]> {
  const sources = await resolveModel(options.model, given, findDesk);
  const { speculation } = options;
  const wasm = wasmFiles(options.wasm);
  return {
    sources,
    ...(isDraft(speculation) ? { draft: await resolveModel(speculation.draft, given, findDesk).catch(ofDraft) } : {}),
    reading: readingOf(options),
    options: loadOptions(options),
    ...(wasm === undefined ? {} : { wasm }),
    ...(options.module === undefined ? {} : { module: options.module }),
  };
}

/** A model that is no source, where it was to be the draft model. */
function ofDraft(error: unknown): never {
  if (error instanceof KingletError && error.detail['param'] === 'model') {
    const message = error.message.replace('model:', 'speculation.draft:');
    throw new KingletError(error.code, message, { ...error.detail, param: 'speculation.draft' });
  }
  throw error;
}

/** What the engine is told. */
function loadOptions({ backend, cacheType, ignoreWindow, exact, threads, context, timestamps, autotune = true, speculation }: KingletOptions): LoadOptions {
  return {
    backend: backend ?? 'auto',
    cache_type: cacheType ?? 'f16',
    ignore_window: ignoreWindow ?? false,
    exact: exact ?? false,
    ...(threads === undefined || threads === 'auto' ? {} : { threads }),
    ...(context === undefined ? {} : { context }),
    ...(timestamps === true ? { timestamps } : {}),
    tuning: autotune === true ? 'auto' : autotune === false ? 'off' : autotune,
    ...(speculation === 'lookup' ? { speculation } : {}),
  };
}

/** The file of each build, addresses made absolute; one file alone is the baseline. */
export function wasmFiles(wasm: KingletOptions['wasm']): WasmFiles | undefined {
  if (wasm === undefined) {
    return undefined;
  }
  const alone = isAddress(wasm) || wasm instanceof ArrayBuffer || wasm instanceof WebAssembly.Module;
  const files: WasmFiles = alone ? { baseline: wasm } : { ...wasm };
  for (const kind of ['baseline', 'relaxed', 'grammar', 'route'] as const) {
    const file = files[kind];
    if (isAddress(file)) {
      files[kind] = absolute(file);
    }
  }
  return files;
}

function isAddress(value: unknown): value is string | URL {
  return typeof value === 'string' || value instanceof URL;
}

function absolute(address: string | URL): string {
  const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
  try {
    return new URL(address, base).href;
  } catch {
    throw invalid('wasm', 'an address', `"${String(address)}"`);
  }
}
