// Pieces in OpenAI's shape: chunks when streamed, one object otherwise.

import type { Piece } from './protocol.js';
import type { ChatChunk, ChatCompletion, Envelope, Logprobs, TextCompletion, TokenLogprob } from './types.js';

/** `chatcmpl-` and 32 random hexadecimal digits (`crypto.randomUUID` is missing on plain http). */
function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `${prefix}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function envelope(prefix: string, model: string): () => Envelope {
  const id = newId(prefix);
  const created = Math.floor(Date.now() / 1000);
  return () => ({ id, created, model });
}

/** What only the last piece has. */
function ending(piece: Piece): Pick<Envelope, 'usage' | 'kinglet'> {
  return {
    ...(piece.usage ? { usage: piece.usage } : {}),
    ...(piece.timings ? { kinglet: { timings: piece.timings } } : {}),
  };
}

/** A streamed chat answer; the first chunk names the role. */
export async function* chatChunks(answer: AsyncIterable<Piece>, model: string): AsyncGenerator<ChatChunk, void, void> {
  const head = envelope('chatcmpl', model);
  let first = true;
  for await (const piece of answer) {
    const delta = { ...(first ? { role: 'assistant' as const } : {}), ...(piece.text ? { content: piece.text } : {}) };
    first = false;
    yield {
      ...head(),
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: piece.finish_reason, logprobs: piece.logprobs ?? null }],
      ...ending(piece),
    };
  }
}

/** A streamed raw completion. */
export async function* textChunks(
  answer: AsyncIterable<Piece>,
  model: string,
): AsyncGenerator<TextCompletion, void, void> {
  const head = envelope('cmpl', model);
  for await (const piece of answer) {
    yield {
      ...head(),
      object: 'text_completion',
      choices: [
        { index: 0, text: piece.text, finish_reason: piece.finish_reason, logprobs: piece.logprobs ?? null },
      ],
      ...ending(piece),
    };
  }
}

/** A whole chat answer. */
export async function chatCompletion(answer: AsyncIterable<Piece>, model: string): Promise<ChatCompletion> {
  const { text, last, logprobs } = await collect(answer);
  return {
    ...envelope('chatcmpl', model)(),
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text },
        finish_reason: last.finish_reason ?? 'stop',
        logprobs,
      },
    ],
    ...ending(last),
  };
}

/** A whole raw completion. */
export async function textCompletion(answer: AsyncIterable<Piece>, model: string): Promise<TextCompletion> {
  const { text, last, logprobs } = await collect(answer);
  return {
    ...envelope('cmpl', model)(),
    object: 'text_completion',
    choices: [{ index: 0, text, finish_reason: last.finish_reason ?? 'stop', logprobs }],
    ...ending(last),
  };
}

async function collect(answer: AsyncIterable<Piece>): Promise<{ text: string; last: Piece; logprobs: Logprobs | null }> {
  let text = '';
  let last: Piece = { text: '', finish_reason: null };
  const content: TokenLogprob[] = [];
  for await (const piece of answer) {
    text += piece.text;
    content.push(...(piece.logprobs?.content ?? []));
    last = piece;
  }
  return { text, last, logprobs: content.length > 0 ? { content } : null };
}
