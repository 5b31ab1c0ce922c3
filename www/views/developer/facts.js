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
