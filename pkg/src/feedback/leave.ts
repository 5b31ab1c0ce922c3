// Whether a request may be sent to another model for a comparison, and what that needs: by the same gates and labels as
// anything else that leaves (route/src/decide/gates.rs).

import { object } from '../check.js';
import { invalid } from '../params.js';
import type { Consent, Facts, Redact, Trace } from '../route/types.js';

/** What the payload's labels ask of whoever sends it. */
export interface Leave {
  needs_consent: boolean;
  needs_redaction: boolean;
}

interface Label {
  consent?: Consent;
  redact?: Redact;
}

const CONSENTS: readonly Consent[] = ['free', 'ask', 'never'];
const REDACTS: readonly Redact[] = ['no', 'yes'];

/** Of a request that was decided on; undefined: a gate forbids it. */
export function leaveOf(trace: Trace): Leave | undefined {
  return trace.gates.length > 0 ? undefined : labelsOf(trace);
}

/** What the labels of a request ask for, whatever else forbids that it leaves. */
export function labelsOf({ inputs: { policy, facts } }: Trace): Leave {
  const { task = '' } = facts;
  const rule = policy.tasks !== undefined && Object.hasOwn(policy.tasks, task) ? policy.tasks[task] : undefined;
  return needs(facts.payload ?? [], policy.privacy ?? {}, rule ?? {});
}

/**
 * Of one that nothing decides on: what is known of it forbids as a gate would.
 *
 * @throws KingletError `invalid_request` that names a label that is none.
 */
export function leaveWithout(facts: Facts): Leave | undefined {
  const payload = labelsIn(facts.payload);
  const forbidden = facts.answered === 'denied' || facts.online === false || payload.some(({ consent }) => consent === 'never');
  return forbidden ? undefined : needs(payload, {}, {});
}

/** The strictest of all labels on each axis; what has none has the default. */
function needs(payload: readonly Label[], { consent = 'ask', redact = 'no' }: Label, rule: Label): Leave {
  const labels = payload.length > 0 ? payload : [{}];
  return {
    needs_consent: rule.consent === 'ask' || labels.some((label) => (label.consent ?? consent) !== 'free'),
    needs_redaction: rule.redact === 'yes' || labels.some((label) => (label.redact ?? redact) === 'yes'),
  };
}

function labelsIn(payload: unknown): Label[] {
  if (payload === undefined) {
    return [];
  }
  if (!Array.isArray(payload)) {
    throw invalid('facts.payload', 'a list of labels', typeof payload);
  }
  return payload.map((label: unknown, i) => {
    const known = object<Label>(`facts.payload[${i}]`, label as Label);
    oneOf(`facts.payload[${i}].consent`, CONSENTS, known.consent);
    oneOf(`facts.payload[${i}].redact`, REDACTS, known.redact);
    return known;
  });
}

function oneOf(at: string, known: readonly string[], value: string | undefined): void {
  if (value !== undefined && !known.includes(value)) {
    throw invalid(at, known.join(', '), String(value));
  }
}
