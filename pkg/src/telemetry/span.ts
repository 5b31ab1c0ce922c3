// One answer as a span, with the names of OpenTelemetry's GenAI conventions; what they do not name begins with `kinglet.`.

import { attributes, LONGEST_CONTENT, nanoseconds, randomId, wellFormed, type Given, type KeyValue } from './values.js';
import type { AnswerReport } from './types.js';

/** A span of OTLP's JSON. */
export interface Span {
  traceId: string;
  spanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  status: { code?: number; message?: string };
}

/** Of OTLP's `SpanKind` and `StatusCode`. */
const KIND = { internal: 1, client: 3 };
const STATUS_ERROR = 2;

/** Attributes that spans and metrics share. */
export function shared({ operation, model, remote, error, source }: AnswerReport): Record<string, Given> {
  const [provider, server] = providerOf(remote?.provider);
  const port = /:(\d+)$/.exec(server ?? '')?.[1];
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': remote?.model ?? model,
    'gen_ai.response.model': remote === undefined || source === 'local' ? model : remote.response_model,
    'server.address': server?.replace(/:\d+$/, ''),
    'server.port': port === undefined ? undefined : Number(port),
    'error.type': error,
  };
}

/** `openai:relay.example` taken apart; what this device says is kinglet's. */
function providerOf(provider: string | undefined): [string, string | undefined] {
  if (provider === undefined) {
    return ['kinglet', undefined];
  }
  const at = provider.indexOf(':');
  return at < 0 ? [provider, undefined] : [provider.slice(0, at), provider.slice(at + 1)];
}

/** The span of an answer. */
export function spanOf(report: AnswerReport, content: boolean): Span {
  const { id, operation, remote, usage, decision, error } = report;
  const facts: Record<string, Given> = {
    ...shared(report),
    'gen_ai.response.id': report.source === 'local' ? id : (remote?.id ?? id),
    'gen_ai.usage.input_tokens': usage?.input,
    'gen_ai.usage.output_tokens': usage?.output,
    'gen_ai.usage.cache_read.input_tokens': usage?.cached,
    'gen_ai.response.finish_reasons': report.finish === undefined ? undefined : [report.finish],
    'kinglet.source': report.source ?? (remote === undefined ? 'local' : 'remote'),
    'kinglet.escalation': report.escalation,
    'kinglet.local.model': report.model,
    'kinglet.remote.name': remote?.name,
    'kinglet.decision.action': decision?.action,
    'kinglet.decision.reason': decision?.reason,
    'kinglet.decision.asked': decision?.asked,
    'kinglet.decision.calibrated': decision?.calibrated,
    'kinglet.cost': report.cost,
    'kinglet.saved': report.saved,
    'kinglet.currency': report.currency,
    'kinglet.attempts': report.attempts,
    'kinglet.segments': report.segments,
  };
  const start = nanoseconds(report.started_ms);
  const end = nanoseconds(Math.max(report.started_ms, report.ended_ms));
  return {
    traceId: randomId(16),
    spanId: randomId(8),
    name: wellFormed(`${operation} ${remote?.model ?? report.model}`),
    kind: remote === undefined ? KIND.internal : KIND.client,
    startTimeUnixNano: start,
    endTimeUnixNano: end,
    attributes: [...attributes(facts), ...(content ? contentOf(report.content) : [])],
    status: error === undefined ? {} : { code: STATUS_ERROR },
  };
}

/** Prompt and answer, each as a text of JSON. */
function contentOf(content: AnswerReport['content']): KeyValue[] {
  return Object.entries({ 'gen_ai.input.messages': content?.input, 'gen_ai.output.messages': content?.output }).flatMap(([key, given]) => {
    const text = given === undefined ? undefined : JSON.stringify(given);
    return text === undefined ? [] : [{ key, value: { stringValue: wellFormed(text, LONGEST_CONTENT) } }];
  });
}
