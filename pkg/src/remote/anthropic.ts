// Anthropic's messages: a request's body, and parts out of the events of an answer. Pure.

import type { ChatMessage } from '../openai.js';
import { fields, json, Known, objects, word, type AnswerReader, type Fields, type Protocol } from './answer.js';
import { Failure } from './failure.js';
import { failureOf } from './reported.js';
import type { StreamEvent } from './sse.js';
import type { Payload, RemoteEndpoint, RemoteFinish, RemotePart } from './types.js';
import { formInWords, isSystem, textOf } from './words.js';

export const anthropic: Protocol = { path: '/messages', headers: [['anthropic-version', '2023-06-01']], body, reader: () => new Reader() };

/** What stands first where a conversation does not begin with the user, as the protocol wants it. */
const BEGIN = '(The conversation begins.)';

function body({ model }: RemoteEndpoint, payload: Payload): Fields {
  const { messages, temperature, top_p, stop, max_tokens } = payload;
  const system = [...messages.filter(isSystem).map(({ content }) => textOf(content)), formInWords(payload.response_format) ?? ''].filter((text) => text.trim() !== '').join('\n\n');
  // It refuses texts of blanks alone.
  const stops = (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((text) => text.trim() !== '');
  const given = {
    system: system === '' ? undefined : system,
    // It goes to 1, and newer models refuse both together.
    temperature: temperature === undefined || temperature === null ? undefined : Math.min(1, temperature),
    top_p: temperature === undefined || temperature === null ? top_p : undefined,
    stop_sequences: stops.length === 0 ? undefined : stops,
    ...toolsOf(payload),
  };
  return {
    model,
    messages: turns(messages.filter((message) => !isSystem(message))),
    max_tokens,
    stream: true,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null)),
  };
}

/** The messages, with those of one side that follow each other made one. */
function turns(messages: readonly ChatMessage[]): Fields[] {
  const found: { role: 'user' | 'assistant'; content: Fields[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const blocks = blocksOf(message);
    const last = found.at(-1);
    if (last?.role === role) {
      last.content.push(...blocks);
    } else if (blocks.length > 0) {
      found.push({ role, content: blocks });
    }
  }
  if (found[0]?.role !== 'user') {
    found.unshift({ role: 'user', content: [{ type: 'text', text: BEGIN }] });
  }
  return found.map(({ role, content }) => ({ role, content: content.length === 1 && content[0]?.['type'] === 'text' ? content[0]['text'] : content }));
}

/** It refuses empty texts. */
function blocksOf({ role, content, refusal, tool_calls, tool_call_id }: ChatMessage): Fields[] {
  const text = textOf(content) || (refusal ?? '');
  if (role === 'tool') {
    return [{ type: 'tool_result', tool_use_id: tool_call_id ?? '', content: text }];
  }
  const calls = objects(tool_calls).map(({ id, function: made }) => {
    const { name, arguments: given } = fields(made) ?? {};
    return { type: 'tool_use', id, name, input: inputOf(given) };
  });
  return [...(text.trim() === '' ? [] : [{ type: 'text', text }]), ...calls];
}

/** A call's arguments as the object that the protocol wants. */
function inputOf(given: unknown): Fields {
  try {
    return fields(typeof given === 'string' ? JSON.parse(given === '' ? '{}' : given) : given) ?? { arguments: given };
  } catch {
    return { arguments: given };
  }
}

function toolsOf({ tools, tool_choice: choice, parallel_tool_calls: parallel }: Payload): Fields {
  if (tools === undefined || tools === null || tools.length === 0) {
    return {};
  }
  const one = parallel === false ? { disable_parallel_tool_use: true } : {};
  const chosen = {
    auto: { type: 'auto', ...one },
    required: { type: 'any', ...one },
    none: { type: 'none' },
  };
  const asked = choice ?? (parallel === false ? 'auto' : undefined);
  return {
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      input_schema: { type: 'object', ...(parameters ?? { properties: {} }) },
    })),
    tool_choice: typeof asked === 'object' ? { type: 'tool', name: asked.function.name, ...one } : asked && chosen[asked],
  };
}

const FINISH: Readonly<Record<string, RemoteFinish>> = {
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

/** Tokens of the prompt are the sum of these: what was read from a cache, or written to one, is not in the first. */
const INPUTS = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const;

class Reader implements AnswerReader {
  readonly known = new Known();
  private readonly inputs = { input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  /** Blocks that are calls, by the service's index. */
  private readonly calls = new Map<unknown, { index: number; empty: boolean }>();

  event({ name, data }: StreamEvent): RemotePart[] {
    if (data === '') {
      return [];
    }
    const event = json(data);
    switch (event['type'] ?? name) {
      case 'message_start':
        return this.begin(fields(event['message']) ?? {});
      case 'content_block_start':
        return this.block(event['index'], fields(event['content_block']) ?? {});
      case 'content_block_delta':
        return this.delta(event['index'], fields(event['delta']) ?? {});
      case 'content_block_stop':
        return this.close(event['index']);
      case 'message_delta':
        this.usage(fields(event['usage']) ?? {}, true);
        this.stop(fields(event['delta'])?.['stop_reason']);
        return [];
      case 'message_stop':
        this.known.ended = true;
        return [];
      case 'error':
        throw failureOf(undefined, event, data);
      default:
        return []; // ping, and what is added in later versions
    }
  }

  whole(answer: Fields): RemotePart[] {
    if (answer['type'] === 'error' || fields(answer['error']) !== undefined) {
      throw failureOf(undefined, answer, '');
    }
    if (!Array.isArray(answer['content'])) {
      throw new Failure('bad_answer', 'its answer has no content');
    }
    const parts = this.begin(answer);
    objects(answer['content']).forEach((block, index) => parts.push(...this.block(index, block), ...this.close(index)));
    this.usage(fields(answer['usage']) ?? {}, true);
    this.stop(answer['stop_reason']);
    this.known.ended = true;
    return parts;
  }

  private begin(message: Fields): RemotePart[] {
    this.usage(fields(message['usage']) ?? {}, false);
    return this.known.head(message['id'], message['model']);
  }

  private block(at: unknown, block: Fields): RemotePart[] {
    if (block['type'] === 'text') {
      return this.known.text(block['text']);
    }
    const name = word(block['name']);
    if (block['type'] !== 'tool_use' || name === undefined || this.calls.has(at)) {
      this.known.pieces += 1; // thoughts, or what the service does by itself
      return [];
    }
    const given = fields(block['input']);
    const text = given === undefined || Object.keys(given).length === 0 ? '' : JSON.stringify(given);
    const call = { index: this.known.calls, empty: text === '' };
    this.calls.set(at, call);
    const id = word(block['id']);
    return this.known.call({ index: call.index, ...(id === undefined ? {} : { id }), name, arguments: text });
  }

  private delta(at: unknown, delta: Fields): RemotePart[] {
    if (delta['type'] === 'text_delta') {
      return this.known.text(delta['text']);
    }
    const call = this.calls.get(at);
    const text = word(delta['partial_json']);
    if (delta['type'] !== 'input_json_delta' || call === undefined || text === undefined) {
      this.known.pieces += 1;
      return [];
    }
    call.empty = false;
    return this.known.call({ index: call.index, arguments: text });
  }

  /** A call without arguments comes without any piece of them. */
  private close(at: unknown): RemotePart[] {
    const call = this.calls.get(at);
    if (call?.empty !== true) {
      return [];
    }
    call.empty = false;
    return this.known.call({ index: call.index, arguments: '{}' });
  }

  private stop(reason: unknown): void {
    if (typeof reason === 'string') {
      this.known.finished(Object.hasOwn(FINISH, reason) ? (FINISH[reason] ?? 'stop') : 'stop');
    }
  }

  /** Cumulative, each by itself; of the output at the beginning only what had been produced by then. */
  private usage(usage: Fields, ended: boolean): void {
    for (const name of INPUTS) {
      const value = usage[name];
      this.inputs[name] = typeof value === 'number' && value > 0 ? value : this.inputs[name];
    }
    this.known.count('input', INPUTS.reduce((sum, name) => sum + this.inputs[name], 0));
    this.known.count('cached', usage['cache_read_input_tokens']);
    if (ended) {
      this.known.count('output', usage['output_tokens']);
    }
  }
}
