// What a collector is told of an answer, and how it is reached.

import type { RemoteUsage } from '../remote/types.js';
import type { Decision } from '../route/types.js';

/** Option `telemetry` of `createKinglet`. Without it nothing is sent. */
export interface TelemetryOptions {
  /** The base of an OTLP/HTTP receiver, as `https://otel.example` or `/otel`: `/v1/traces` and `/v1/metrics` follow. */
  endpoint: string | URL;
  /** Sent with every request. Names that carry keys are refused. */
  headers?: Readonly<Record<string, string>>;
  /** `service.name`. Default `kinglet`. */
  service?: string;
  /** Prompts and answers, too. Default false. */
  content?: boolean;
  /** Milliseconds between two batches. Default 10,000. */
  intervalMs?: number;
  /** Answers that are kept until they are sent; beyond it the oldest is dropped, and counted. Default 1,000. */
  most?: number;
}

/** An answer, as it is told. */
export interface AnswerReport {
  /** Of the answer. */
  id: string;
  /** `chat`, `text_completion`, `embeddings`, or a task's: `classify`. */
  operation: string;
  /** Milliseconds since 1970. */
  started_ms: number;
  ended_ms: number;
  /** Of this device. */
  model: string;
  /** Whose answer stands; without it that of {@link remote}, where there is one. */
  source?: 'local' | 'remote';
  /** What came of asking a remote model. */
  escalation?: string;
  /** The remote model, if its answer stands or it failed. `model`: which was asked for. */
  remote?: {
    name: string;
    /** `openai:relay.example`: protocol and host. */
    provider: string;
    model: string;
    /** Which model really answered, by what the service says. */
    response_model?: string;
    /** The service's id of its answer. */
    id?: string;
  };
  usage?: RemoteUsage;
  decision?: Pick<Decision, 'reason' | 'asked' | 'action' | 'calibrated'>;
  /** Micro-units of `currency`. */
  cost?: number;
  /** What the first remote model would have cost, less `cost`: micro-units. */
  saved?: number;
  currency?: string;
  /** Code of the error that ended it. */
  error?: string;
  finish?: string;
  /** Of the remote model. */
  attempts?: number;
  /** Parts of the text that came from different models. */
  segments?: number;
  /** Sent only with `content: true`. */
  content?: { input?: unknown; output?: unknown };
}

/** What became of what was told. */
export interface TelemetryStats {
  /** Answers that a collector took. */
  sent: number;
  /** Answers that did not fit the queue, or that no collector took. */
  dropped: number;
  queued: number;
}
