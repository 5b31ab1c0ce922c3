// OpenAI's chat completions, as many servers speak them: a request's body, and parts out of the chunks of an answer. Pure.

import type { ChatMessage } from '../openai.js';
import { fields, json, Known, objects, word, type AnswerReader, type Fields, type Protocol } from './answer.js';
import { Failure } from './failure.js';
import { failureOf } from './reported.js';
import type { StreamEvent } from './sse.js';
import type { Payload, RemoteEndpoint, RemoteFinish, RemotePart } from './types.js';
import { formInWords, isSystem, textOf, withSentence } from './words.js';

export const openai: Protocol = { path: '/chat/completions', headers: [], body, reader: () => new Reader() };

function body({ model, maxTokensField = 'max_tokens', structured = 'json_schema' }: RemoteEndpoint, payload: Payload): Fields {
  const { messages, tools, tool_choice, parallel_tool_calls, response_format: format, temperature, top_p, stop, max_tokens } = payload;
  const inWords = structured === 'words' || (structured === 'json_object' && format?.type === 'json_schema');
  const some = tools !== undefined && tools !== null && tools.length > 0;
  const given = {
    tools: some ? tools : undefined,
    tool_choice: some ? tool_choice : undefined,
    parallel_tool_calls: some ? parallel_tool_calls : undefined,
    response_format: structured === 'words' ? undefined : formOf(format, structured),
    temperature,
    top_p,
    stop,
  };
  return {
    model,
    messages: withSentence(messages, inWords ? formInWords(format) : undefined).map(messageOf),
    [maxTokensField]: max_tokens,
    stream: true,
    stream_options: { include_usage: true },
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null)),
  };
}

function formOf(format: Payload['response_format'], structured: RemoteEndpoint['structured']): unknown {
  if (format?.type === 'json_schema') {
    // OpenAI refuses a schema without a name.
    return structured === 'json_object' ? { type: 'json_object' } : { type: 'json_schema', json_schema: { ...format.json_schema, name: format.json_schema.name ?? 'answer' } };
  }
  return format?.type === 'json_object' ? { type: 'json_object' } : undefined;
}

/** What the protocol has of a message. Not every server knows the role `developer`. */
function messageOf(message: ChatMessage): Fields {
  const { content, name, tool_calls, tool_call_id, refusal } = message;
  const given = { name, tool_calls: tool_calls?.length === 0 ? undefined : tool_calls, tool_call_id, refusal };
  return {
    role: isSystem(message) ? 'system' : message.role,
    content: content ?? (tool_calls === undefined || tool_calls.length === 0 ? '' : null),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null)),
  };
}

const FINISH: Readonly<Record<string, RemoteFinish>> = {
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  safety: 'content_filter',
  recitation: 'content_filter',
};

/** What events of the protocol are called; most servers name none. */
const NAMES = new Set(['', 'message', 'error']);

/** A call that is coming. */
interface Call {
  index: number;
  id: string | undefined;
  named: boolean;
  /** Nothing of its arguments has come. */
  empty: boolean;
}

class Reader implements AnswerReader {
  readonly known = new Known();
  /** The server's index of the call that came last, or its id: some have no index. */
  private last: unknown;
  /** What it means here: some give all calls the index 0, and tell them apart by their ids. */
  private readonly calls = new Map<unknown, Call>();
  /** All of them, in their order. */
  private readonly made: Call[] = [];

  event({ name, data }: StreamEvent): RemotePart[] {
    if (data.trim() === '[DONE]') {
      this.known.ended = true;
      return [];
    }
    if (data === '' || (!NAMES.has(name) && !data.includes('"choices"'))) {
      return []; // a gateway says that it is still there
    }
    const chunk = json(data);
    if (name === 'error' && chunk['choices'] === undefined) {
      throw failureOf(undefined, chunk, data);
    }
    return this.read(chunk, 'delta');
  }

  whole(answer: Fields): RemotePart[] {
    const parts = this.read(answer, 'message');
    const [choice] = objects(answer['choices']);
    if (fields(choice?.['message']) === undefined) {
      throw new Failure('bad_answer', 'its answer has no message');
    }
    this.known.ended = true;
    return parts;
  }

  /** A chunk, or a whole answer: they differ in the name of one field. */
  private read(chunk: Fields, field: 'delta' | 'message'): RemotePart[] {
    const { error } = chunk;
    if ((error !== undefined && error !== null) || chunk['object'] === 'error') {
      throw failureOf(undefined, chunk, '');
    }
    const parts = this.known.head(chunk['id'], chunk['model']);
    // One answer was asked for; what is beside it is not.
    const choice = objects(chunk['choices']).find(({ index }) => index === 0 || typeof index !== 'number');
    const delta = fields(choice?.[field]);
    if (delta !== undefined) {
      this.known.pieces += ['reasoning_content', 'reasoning'].some((thoughts) => word(delta[thoughts])) ? 1 : 0;
      parts.push(...this.known.text(textOf(delta['content'])), ...this.known.text(delta['refusal']));
      parts.push(...objects(delta['tool_calls']).flatMap((call) => this.call(call)));
    }
    this.usage(fields(chunk['usage']));
    this.finish(choice?.['finish_reason']);
    return this.known.finish === undefined ? parts : [...parts, ...this.close()];
  }

  /** A call without arguments may come without any piece of them, where an empty object is meant. */
  private close(): RemotePart[] {
    return this.made.filter(({ empty }) => empty).map((call) => {
      call.empty = false;
      return { type: 'call', index: call.index, arguments: '{}' };
    });
  }

  private finish(reason: unknown): void {
    if (typeof reason !== 'string' || reason === '') {
      return;
    }
    if (reason === 'error') {
      throw new Failure('reported', 'it reported an error in its answer');
    }
    if (reason === 'abort') {
      throw new Failure('cut', 'the answer ended before it was complete', { passing: true });
    }
    const name = reason.toLowerCase();
    this.known.finished(Object.hasOwn(FINISH, name) ? (FINISH[name] ?? 'stop') : 'stop');
  }

  private usage(usage: Fields | undefined): void {
    if (usage !== undefined) {
      const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage;
      this.known.count('input', input);
      this.known.count('output', output ?? (typeof total === 'number' && typeof input === 'number' ? total - input : undefined));
      this.known.count('cached', fields(usage['prompt_tokens_details'])?.['cached_tokens'] ?? usage['prompt_cache_hit_tokens']);
    }
  }

  private call(call: Fields): RemotePart[] {
    const id = word(call['id']);
    const key = call['index'] ?? id ?? this.last;
    this.last = key;
    let known = this.calls.get(key);
    const first = known === undefined || (id !== undefined && known.id !== undefined && id !== known.id);
    if (known === undefined || first) {
      known = { index: this.known.calls, id, named: false, empty: true };
      this.calls.set(key, known);
      this.made.push(known);
    }
    const made = fields(call['function']) ?? {};
    const name = known.named ? undefined : word(made['name']);
    known.named ||= name !== undefined;
    known.id ??= id;
    const given = made['arguments'];
    const text = typeof given === 'string' ? given : fields(given) === undefined ? '' : JSON.stringify(given);
    known.empty &&= text.trim() === '';
    return this.known.call({ index: known.index, ...(first && id !== undefined ? { id } : {}), ...(name === undefined ? {} : { name }), arguments: text });
  }
}
