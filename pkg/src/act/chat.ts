// A chat, as it can be answered on either side.

import type { Requested } from '../escalation.js';
import type { Pending } from '../pending.js';
import type { Request } from '../facts.js';
import { arrived } from './arrived.js';
import type { Lasting } from '../lasting.js';
import type { Shown } from '../shape.js';
import { pieces } from '../stream.js';
import type { Acting } from './acting.js';
import type { Plan } from './plan.js';
import { checkable, checkAnswer } from './validate.js';

/** One that is decided on. */
export type Chat = Requested & { pending: Pending };

/** How it is answered. */
export function planOf(acting: Acting, link: Lasting, chat: Chat, request: Request, signal: AbortSignal | undefined, streams: boolean): Plan {
  const { handover, probation, longDocuments } = acting.options;
  const { asked, pending, payload, documents = [], tokens, heard, known, purse = {} } = chat;
  const { abort: _, ...own } = (asked['kinglet'] ?? {}) as Record<string, unknown>;
  const given = (request['kinglet'] as { abort?: unknown } | null | undefined)?.abort ?? undefined;
  const formed = isFormed(request);
  return {
    pending,
    local: (rule, whole) => {
      if (known !== undefined) {
        return once(known);
      }
      // What nobody else can be asked is not given up.
      const abort = whole ? undefined : (given ?? (payload === undefined ? undefined : rule));
      return pieces(link, 'chat', { ...asked, kinglet: { ...own, ...(abort === undefined ? {} : { abort }) } }, signal);
    },
    arrived: () => arrived(link, signal),
    operation: 'chat',
    input: request['messages'],
    model: () => (link.known ? link.info.model : ''),
    payload,
    tokens: tokens ?? (async () => undefined),
    purse,
    ...(payload === undefined || longDocuments === undefined || documents.length === 0
      ? {}
      : { shorter: async () => ({ ...payload, messages: await (await acting.reading()).shortened(link, payload.messages, documents, longDocuments, signal) }) }),
    handover: formed ? 'hold' : handover,
    streams,
    probation,
    ...(heard === undefined ? {} : { heard }),
    checkable: () => checkable(request),
    check: (remote, answer) => checkAnswer(remote, request, answer),
  };
}

/** An answer that is here. */
async function* once(text: string): AsyncGenerator<Shown, void, void> {
  yield { text, finish_reason: 'stop', usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } };
}

/** Half of a JSON text, or of a call, is of no use to anybody. */
function isFormed({ response_format, tools }: Request): boolean {
  const format = (response_format as { type?: unknown } | null | undefined)?.type ?? 'text';
  return format !== 'text' || (Array.isArray(tools) && tools.length > 0);
}
