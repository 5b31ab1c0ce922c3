// One chat, as the app sees it: what has come of it, so that it can go on after the page was ended.

import type { ChatChunk, ChatParams } from '../types.js';
import type { AppSays, PageSays } from './types.js';

/** Asks for a chat; `more` is called when something came. */
type Asked = (signal: AbortSignal, more: () => void) => Promise<unknown>;

export class Chat {
  private text = '';
  private seed: number | undefined;
  private last: ChatChunk | undefined;
  private readonly queue: ChatChunk[] = [];

  constructor(private readonly params: ChatParams) {}

  /** The message; to a page that was ended meanwhile with the same seed, and what is here already. */
  says(again: boolean): Omit<Extract<AppSays, { type: 'chat' }>, 'id'> {
    const seeded = this.seed === undefined ? this.params : { ...this.params, seed: this.seed };
    return { type: 'chat', params: seeded, ...(again ? { resume: { text: this.text } } : {}) };
  }

  heard(said: PageSays): void {
    if (said.type === 'begun') {
      this.seed = said.seed ?? undefined;
    } else if (said.type === 'chunk') {
      this.last = said.chunk;
      this.text += said.chunk.choices[0]?.delta.content ?? '';
      this.queue.push(said.chunk);
    } else if (said.type === 'replace') {
      this.text = said.text;
      // No choice: a reader of OpenAI's shape adds nothing, and one that knows of it shows this instead.
      const head = this.last ?? { id: '', created: 0, model: '' };
      this.queue.push({ ...head, object: 'chat.completion.chunk', choices: [], kinglet: { replaced: said.text } } as unknown as ChatChunk);
    }
  }

  /** The chunks as they come. Leaving them ends the answer. */
  async *chunks(asked: Asked, signal: AbortSignal | undefined): AsyncGenerator<ChatChunk, void, void> {
    const control = new AbortController();
    let wake = (): void => undefined;
    let over: { error?: unknown } | undefined;
    const end = (how: { error?: unknown }): void => {
      over = how;
      wake();
    };
    const both = signal === undefined ? control.signal : AbortSignal.any([signal, control.signal]);
    asked(both, () => wake()).then(() => end({}), (error: unknown) => end({ error }));
    try {
      for (;;) {
        const next = this.queue.shift();
        if (next !== undefined) {
          yield next;
        } else if (over === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
        } else if ('error' in over) {
          throw over.error;
        } else {
          return;
        }
      }
    } finally {
      control.abort();
    }
  }
}
