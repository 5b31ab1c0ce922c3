// What a model takes in memory, from its shape: the arithmetic of the engine's plan (src/model/plan.rs), for models of which not
// a byte is here. tests/web/catalog.test.mjs holds it to the engine's own answer.

/** Most tokens in one step, and most bytes of logits at once, as the engine has them. */
const BATCH = 128;
const LOGITS = 16 << 20;
const F32 = 4;

/** Bytes of one key or value by the type of the cache; q8_0 has blocks of 32 with a scale of 4 bytes. */
const CACHE = { f16: 2, f32: 4, q8_0: 36 / 32 };

/**
 * `{cache, activations}` in bytes, for `context` tokens. Shape: `{layers, width, ff, heads, kv_heads, head, vocabulary, rotated}`.
 */
export function workingMemory({ layers, width, ff, heads, kv_heads, head, vocabulary, rotated }, context, cacheType = 'f16') {
  const batch = Math.min(BATCH, context);
  const rows = Math.min(Math.max(Math.floor(LOGITS / (vocabulary * F32)), 1), batch);
  const step = 3 * width + (heads + 2 * kv_heads) * head + heads * head + 3 * ff;
  return {
    cache: 2 * layers * context * kv_heads * head * CACHE[cacheType],
    activations: F32 * (batch * step + rows * (vocabulary + 2 * width) + context * rotated),
  };
}

/** What a page may take of a device's memory: the system and other pages need theirs. A rule of thumb; nobody can ask. */
export const SHARE = 0.5;

/** Contexts that are tried, the largest first. */
const CONTEXTS = [4096, 2048, 1024];

/** The contexts that make sense for a model that was trained for `longest` tokens. */
export const contextsOf = (longest) => [...new Set(CONTEXTS.map((tokens) => Math.min(tokens, longest ?? Infinity)))];

/**
 * Bytes of a catalogue's entry with a context: its weights are counted as its file, which is at most its header too much. Undefined where its
 * size is not known.
 */
export function memoryOf({ shape, bytes, estimated_bytes }, context, cacheType) {
  const weights = bytes ?? estimated_bytes ?? undefined;
  if (weights === undefined) return undefined;
  const { cache, activations } = workingMemory(shape, context, cacheType);
  return weights + cache + activations;
}
