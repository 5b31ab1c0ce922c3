// What a token should take by the model of the physics, T = bytes / bandwidth + dispatches · t_dispatch + t_answer, and by the
// sum of the kernels that were measured alone; beside what it took.

/** The matrices of a token of Phi-3-mini in Q4_K_M: how often, stage, columns, rows, format. */
const PHI3_MINI = [
  [32, 'matmul', 3072, 9216, 'Q5_K'],
  [32, 'matmul_add', 3072, 3072, 'Q4_K'],
  [32, 'gate_up', 3072, 16384, 'Q4_K'],
  [16, 'matmul_add', 8192, 3072, 'Q4_K'],
  [16, 'matmul_add', 8192, 3072, 'Q6_K'],
  [1, 'head', 3072, 32064, 'Q6_K'],
];
/** Blocks, each with an attention. */
const BLOCKS = 32;

/** The largest median of the peaks of a kind. */
export function best(peaks, kind) {
  const medians = Object.entries(peaks ?? {}).filter(([name, peak]) => name.split(' ')[0] === kind && peak.median > 0);
  return medians.length > 0 ? Math.max(...medians.map(([, peak]) => peak.median)) : undefined;
}

/**
 * `{ bytes_ms, dispatch_ms, answer_ms, expected_ms, kernels_ms, measured_ms, ratio }` of a decoded token, as far as a result has
 * what they are computed from; null where it has no decode.
 */
export function explain(result, { bytes_per_token }) {
  const engine = result.model?.engines.kinglet;
  const shortest = Object.keys(engine?.prompts ?? {}).sort((a, b) => a - b)[0];
  const rate = engine?.prompts?.[shortest].decode_tokens_per_s;
  const speed = typeof rate === 'number' ? rate : rate?.median;
  const peaks = result.kernels?.peaks;
  const [read, dispatch, answer] = ['read', 'dispatch', 'answer'].map((kind) => best(peaks, kind));
  if (!speed || !read || !bytes_per_token) return null;
  const bytes_ms = bytes_per_token / read / 1e6;
  const dispatch_ms = (engine.per_token?.dispatches ?? 0) * dispatch;
  const expected_ms = bytes_ms + dispatch_ms + answer;
  const measured_ms = 1000 / speed;
  return { bytes_ms, dispatch_ms, answer_ms: answer, expected_ms, kernels_ms: kernelsMs(result.kernels), measured_ms, ratio: measured_ms / expected_ms };
}

/** Milliseconds of all kernels of a token of Phi-3-mini Q4_K_M with the first tuning; null where one was not measured. */
export function kernelsMs({ kernels }) {
  const ms = (wanted) => kernels.find((kernel) => kernel.ms && kernel.tokens === 1 && wanted(kernel))?.ms.median;
  const matrices = PHI3_MINI.map(([times, stage, cols, rows, format]) => {
    const fits = (kernel) => kernel.stage === stage && kernel.cols === cols && kernel.rows === rows && kernel.format === format;
    return times * ms(fits);
  });
  const sum = [...matrices, BLOCKS * ms((kernel) => kernel.stage === 'attention')].reduce((a, b) => a + b, 0);
  return Number.isFinite(sum) ? sum : null;
}
