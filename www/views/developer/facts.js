// Facts as rows of a table: `[name, value]`, where a value that is not there is said to be so.

import { html, nothing } from '../../vendor/lit-html.js';
import { bytes, duration } from '../../lib/format.js';

/** A table of facts; the first column names them. */
export const table = (rows) => html`<table class="facts">
  <tbody>
    ${rows.map(([name, value, key]) => html`<tr><th scope="row">${name}</th><td data-fact=${key ?? nothing}>${value ?? '–'}</td></tr>`)}
  </tbody>
</table>`;

const BITS = { f16: 16, f32: 32, q8_0: 8 };

/** What the engine chose; `cacheType` is not told by it. */
export function engineRows({ status, model, info }, { cacheType }) {
  if (status !== 'ready') return [['Model', status === 'loading' ? 'loading…' : 'none is loaded', 'model']];
  return [
    ['Model', info.model || model.name, 'model'],
    ['Architecture, format', `${info.architecture}, ${info.binding.quantization}`, 'format'],
    ['Backend', info.backend === 'gpu' ? `GPU${info.software ? ', emulated on the processor' : ''}` : 'processor', 'backend'],
    ['Adapter', info.adapter, 'adapter'],
    ['Why not the GPU', info.fallback, 'fallback'],
    ...variantRows(info.gpu),
    ['Wasm build', info.module === 'relaxed' ? 'relaxed SIMD' : 'plain SIMD', 'module'],
    ['Runs in', info.host === 'worker' ? 'a worker of its own' : info.host === 'shared' ? 'a worker that tabs share' : 'this thread', 'host'],
    ['Threads', info.threads_why ? `${info.threads} (${info.threads_why})` : info.threads, 'threads'],
    ['Cross-origin isolated', info.isolated ? 'yes: threads share memory' : 'no: threads exchange messages', 'isolated'],
    ['Context', `${info.context} tokens, trained for ${info.trained_context}`, 'context'],
    ['Cache precision, as set', `${cacheType}: keys and values in ${BITS[cacheType]} bits`, 'cache'],
    ['Vocabulary, embedding', `${info.vocabulary} entries, ${info.embedding_length} values`, 'sizes'],
    ['Chat template', info.chat_template ? 'yes' : 'no', 'template'],
  ].filter(([, value]) => value !== undefined);
}

const SOURCES = {
  table: 'by the table: nothing was measured',
  measured: 'measured when it was loaded',
  given: 'measured earlier, or set',
};

/** Which variants of the kernels run on the GPU, and why. */
function variantRows(gpu) {
  if (gpu === undefined) return [];
  const { gemv, gemm, attention } = gpu.tuning;
  const tried = ({ variant, ms, wrong }) => `${variant}: ${wrong ? 'wrong' : ms === null ? 'no time left' : `${ms.toFixed(1)} ms`}`;
  const measured = (part) => gpu.trials.filter((trial) => trial.part === part).map(tried).join(', ') || undefined;
  return [
    ['Kernels', `${SOURCES[gpu.source]}${gpu.ms > 0 ? `, in ${duration(gpu.ms)}` : ''}`, 'tuning-source'],
    ['Products, one token', `${gemv.reduce}, ${gemv.lanes} threads, ${gemv.math}`, 'tuning-gemv'],
    ['Measured', measured('gemv'), 'trials-gemv'],
    ['Products, several tokens', `${gemm.reduce}, ${gemm.math}`, 'tuning-gemm'],
    ['Measured', measured('gemm'), 'trials-gemm'],
    ['Attention', `${attention.reduce}, split from ${attention.split} keys`, 'tuning-attention'],
    ['Measured', measured('attention'), 'trials-attention'],
  ];
}

const megabytes = (count) => (count === undefined ? undefined : `${bytes(count)} (${count} bytes)`);

/** What was measured last. */
export const figureRows = ({ stats, usage, storage, memory, answers }) => [
  ['Wasm memory, all threads', megabytes(stats?.wasm_memory), 'wasm_memory'],
  ['Of it before the model', megabytes(stats?.wasm_memory_fresh), 'wasm_memory_fresh'],
  ['GPU buffers', stats && `${stats.gpu_buffers}, ${megabytes(stats.gpu_bytes)}`, 'gpu_bytes'],
  ['GPU kernels started', stats && `${stats.dispatches} in ${stats.submits} submissions`, 'dispatches'],
  ['Whole page', memory?.bytes === undefined ? memory?.why : megabytes(memory.bytes), 'page_memory'],
  ['Context in use', usage && `${usage.used} of ${usage.total} tokens`, 'usage'],
  ['Storage of this site', storage && `${bytes(storage.usage)} of ${bytes(storage.quota)}${storage.persisted ? ', kept' : ''}`, 'storage'],
  ...(answers ?? []).map((answer, i) => [i === 0 ? 'Latest answer' : i === 1 ? 'The one before' : `${i} before`, speed(answer), `answer-${i}`]),
];

const rate = (value) => (value === undefined ? '–' : `${value.toFixed(1)} tokens/s`);

const speed = ({ prefill, decode, first, tokens, reused }) =>
  `${tokens ?? '–'} tokens at ${rate(decode)}; first token after ${duration(first)}; prompt at ${rate(prefill)}${reused > 0 ? `, ${reused} of its tokens remembered` : ''}`;
