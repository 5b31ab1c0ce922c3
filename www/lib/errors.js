// Errors in words, with what to do.

import { KingletError } from '../pkg/dist/index.js';
import { html, nothing } from '../vendor/lit-html.js';

/** What to do, for the codes whose message does not already say it. */
const HINTS = {
  bad_file: 'The file is damaged or is not a GGUF model. Download it again, or choose another one.',
  truncated: 'The file is incomplete. Download it again.',
  unsupported_architecture: 'Choose a model of a supported family.',
  unsupported_type: 'Choose a file of the same model in another quantisation, for example Q4_K_M.',
  unsupported_tokenizer: 'Choose a model with a supported tokenizer.',
  too_large: 'Choose a smaller model, a smaller context, or the other backend.',
  context_overflow: 'Start a new conversation, shorten the message, or load the model with a larger context.',
  not_finite: 'Download the file again, or load it on the other backend.',
  http: 'Check the address, and whether the server allows this page to read it (CORS).',
  io: 'Check the connection, and whether the server allows this page to read the file (CORS).',
  gpu_unavailable: 'Choose “Best available” or “Processor”, or use a browser with WebGPU.',
  gpu_lost: 'Load the model again.',
  gpu: 'Load the model on the processor instead; please report this.',
  worker_failed: 'Load the model again. If it was out of memory, choose a smaller model or context.',
  invalid_request: 'Change that value under Models or Settings.',
  template_refused: 'Start a new conversation, or change the system message.',
  not_loaded: 'Load a model first.',
  unsupported_feature: 'Choose another file, or a model of a supported family.',
  quota_exceeded: 'Delete models that you do not need, or choose a smaller one.',
  hash_mismatch: 'The file is not the one that was announced: it may have been replaced. Choose another source.',
  file_changed: 'The file changes on its server; try again later.',
  store_busy: 'Close other tabs of this page, or wait until they have ended, and try again.',
  store_damaged: 'Delete the model, and download it again.',
};

/** `{code, message, hint}`: what is known of any thrown value. */
export function explain(error) {
  const typed = error instanceof KingletError || typeof error?.code === 'string';
  return { code: typed ? error.code : 'internal', message: error?.message ?? String(error), hint: hint(error ?? {}) };
}

function hint({ code, message = '' }) {
  if (code === 'bad_file' && message.includes('"split.')) {
    return 'This file is one part of a split model. Choose all its parts together.';
  }
  return code === 'invalid_request' && !message.startsWith('invalid request: ') ? '' : (HINTS[code] ?? '');
}

/** An error on the page; nothing for what the user has stopped. */
export function problem(error) {
  if (!error || error.code === 'aborted') return nothing;
  const { code, message, hint: todo } = explain(error);
  return html`<div class="problem" role="alert"><p><code>${code}</code> ${message}</p>${todo ? html`<p>${todo}</p>` : nothing}</div>`;
}
