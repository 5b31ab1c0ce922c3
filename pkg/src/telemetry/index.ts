// Traces and metrics as OTLP/HTTP JSON, to a collector that the app names. Fetched only where the option asks for it.

import { Metrics } from './metrics.js';
import { checkTelemetry, type Checked } from './options.js';
import { send, type Fetch, type Way } from './send.js';
import { spanOf, type Span } from './span.js';
import { attributes } from './values.js';
import type { AnswerReport, TelemetryOptions, TelemetryStats } from './types.js';

export { checkTelemetry } from './options.js';
export type { AnswerReport, TelemetryOptions, TelemetryStats } from './types.js';

/** Spans in one request: with their attributes about 100 KB. */
const BATCH = 100;
/** Of a scope, beside its name. */
const SCOPE = { name: 'kinglet' };

/** Tells a collector of answers. Nothing that happens to it reaches the app. */
export class Telemetry {
  readonly #options: Checked;
  readonly #fetch: Fetch;
  readonly #metrics = new Metrics(Date.now());
  readonly #ends = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #queue: Span[] = [];
  #sent = 0;
  #dropped = 0;
  #flushing: Promise<void> | undefined;
  #closed = false;

  /** @throws KingletError `invalid_request` that names an option. */
  constructor(options: TelemetryOptions, { fetch: own }: { fetch?: Fetch } = {}) {
    this.#options = checkTelemetry(options);
    this.#fetch = own ?? ((url, init) => fetch(url, init));
    this.#timer = setInterval(() => void (this.#flushing ?? this.flush()), this.#options.intervalMs);
    // In Node a timer alone would keep the process.
    (this.#timer as { unref?: () => void }).unref?.();
    globalThis.document?.addEventListener('visibilitychange', this.#hidden);
  }

  /** Takes a report; what it holds is copied at once. */
  answered(report: AnswerReport): void {
    if (this.#closed) {
      return;
    }
    try {
      const span = spanOf(report, this.#options.content);
      this.#metrics.add(report);
      this.#queue.push(span);
    } catch {
      this.#dropped += 1; // what cannot be told, as a content that contains itself
      return;
    }
    const over = this.#queue.length - this.#options.most;
    if (over > 0) {
      this.#queue.splice(0, over);
      this.#dropped += over;
    }
  }

  get stats(): TelemetryStats {
    return { sent: this.#sent, dropped: this.#dropped, queued: this.#queue.length };
  }

  /** Sends what is there; resolves when it was taken, or given up. It never rejects. */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined) {
      await this.#flushing;
    }
    this.#flushing = this.#send({ fetch: this.#fetch, headers: this.#options.headers, signal: this.#ends.signal, last: false });
    await this.#flushing;
  }

  /** Sends what is there once more, and ends. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearInterval(this.#timer);
    globalThis.document?.removeEventListener('visibilitychange', this.#hidden);
    this.#ends.abort(); // what is being tried again
    await this.#flushing;
    await this.#last();
  }

  /** A page that is hidden may not come back. */
  readonly #hidden = () => {
    if (document.visibilityState === 'hidden') {
      void this.#last();
    }
  };

  #last(): Promise<void> {
    return this.#send({ fetch: this.#fetch, headers: this.#options.headers, signal: this.#ends.signal, last: true });
  }

  async #send(way: Way): Promise<void> {
    const { traces, metrics, service } = this.#options;
    const resource = { attributes: attributes({ 'service.name': service, 'telemetry.sdk.name': 'kinglet', 'telemetry.sdk.language': 'webjs' }) };
    try {
      const sums = this.#metrics.take(Date.now());
      const counts = sums.length === 0 ? undefined : send(metrics, { resourceMetrics: [{ resource, scopeMetrics: [{ scope: SCOPE, metrics: sums }] }] }, way);
      while (this.#queue.length > 0) {
        const spans = this.#queue.splice(0, BATCH);
        const missing = Math.min(spans.length, await send(traces, { resourceSpans: [{ resource, scopeSpans: [{ scope: SCOPE, spans }] }] }, way));
        this.#dropped += missing;
        this.#sent += spans.length - missing;
      }
      await counts;
    } catch {
      // nothing of it reaches the app
    } finally {
      if (!way.last) {
        this.#flushing = undefined;
      }
    }
  }
}
