// What a collector is told of prompts and answers: it is a recipient like any other, and nobody asks the user for it.

import { labelsOf } from '../feedback/leave.js';
import type { Payload } from '../remote/types.js';
import type { Trace } from '../route/types.js';
import type { AnswerReport } from '../telemetry/types.js';
import type { ChatMessage } from '../types.js';
import type { Sender } from './sender.js';

/** Undefined where a label says anything but that it may leave; redacted where one says so. */
export function contentOf(sender: Pick<Sender, 'redact'>, trace: Trace, content: NonNullable<AnswerReport['content']>): AnswerReport['content'] {
  const { needs_consent, needs_redaction } = labelsOf(trace);
  // Those, too, that are for the model here alone.
  const labels = Array.isArray(content.input) ? (content.input as (Partial<ChatMessage> | null)[]).map((message) => message?.kinglet ?? {}) : [];
  if (needs_consent || labels.some(({ consent }) => (consent ?? 'free') !== 'free')) {
    return undefined;
  }
  if (!needs_redaction && !labels.some(({ redact }) => redact === 'yes')) {
    return content;
  }
  try {
    return sender.redact(content as unknown as Payload).payload as NonNullable<AnswerReport['content']>;
  } catch {
    return undefined; // what cannot be searched does not leave
  }
}
