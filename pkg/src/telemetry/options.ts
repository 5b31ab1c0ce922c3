// Option `telemetry`, checked.

import { kind, number } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import { addressOf } from '../remote/address.js';
import { checkHeaders } from '../remote/headers.js';
import type { TelemetryOptions } from './types.js';

const DEFAULTS = { service: 'kinglet', content: false, intervalMs: 10_000, most: 1_000 };
/** Characters of a service's name. */
const LONGEST = 200;
const DAY_MS = 86_400_000;

/** With defaults, and both addresses. */
export interface Checked {
  traces: URL;
  metrics: URL;
  headers: Readonly<Record<string, string>>;
  service: string;
  content: boolean;
  intervalMs: number;
  most: number;
}

/** @throws KingletError `invalid_request` that names the option. */
export function checkTelemetry(value: unknown): Checked {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('telemetry', 'an object', kind(value));
  }
  const { endpoint, headers, service, content, intervalMs, most, ...others } = value as Record<keyof TelemetryOptions, unknown>;
  refuseOthers('telemetry', others, () => 'endpoint, headers, service, content, intervalMs, most');
  checkHeaders('telemetry.headers', headers);
  if (service !== undefined && (typeof service !== 'string' || service === '' || service.length > LONGEST)) {
    throw invalid('telemetry.service', `a name of 1 to ${LONGEST} characters`, typeof service === 'string' ? `${service.length} characters` : kind(service));
  }
  if (content !== undefined && typeof content !== 'boolean') {
    throw invalid('telemetry.content', 'true or false', kind(content));
  }
  return {
    traces: addressOf('telemetry.endpoint', endpoint, '/v1/traces'),
    metrics: addressOf('telemetry.endpoint', endpoint, '/v1/metrics'),
    headers: { ...(headers as Record<string, string> | undefined) },
    service: service ?? DEFAULTS.service,
    content: content ?? DEFAULTS.content,
    intervalMs: whole('telemetry.intervalMs', intervalMs, 100, DAY_MS) ?? DEFAULTS.intervalMs,
    most: whole('telemetry.most', most, 1, 100_000) ?? DEFAULTS.most,
  };
}

function whole(at: string, value: unknown, least: number, most: number): number | undefined {
  const found = number(at, value, least, most);
  if (found !== undefined && !Number.isInteger(found)) {
    throw invalid(at, 'a whole number', found);
  }
  return found;
}
