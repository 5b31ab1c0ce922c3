// The page: a model, a conversation, and what it costs. It uses the package exactly as a customer would.

import { createKinglet, KingletError } from './pkg/dist/index.js';

const $ = (id) => document.getElementById(id);

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
  invalid_request: 'Change that value under Model or Settings.',
  template_refused: 'Start a new conversation, or change the system message.',
  not_loaded: 'Load a model first.',
};

let kinglet; // the loaded model
let messages = []; // the conversation so far, for models with a chat template
let loading; // AbortController of the load in progress
let running; // AbortController of the answer in progress

// ---- loading ---------------------------------------------------------------------------------------------------

$('load').addEventListener('submit', async (event) => {
  event.preventDefault();
  const files = [...$('files').files];
  const url = $('url').value.trim();
  if (files.length === 0 && url === '') {
    showError(new KingletError('invalid_request', 'There is no model to load: give an address or choose a file.'));
    $('url').focus();
    return;
  }
  running?.abort();
  kinglet?.dispose();
  kinglet = undefined;
  loading = new AbortController();
  hideError();
  clearConversation();
  showLoading(true);
  try {
    const context = Number.parseInt($('context').value, 10);
    kinglet = await createKinglet({
      model: files.length > 0 ? files : url,
      backend: $('backend').value,
      cacheType: $('cache').value,
      ...(Number.isNaN(context) ? {} : { context }),
      onProgress: showProgress,
      signal: loading.signal,
    });
    showInfo(kinglet.info);
  } catch (error) {
    showError(error);
  } finally {
    loading = undefined;
    showLoading(false);
    if (kinglet) {
      $('setup').open = false;
      $('prompt').focus();
    }
  }
});

$('cancel').addEventListener('click', () => loading?.abort());
$('files').addEventListener('change', () => ($('url').value = ''));
$('url').addEventListener('input', () => ($('files').value = ''));

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
  $('loaded').textContent = `${info.model || info.architecture} · ${info.context} tokens of context`;
  const threads = info.threads > 1 ? ` · ${info.threads} threads` : '';
  $('where').textContent = `${info.backend === 'gpu' ? 'GPU' : 'Processor'} · ${info.adapter}${info.software ? ' (software)' : threads}`;
  $('why').textContent = info.fallback ? `Not on the GPU: ${info.fallback}` : '';
  $('why').hidden = !info.fallback;
  $('where').hidden = false;
  $('prompt-label').textContent = info.chat_template ? 'Message' : 'Text to continue';
  $('send').textContent = info.chat_template ? 'Send' : 'Continue';
  $('system-field').hidden = !info.chat_template;
  $('empty').textContent = info.chat_template
    ? 'Ready. Write a message.'
    : 'Ready. This model has no chat template: write the beginning of a text and it goes on.';
}

// ---- talking ---------------------------------------------------------------------------------------------------

$('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const prompt = $('prompt').value;
  if (!kinglet || running || prompt.trim() === '') {
    return;
  }
  running = new AbortController();
  hideError();
  $('prompt').value = '';
  const chat = kinglet.info.chat_template;
  const conversation = messages; // "New conversation" begins another one, which must not get this answer
  const question = chat ? addTurn('user', 'You') : undefined;
  question?.text.append(prompt);
  const turn = addTurn('assistant', chat ? 'Model' : 'Text');
  if (!chat) {
    const given = document.createElement('span');
    given.className = 'given';
    given.textContent = prompt;
    turn.text.append(given);
  }
  turn.item.setAttribute('aria-busy', 'true');
  showReady();
  try {
    await fitting((limits) => (chat ? answer(prompt, turn, limits) : complete(prompt, turn, limits)));
    remember(conversation, prompt, turn);
  } catch (error) {
    if (error.code === 'aborted') {
      addNote(turn, 'Stopped.');
      remember(conversation, prompt, turn);
    } else {
      question?.item.remove();
      turn.item.remove();
      showError(error);
      $('prompt').value ||= prompt;
    }
  } finally {
    turn.item.removeAttribute('aria-busy');
    running = undefined;
    showReady();
    // Whoever went elsewhere meanwhile stays there; a button that was pressed is gone.
    if ([document.body, $('send'), $('stop')].includes(document.activeElement)) {
      $('prompt').focus({ preventScroll: true });
    }
  }
});

/** A stopped answer counts as far as it came. */
function remember(conversation, prompt, turn) {
  if (turn.said !== '') {
    conversation.push({ role: 'user', content: prompt }, { role: 'assistant', content: turn.said });
  }
}

/** Asks; when the limit of tokens per answer does not fit beside the prompt, asks again for as many as do. */
async function fitting(ask) {
  const limits = sampling();
  try {
    await ask(limits);
  } catch (error) {
    const room = error.code === 'context_overflow' ? error.detail.n_ctx - error.detail.prompt : 0;
    if (room < 1) {
      throw error;
    }
    await ask({ ...limits, max_tokens: room });
  }
}

async function answer(prompt, turn, limits) {
  const system = $('system').value.trim();
  const stream = await kinglet.chat.completions.create({
    ...limits,
    messages: [
      ...(system ? [{ role: 'system', content: system }] : []),
      ...messages,
      { role: 'user', content: prompt },
    ],
    stream: true,
    signal: running.signal,
  });
  await show(stream, turn, (choice) => choice.delta.content ?? '');
}

async function complete(prompt, turn, limits) {
  const stream = await kinglet.completions.create({ ...limits, prompt, stream: true, signal: running.signal });
  await show(stream, turn, (choice) => choice.text);
}

/** An empty field means the engine's own default. */
function sampling() {
  const fields = { temperature: $('temperature').value, max_tokens: $('max-tokens').value };
  return Object.fromEntries(Object.entries(fields).flatMap(([name, text]) => (text === '' ? [] : [[name, Number(text)]])));
}

/** Shows an answer as it comes. */
async function show(stream, turn, textOf) {
  let first; // when the first piece came
  let pieces = 0;
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    const atEnd = isAtEnd();
    const piece = textOf(choice);
    turn.said += piece;
    turn.text.append(piece);
    const now = performance.now();
    first ??= now;
    if (chunk.usage && chunk.kinglet) {
      showSpeed(chunk.usage, chunk.kinglet.timings);
    } else if (pieces > 0) {
      $('speed').textContent = `${((pieces / (now - first)) * 1000).toFixed(1)} tokens/s`;
    }
    pieces += 1;
    if (choice.finish_reason === 'length') {
      addNote(turn, lengthNote(chunk.usage));
    }
    if (atEnd) {
      scrollToEnd();
    }
  }
}

/** Which of the two limits ended an answer. */
function lengthNote(usage) {
  return usage?.total_tokens >= kinglet?.info.context
    ? 'Cut: the context is full. Load the model with a larger one, or begin a new conversation.'
    : 'Cut at the limit of tokens per answer.';
}

function showSpeed(usage, timings) {
  // The first token comes out of reading the prompt.
  const rate = timings.decode_ms > 0 ? ((usage.completion_tokens - 1) / timings.decode_ms) * 1000 : 0;
  const reused = timings.reused_tokens > 0 ? ` (${timings.reused_tokens} reused)` : '';
  $('speed').textContent =
    `${rate.toFixed(1)} tokens/s · ${usage.completion_tokens} tokens · prompt of ${usage.prompt_tokens}${reused} ` +
    `in ${timings.prefill_ms < 1000 ? `${timings.prefill_ms.toFixed(0)} ms` : `${(timings.prefill_ms / 1000).toFixed(1)} s`}`;
}

function addTurn(kind, who) {
  const item = document.createElement('li');
  item.className = kind;
  const name = document.createElement('span');
  name.className = 'who';
  name.textContent = who;
  const text = document.createElement('span');
  text.className = 'text';
  item.append(name, text);
  $('log').append(item);
  scrollToEnd();
  return { item, text, said: '' };
}

/** Whether the reader follows the answer (who has scrolled back is left alone). */
function isAtEnd() {
  const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
  return scrollHeight - scrollTop - clientHeight < 48;
}

function scrollToEnd() {
  scrollTo(0, document.documentElement.scrollHeight);
}

function addNote(turn, words) {
  const note = document.createElement('span');
  note.className = 'note';
  note.textContent = words;
  turn.item.append(note);
}

function clearConversation() {
  messages = [];
  $('log').replaceChildren();
  $('speed').textContent = '';
  showReady();
}

$('stop').addEventListener('click', () => running?.abort());
$('clear').addEventListener('click', () => {
  running?.abort();
  clearConversation();
});
$('prompt').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('ask').requestSubmit();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    running?.abort();
    loading?.abort();
  }
});

/** Enables what can be used now. */
function showReady() {
  $('ask').hidden = !kinglet;
  $('send').hidden = running !== undefined;
  $('stop').hidden = running === undefined;
  $('empty').hidden = $('log').childElementCount > 0 || loading !== undefined || !$('error').hidden;
  if (!kinglet) {
    $('empty').textContent = 'Load a model to begin.';
  }
}

// ---- errors ----------------------------------------------------------------------------------------------------

function showError(error) {
  if (error.code === 'aborted') {
    return;
  }
  const typed = error instanceof KingletError;
  $('error-code').textContent = typed ? error.code : 'internal';
  $('error-message').textContent = typed ? error.message : String(error);
  $('error-hint').textContent = hint(error);
  $('error').hidden = false;
  showReady();
  $('error').scrollIntoView({ block: 'nearest' });
}

function hint({ code, message }) {
  if (code === 'bad_file' && message.includes('"split.')) {
    return 'This file is one part of a split model. Choose all its parts together.';
  }
  return code === 'invalid_request' && !message.startsWith('invalid request: ') ? '' : (HINTS[code] ?? '');
}

function hideError() {
  $('error').hidden = true;
  showReady();
}

$('error-close').addEventListener('click', hideError);

// ---- the preset: ?model=…&backend=…, or what the server was started with ------------------------------------------

const query = new URLSearchParams(location.search);
for (const name of ['backend', 'context', 'cache']) {
  if (query.has(name)) {
    $(name).value = query.get(name);
  }
}
if (query.has('model')) {
  $('url').value = query.get('model');
} else {
  const preset = await fetch('model.json').then((response) => (response.ok ? response.json() : undefined), () => undefined);
  if (preset?.url && $('url').value === '') {
    $('url').value = preset.url;
  }
}
document.body.dataset.ready = 'true';
