// Asking, and showing the answer as it comes.

import { deskPrompt, keepsFields } from './desk.js';
import { hideError, showError } from './errors.js';
import { addNote, addTurn, isAtEnd, scrollToEnd } from './log.js';
import { showOffline } from './offline.js';
import { $, showReady, state } from './state.js';
import { sureLine, sureness } from './sure.js';

$('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { kinglet, desk } = state;
  const written = $('prompt').value;
  if (!kinglet || state.running || written.trim() === '') {
    return;
  }
  const prompt = desk ? deskPrompt() : written;
  state.running = new AbortController();
  hideError();
  if (!desk || !keepsFields()) {
    $('prompt').value = '';
  }
  const chat = kinglet.info.chat_template;
  const conversation = state.messages; // "New conversation" begins another one, which must not get this answer
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
      $('prompt').value ||= written;
    }
  } finally {
    turn.item.removeAttribute('aria-busy');
    state.running = undefined;
    showReady();
    void showOffline();
    // Whoever went elsewhere meanwhile stays there; a button that was pressed is gone.
    if ([document.body, $('send'), $('stop')].includes(document.activeElement)) {
      $('prompt').focus({ preventScroll: true });
    }
  }
});

/** A stopped answer counts as far as it came. Tasks stand alone: desk remembers nothing. */
function remember(conversation, prompt, turn) {
  if (turn.said !== '' && !state.desk) {
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
  const system = state.desk ? '' : $('system').value.trim();
  const stream = await state.kinglet.chat.completions.create({
    ...limits,
    ...(state.desk ? { logprobs: true } : {}),
    messages: [
      ...(system ? [{ role: 'system', content: system }] : []),
      ...state.messages,
      { role: 'user', content: prompt },
    ],
    stream: true,
    stream_options: { include_usage: true },
    signal: state.running.signal,
  });
  await show(stream, turn, (choice) => choice.delta.content ?? '');
}

async function complete(prompt, turn, limits) {
  const stream = await state.kinglet.completions.create({
    ...limits,
    prompt,
    stream: true,
    stream_options: { include_usage: true },
    signal: state.running.signal,
  });
  await show(stream, turn, (choice) => choice.text);
}

/** An empty field means the engine's own default. */
function sampling() {
  const fields = { temperature: $('temperature').value, max_tokens: $('max-tokens').value };
  return Object.fromEntries(Object.entries(fields).flatMap(([name, text]) => (text === '' ? [] : [[name, Number(text)]])));
}

/** Shows an answer as it comes. */
async function show(stream, turn, textOf) {
  const asked = performance.now();
  const logprobs = [];
  let first; // when the first piece came
  let last; // the choice that says why the answer ended, and its timings
  let pieces = 0;
  for await (const chunk of stream) {
    const atEnd = isAtEnd();
    if (chunk.usage) {
      finish(chunk.usage, last, turn, logprobs, first - asked);
      if (atEnd) {
        scrollToEnd();
      }
      continue;
    }
    const choice = chunk.choices[0];
    const piece = textOf(choice);
    turn.said += piece;
    turn.text.append(piece);
    const now = performance.now();
    first ??= now;
    logprobs.push(...(choice.logprobs?.content ?? []).map(({ logprob }) => logprob));
    if (chunk.kinglet) {
      last = { reason: choice.finish_reason, timings: chunk.kinglet.timings };
    } else if (pieces > 0) {
      $('speed').textContent = `${((pieces / (now - first)) * 1000).toFixed(1)} tokens/s`;
    }
    pieces += 1;
    if (atEnd) {
      scrollToEnd();
    }
  }
}

/** Shows what an answer took, how sure it was, and why it ended. */
function finish(usage, { reason, timings }, turn, logprobs, first) {
  const { rate, wait } = speed(usage, timings, first);
  showSpeed(usage, timings, rate, wait);
  const sure = sureness(logprobs);
  if (sure) {
    turn.item.append(sureLine(sure, usage.completion_tokens > 1 ? `${wait}, ${rate}` : wait));
  }
  if (reason === 'length') {
    addNote(turn, lengthNote(usage));
  }
}

/** Which of the two limits ended an answer. */
function lengthNote(usage) {
  return usage.total_tokens >= state.kinglet?.info.context
    ? 'Cut: the context is full. Load the model with a larger one, or begin a new conversation.'
    : 'Cut at the limit of tokens per answer.';
}

/** In words: tokens per second (the first one comes out of reading the prompt), and the wait for the first, in ms. */
function speed({ completion_tokens }, { decode_ms }, first) {
  const rate = decode_ms > 0 ? (Math.max(completion_tokens - 1, 0) / decode_ms) * 1000 : 0;
  return {
    rate: `${rate.toFixed(1)} tokens/s`,
    wait: `first token after ${first < 1000 ? `${first.toFixed(0)} ms` : `${(first / 1000).toFixed(1)} s`}`,
  };
}

function showSpeed(usage, timings, rate, wait) {
  const reused = timings.reused_tokens > 0 ? ` (${timings.reused_tokens} reused)` : '';
  $('speed').textContent = `${rate} · ${usage.completion_tokens} tokens · prompt of ${usage.prompt_tokens}${reused}, ${wait}`;
}

/** Begins another conversation. */
export function clearConversation() {
  state.messages = [];
  $('log').replaceChildren();
  $('speed').textContent = '';
  showReady();
}

$('stop').addEventListener('click', () => state.running?.abort());
$('clear').addEventListener('click', () => {
  state.running?.abort();
  clearConversation();
});
$('prompt').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('ask').requestSubmit();
  }
});
