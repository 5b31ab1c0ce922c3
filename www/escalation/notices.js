// What the engine tells of itself that a person should know: alarms of drift, answers that came later, requests that were given up.

import { Observable } from '../lib/observable.js';
import { toast } from '../lib/toast.js';
import { section } from '../services/settings.js';

/** Alarms that nobody has seen to yet, kept over reloads: `[{kind, action, message, at}]`, one of each kind. */
export const alarms = section('drift', { open: [] }, ({ open }) => ({ open: Array.isArray(open) ? open.filter(({ kind }) => typeof kind === 'string') : [] }));

/** Counts what happened to the queue, so that whoever shows it looks again. */
export const queueChanged = new Observable(0);

const QUEUE = {
  queue_interrupted: 'A tab ended while it sent a question that had waited. Whether it arrived is not known: see the queue in the dashboard.',
  queue_expired: 'A question has waited too long for a connection, and is not asked any more.',
  queue_full: 'There is no room for another question that waits for a connection.',
  queue_dropped: 'A question that had waited for a connection is not asked any more, or its answer was of no use.',
};

/** `onNotice` of createKinglet. */
export function heard(notice) {
  const { code, message, detail } = notice;
  if (code === 'upgraded') void upgrade(detail);
  else if (code === 'drift') drifted(message, detail);
  else if (code === 'profile_mismatch') toast(`The calibration was made with another ${detail.field}: the rule for the first days decides instead.`);
  else if (code in QUEUE) toast(QUEUE[code], code === 'queue_interrupted' ? { stays: true } : {});
  if (code === 'upgraded' || code in QUEUE) queueChanged.value += 1;
}

function drifted(message, { kind, action }) {
  alarms.patch({ open: [...alarms.value.open.filter((one) => one.kind !== kind), { kind, action, message, at: Date.now() }] });
  toast(`Your questions are no longer like those the calibration was made with: ${message}`);
}

/** An answer that had waited for a connection takes the first one's place in its conversation. */
async function upgrade({ id, content, usage, provenance, decision, cost, currency, placeholders }) {
  const warnings = placeholders ? [{ code: 'placeholders', message: 'the page was loaded again meanwhile' }] : [];
  const answer = { id, source: 'remote', escalation: 'answered', provenance, decision, cost, currency, usage, warnings, waited: true };
  const { upgradeAnswer } = await import('../services/conversations.js');
  const there = await upgradeAnswer(id, { content, answer });
  toast(there === false ? 'A bigger model has answered a question that had waited; its conversation is gone.' : 'A bigger model has answered a question that had waited for a connection.');
}
