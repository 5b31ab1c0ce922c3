// What answers add up to between two batches: histograms of tokens and seconds, sums of money. Each batch holds what is new in it
// (delta), so that nothing has to say which page it came from.

import { shared } from './span.js';
import { attributes, nanoseconds, type Given, type KeyValue } from './values.js';
import type { AnswerReport } from './types.js';

/** Upper bounds of the buckets, as the conventions have them. */
const TOKENS = Array.from({ length: 14 }, (_, i) => 4 ** i);
const SECONDS = Array.from({ length: 14 }, (_, i) => 0.01 * 2 ** i).map((bound) => Number(bound.toPrecision(4)));
/** Different sets of attributes in a batch; the rest is one together. */
const MOST = 200;
const DELTA = 1;

interface Instrument {
  name: string;
  unit: string;
  description: string;
  /** Without: a sum of whole numbers. */
  bounds?: readonly number[];
}

const INSTRUMENTS = {
  tokens: { name: 'gen_ai.client.token.usage', unit: '{token}', description: 'Tokens of prompts and answers', bounds: TOKENS },
  seconds: { name: 'gen_ai.client.operation.duration', unit: 's', description: 'How long answers took', bounds: SECONDS },
  cost: { name: 'kinglet.client.cost', unit: '{microunit}', description: 'What remote answers cost, in millionths of the currency' },
  saved: { name: 'kinglet.client.saved', unit: '{microunit}', description: 'What remote answers would have cost, less what was paid' },
} satisfies Record<string, Instrument>;

interface Point {
  attributes: KeyValue[];
  count: number;
  sum: number;
  min: number;
  max: number;
  buckets: number[];
}

/** Adds up what is told, until it is taken. */
export class Metrics {
  #since: number;
  #points = new Map<keyof typeof INSTRUMENTS, Map<string, Point>>();

  constructor(now: number) {
    this.#since = now;
  }

  add(report: AnswerReport): void {
    const of = shared(report);
    const { usage, decision, currency } = report;
    this.#record('tokens', { ...of, 'gen_ai.token.type': 'input' }, usage?.input);
    this.#record('tokens', { ...of, 'gen_ai.token.type': 'output' }, usage?.output);
    const why = { 'kinglet.decision.action': decision?.action, 'kinglet.decision.reason': decision?.reason };
    this.#record('seconds', { ...of, ...why }, Math.max(0, report.ended_ms - report.started_ms) / 1000);
    const money = { 'gen_ai.operation.name': of['gen_ai.operation.name'], 'gen_ai.request.model': of['gen_ai.request.model'], 'kinglet.currency': currency };
    this.#record('cost', money, report.cost);
    this.#record('saved', money, report.saved);
  }

  #record(name: keyof typeof INSTRUMENTS, given: Record<string, Given>, value: number | undefined): void {
    const instrument: Instrument = INSTRUMENTS[name];
    if (value === undefined || !Number.isFinite(value) || (value < 0 && instrument.bounds !== undefined)) {
      return;
    }
    const points = this.#points.get(name) ?? new Map<string, Point>();
    this.#points.set(name, points);
    const own = attributes(given);
    const key = JSON.stringify(own);
    const known = points.has(key) || points.size < MOST;
    const at = known ? key : '';
    const bounds = instrument.bounds ?? [];
    const point = points.get(at) ?? { attributes: known ? own : attributes({ 'otel.metric.overflow': true }), count: 0, sum: 0, min: value, max: value, buckets: Array.from({ length: bounds.length + 1 }, () => 0) };
    points.set(at, point);
    point.count += 1;
    point.sum += value;
    point.min = Math.min(point.min, value);
    point.max = Math.max(point.max, value);
    const above = bounds.findIndex((bound) => value <= bound);
    const bucket = above < 0 ? bounds.length : above;
    point.buckets[bucket] = (point.buckets[bucket] ?? 0) + 1;
  }

  /** What was added since it was taken last, as OTLP's JSON; empty if nothing was. */
  take(now: number): object[] {
    const times = { startTimeUnixNano: nanoseconds(this.#since), timeUnixNano: nanoseconds(Math.max(this.#since, now)) };
    const taken = [...this.#points].map(([name, points]) => metricOf(INSTRUMENTS[name], [...points.values()], times));
    this.#since = now;
    this.#points = new Map();
    return taken;
  }
}

function metricOf({ name, unit, description, bounds }: Instrument, points: readonly Point[], times: object): object {
  const head = { name, unit, description };
  if (bounds === undefined) {
    // What was saved can be less than nothing.
    const dataPoints = points.map(({ attributes, sum }) => ({ attributes, ...times, asInt: String(Math.round(Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, sum)))) }));
    return { ...head, sum: { dataPoints, aggregationTemporality: DELTA, isMonotonic: false } };
  }
  const dataPoints = points.map(({ attributes, count, sum, min, max, buckets }) => ({
    attributes,
    ...times,
    count: String(count),
    sum,
    min,
    max,
    bucketCounts: buckets.map(String),
    explicitBounds: bounds,
  }));
  return { ...head, histogram: { dataPoints, aggregationTemporality: DELTA } };
}
