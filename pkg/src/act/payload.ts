// What would be sent: a request without what is meant for the small model, and the labels of everything in it.

import { kind, object } from '../check.js';
import { CONSENT, labelOf, oneOf, REDACT, type Label } from '../label.js';
import { invalid, refuseOthers } from '../params.js';
import type { Payload } from '../remote/types.js';
import type { ChatMessage, MessageOwn } from '../types.js';

/** A request, taken apart. */
export interface Split {
  /** For the engine: without labels, and without messages for the remote model alone. */
  local: Record<string, unknown>;
  /** Undefined: what is asked for cannot be asked of a remote model. */
  payload: Omit<Payload, 'max_tokens'> | undefined;
  labels: Label[];
  /** The strictest of all messages, those for the model here among them. */
  all: Label;
  /** Which messages of the payload are documents. */
  documents: number[];
}

/** Of a chat's parameters, what a remote model is told. */
const SENT = ['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'temperature', 'top_p', 'stop'] as const;
const ONLY = ['local', 'remote'];
/** What is sent of a part of a content. */
const PART = ['type', 'text', 'refusal'];
const KNOWN_PARTS: readonly unknown[] = ['text', 'refusal'];

/** @throws KingletError `invalid_request` that names a label that is none. */
export function split(request: Record<string, unknown>): Split {
  const { messages } = request;
  if (!Array.isArray(messages)) {
    return { local: request, payload: undefined, labels: [], all: {}, documents: [] }; // the engine says what is wrong
  }
  const read = messages.map((message: unknown, i) => part(message, i));
  const sent = read.filter(({ own }) => own.only !== 'local');
  const local = read.filter(({ own }) => own.only !== 'remote').map(({ message }) => message);
  const given = Object.fromEntries(SENT.filter((name) => request[name] !== undefined && request[name] !== null).map((name) => [name, request[name]]));
  return {
    local: { ...request, messages: local },
    payload: answerable(request) && sent.length > 0 ? { ...given, messages: sent.map(({ message }) => message as ChatMessage) } : undefined,
    documents: [...sent.keys()].filter((i) => sent[i]?.own.document === true),
    // Tools, a schema and what ends the answer have no label of their own, so they have the default.
    labels: [...sent.flatMap(({ labels }) => labels), ...(['tools', 'response_format', 'stop'].some((name) => name in given) ? [{}] : [])],
    all: strictest(read.flatMap(({ labels }) => labels)),
  };
}

/** What holds for a text that may have been made of all of these. */
function strictest(labels: readonly Label[]): Label {
  const consent = CONSENT.findLast((one) => labels.some((label) => label.consent === one));
  const redact = REDACT.findLast((one) => labels.some((label) => label.redact === one));
  return { ...(consent === undefined ? {} : { consent }), ...(redact === undefined ? {} : { redact }) };
}

/** One answer in words, JSON or calls: a grammar of the engine's own is enforced nowhere else, and several answers are compared here. */
function answerable({ n, max_tokens, max_completion_tokens, kinglet }: Record<string, unknown>): boolean {
  const { regex, lark } = (kinglet ?? {}) as { regex?: unknown; lark?: unknown };
  return (max_completion_tokens ?? max_tokens) !== 0 && (n ?? 1) === 1 && (regex ?? null) === null && (lark ?? null) === null;
}

/** A message, what is said of it, and the labels of it and of its parts. */
function part(given: unknown, i: number): { message: unknown; own: MessageOwn; labels: Label[] } {
  const { message, labels } = parted(given, i);
  const { kinglet } = (message ?? {}) as ChatMessage;
  if (kinglet === undefined || kinglet === null) {
    return { message, own: {}, labels: [{}, ...labels] };
  }
  const at = `messages[${i}].kinglet`;
  const { only, document, ...label } = object<MessageOwn>(at, kinglet);
  const read = checked(at, label, 'only, consent, redact or document');
  if (document !== undefined && typeof document !== 'boolean') {
    throw invalid(`${at}.document`, 'true or false', kind(document));
  }
  oneOf(`${at}.only`, ONLY, only);
  const { kinglet: _, ...plain } = message as ChatMessage;
  return { message: plain, own: kinglet, labels: [read, ...labels] };
}

/** A message whose parts have nothing but what is sent of them, and the labels of those that have one. */
function parted(message: unknown, i: number): { message: unknown; labels: Label[] } {
  const { content } = (message ?? {}) as { content?: unknown };
  const labels: Label[] = [];
  if (!Array.isArray(content)) {
    return { message, labels };
  }
  const parts = content.map((one: unknown, j) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) {
      return one; // the engine, or the check of what is sent, says what is wrong
    }
    const { kinglet, ...plain } = one as Record<string, unknown>;
    const at = `messages[${i}].content[${j}]`;
    if (kinglet !== undefined && kinglet !== null) {
      labels.push(checked(`${at}.kinglet`, object(`${at}.kinglet`, kinglet), 'consent or redact'));
    }
    return KNOWN_PARTS.includes(plain['type']) ? Object.fromEntries(PART.filter((name) => plain[name] !== undefined).map((name) => [name, plain[name]])) : plain;
  });
  return { message: { ...(message as ChatMessage), content: parts }, labels };
}

/** A label that is one. */
function checked(at: string, given: object, known: string): Label {
  const { consent, redact, ...others } = given as { consent?: unknown; redact?: unknown };
  refuseOthers(at, others, () => known);
  return labelOf(at, { consent, redact });
}
