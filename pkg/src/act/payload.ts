// What would be sent: a request without what is meant for the small model, and the labels of everything in it.

import { kind, object } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import type { Facts } from '../route/types.js';
import type { Payload } from '../remote/types.js';
import type { ChatMessage, MessageOwn } from '../types.js';

/** A label of something in the payload. */
export type Label = NonNullable<Facts['payload']>[number];

/** A request, taken apart. */
export interface Split {
  /** For the engine: without labels, and without messages for the remote model alone. */
  local: Record<string, unknown>;
  /** Undefined: what is asked for cannot be asked of a remote model. */
  payload: Omit<Payload, 'max_tokens'> | undefined;
  labels: Label[];
  /** Which messages of the payload are documents. */
  documents: number[];
}

/** Of a chat's parameters, what a remote model is told. */
const SENT = ['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'temperature', 'top_p', 'stop'] as const;
const CONSENT = ['free', 'ask', 'never'];
const REDACT = ['no', 'yes'];
const ONLY = ['local', 'remote'];

/** @throws KingletError `invalid_request` that names a label that is none. */
export function split(request: Record<string, unknown>): Split {
  const { messages } = request;
  if (!Array.isArray(messages)) {
    return { local: request, payload: undefined, labels: [], documents: [] }; // the engine says what is wrong
  }
  const read = messages.map((message: unknown, i) => part(message, i));
  const sent = read.filter(({ own }) => own.only !== 'local');
  const local = read.filter(({ own }) => own.only !== 'remote').map(({ message }) => message);
  const given = Object.fromEntries(SENT.filter((name) => request[name] !== undefined && request[name] !== null).map((name) => [name, request[name]]));
  return {
    local: { ...request, messages: local },
    payload: answerable(request) && sent.length > 0 ? { ...given, messages: sent.map(({ message }) => message as ChatMessage) } : undefined,
    documents: [...sent.keys()].filter((i) => sent[i]?.own.document === true),
    labels: sent.map(({ own: { consent, redact } }) => ({ ...(consent === undefined ? {} : { consent }), ...(redact === undefined ? {} : { redact }) })),
  };
}

/** One answer in words, JSON or calls: a grammar of the engine's own is enforced nowhere else, and several answers are compared here. */
function answerable({ n, kinglet }: Record<string, unknown>): boolean {
  const { regex, lark } = (kinglet ?? {}) as { regex?: unknown; lark?: unknown };
  return (n ?? 1) === 1 && (regex ?? null) === null && (lark ?? null) === null;
}

/** A message, and what is said of it. */
function part(message: unknown, i: number): { message: unknown; own: MessageOwn } {
  const { kinglet } = (message ?? {}) as ChatMessage;
  if (kinglet === undefined || kinglet === null) {
    return { message, own: {} };
  }
  const at = `messages[${i}].kinglet`;
  const { only, consent, redact, document, ...others } = object<MessageOwn>(at, kinglet);
  refuseOthers(at, others, () => 'only, consent, redact or document');
  if (document !== undefined && typeof document !== 'boolean') {
    throw invalid(`${at}.document`, 'true or false', kind(document));
  }
  oneOf(`${at}.only`, ONLY, only);
  oneOf(`${at}.consent`, CONSENT, consent);
  oneOf(`${at}.redact`, REDACT, redact);
  const { kinglet: _, ...plain } = message as ChatMessage;
  return { message: plain, own: kinglet };
}

function oneOf(at: string, known: readonly string[], value: unknown): void {
  if (value !== undefined && !known.includes(value as string)) {
    throw invalid(at, known.join(', '), String(value));
  }
}
