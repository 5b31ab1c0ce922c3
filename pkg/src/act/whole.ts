// A remote answer that nobody watches as it comes: put together, to be looked at when it is complete.

import type { RemotePart, RemoteUsage } from '../remote/types.js';
import type { FinishReason, ToolCall } from '../types.js';
import type { Complete } from './validate.js';

/** One that is put together. */
export class Whole implements Complete {
  text = '';
  finish: FinishReason = 'stop';
  usage: RemoteUsage | undefined;
  /** Which model it says that it is. */
  model: string | undefined;
  /** The service's id of it. */
  id: string | undefined;
  /** A filter has stopped it. */
  filtered = false;
  private readonly made: (ToolCall & { index: number })[] = [];

  /** Its next part. */
  add(part: RemotePart): void {
    switch (part.type) {
      case 'text':
        this.text += part.text;
        break;
      case 'call': {
        const { index } = part;
        const call = (this.made[index] ??= { index, id: part.id ?? `call_${index}`, type: 'function', function: { name: '', arguments: '' } });
        call.function.name ||= part.name ?? '';
        call.function.arguments += part.arguments;
        break;
      }
      case 'usage':
        this.usage = part.usage;
        break;
      case 'head':
        this.model = part.model ?? this.model;
        this.id = part.id ?? this.id;
        break;
      case 'finish':
        this.filtered = part.reason === 'content_filter';
        this.finish = part.reason === 'content_filter' ? 'stop' : part.reason;
    }
  }

  get calls(): readonly (ToolCall & { index: number })[] {
    return this.made.filter(Boolean); // a service may leave out a number
  }

  /** As OpenAI has them in a message. */
  get toolCalls(): ToolCall[] {
    return this.calls.map(({ index: _, ...call }) => call);
  }
}
