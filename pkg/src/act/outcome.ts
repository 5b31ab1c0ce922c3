// What came of asking a remote model, in the words of decisions and of OpenAI.

import type { KingletError } from '../errors.js';
import type { Pending } from '../pending.js';
import type { RemoteUsage } from '../remote/types.js';
import type { Outcome, Trace } from '../route/types.js';
import type { ToolCallDelta, Usage } from '../types.js';

/** Whether a budget of our own has refused it; then that is known from now on. */
export function refused(pending: Pending, { code, detail }: KingletError): boolean {
  if (detail?.['by'] !== 'budget') {
    return false;
  }
  const { budget } = pending.step.inputs.facts;
  pending.know({ budget: { ...budget, ...(code === 'rate_limited' ? { requests: 0 } : { remaining: 0 }) } });
  return true;
}

/** What came of asking. */
export function outcomeOf({ code }: KingletError, { decision: { egress } }: Trace): NonNullable<Outcome['remote']> {
  if (code === 'consent_denied' && egress?.needs_consent) {
    return 'consent_denied';
  }
  return code === 'rate_limited' ? 'rate_limited' : 'failed';
}

/** A piece of a call, as OpenAI has it. */
export function delta(part: { index: number; id?: string; name?: string; arguments: string }): ToolCallDelta {
  const { index, id, name, arguments: given } = part;
  const first = name === undefined ? {} : { id: id ?? `call_${index}`, type: 'function' as const };
  return { index, ...first, function: { ...(name === undefined ? {} : { name }), arguments: given } };
}

/** As OpenAI counts it. */
export function usageOf(usage: RemoteUsage | undefined): Usage {
  const { input = 0, output = 0, cached } = usage ?? {};
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output, ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }) };
}
