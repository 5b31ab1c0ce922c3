// What is to be shown of an answer that comes about on either side.

import type { ChatChunk } from './types.js';

/**
 * The text to be shown, whole, each time that it changes: what was shown provisionally may be replaced by a better one.
 *
 * @example
 * const stream = await kinglet.chat.completions.create({ messages, stream: true });
 * for await (const text of visible(stream)) paragraph.textContent = text;
 */
export async function* visible(stream: AsyncIterable<ChatChunk>): AsyncGenerator<string, void, void> {
  const texts = new Map<number, string>();
  let shown: number | undefined;
  let plain = '';
  let last: string | undefined;
  for await (const { choices, kinglet } of stream) {
    for (const part of kinglet?.parts ?? []) {
      if (part.type === 'segment') {
        texts.set(part.id, '');
        shown ??= part.id;
      } else if (part.type === 'delta') {
        texts.set(part.segment, (texts.get(part.segment) ?? '') + part.text);
      } else if (part.type === 'replace') {
        shown = part.to;
      } else if (part.type === 'commit') {
        shown = part.segment;
      }
    }
    plain += choices.find(({ index }) => index === 0)?.delta.content ?? '';
    const text = shown === undefined ? plain : (texts.get(shown) ?? '');
    if (text !== last) {
      last = text;
      yield text;
    }
  }
}
