// Loading a model, and what is said about it.

import { createKinglet, KingletError } from './pkg/dist/index.js';
import { isDesk, showDesk } from './desk.js';
import { hideError, showError } from './errors.js';
import { keepPage } from './keep.js';
import { beginOffline } from './offline.js';
import { $, showReady, state } from './state.js';
import { clearConversation } from './talk.js';

$('load').addEventListener('submit', async (event) => {
  event.preventDefault();
  const files = [...$('files').files];
  const url = $('url').value.trim();
  if (files.length === 0 && url === '') {
    showError(new KingletError('invalid_request', 'There is no model to load: give an address or choose a file.'));
    $('url').focus();
    return;
  }
  state.running?.abort();
  state.kinglet?.dispose();
  state.kinglet = undefined;
  state.desk = false;
  state.loading = new AbortController();
  hideError();
  clearConversation();
  showLoading(true);
  try {
    const context = Number.parseInt($('context').value, 10);
    state.kinglet = await createKinglet({
      model: files.length > 0 ? files : url,
      backend: $('backend').value,
      cacheType: $('cache').value,
      ...(Number.isNaN(context) ? {} : { context }),
      onProgress: showProgress,
      signal: state.loading.signal,
    });
    await keepPage(state.version, state.kinglet.info.module);
    await beginOffline();
    showInfo(state.kinglet.info);
  } catch (error) {
    showError(error);
  } finally {
    state.loading = undefined;
    showLoading(false);
    if (state.kinglet) {
      $('setup').open = false;
      $('prompt').focus({ preventScroll: true });
    }
  }
});

$('cancel').addEventListener('click', () => state.loading?.abort());
$('files').addEventListener('change', () => ($('url').value = ''));
$('url').addEventListener('input', () => ($('files').value = ''));
$('other').addEventListener('click', () => {
  $('setup').open = true;
  $('url').focus();
});

function showLoading(busy) {
  $('loading').hidden = !busy;
  $('cancel').hidden = !busy;
  $('load-button').disabled = busy;
  $('phase').textContent = busy ? 'Starting…' : '';
  $('progress').removeAttribute('value');
  if (busy) {
    $('loaded').textContent = '';
    $('where').hidden = true;
    $('why').hidden = true;
    $('missing').hidden = true;
  }
  showReady();
}

const PHASES = {
  download: 'Reading the model',
  verify: 'Checking the model',
  upload: 'Loading the weights',
  compile: 'Preparing the GPU',
  ready: 'Ready',
};

function showProgress({ phase, loaded, total }) {
  const amount = total > 0 ? ` ${megabytes(loaded)} of ${megabytes(total)} MB` : loaded > 0 ? ` ${megabytes(loaded)} MB` : '';
  $('phase').textContent = `${PHASES[phase] ?? phase}${amount}`;
  if (total > 0) {
    $('progress').value = loaded / total;
  } else {
    $('progress').removeAttribute('value');
  }
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function showInfo(info) {
  state.desk = isDesk(info);
  $('loaded').textContent = `${info.model || info.architecture} · ${info.context} tokens of context`;
  $('where').textContent = `${info.backend === 'gpu' ? 'GPU' : 'Processor'} · ${info.adapter}${info.software ? ' (software)' : ''}`;
  $('why').textContent = info.fallback ? `Not on the GPU: ${info.fallback}` : '';
  $('why').hidden = !info.fallback;
  $('where').hidden = false;
  $('prompt-label').textContent = info.chat_template ? 'Message' : 'Text to continue';
  $('send').textContent = info.chat_template ? 'Send' : 'Continue';
  $('system-field').hidden = !info.chat_template || state.desk; // desk has learnt none
  $('empty').textContent = info.chat_template
    ? 'Ready. Write a message.'
    : 'Ready. This model has no chat template: write the beginning of a text and it goes on.';
  showDesk();
}
