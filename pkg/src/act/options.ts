// The options of acting, checked: by the parts that know each.

import { checkBudget } from '../ledger/index.js';
import type { BudgetOptions } from '../ledger/types.js';
import { invalid } from '../params.js';
import { checkPrivacy } from '../privacy/index.js';
import type { PrivacyOptions } from '../privacy/types.js';
import { checkEndpoints, policyPart } from '../remote/index.js';
import type { RemoteEndpoint } from '../remote/types.js';
import type { Remote } from '../route/types.js';
import type { Handover } from './parts.js';
import type { EscalationOptions, KingletOptions } from '../types.js';

/** Pieces of an answer that are held back before it is shown provisionally. */
const PROBATION = 16;

/** What acting goes by. */
export interface ActOptions {
  endpoints: readonly RemoteEndpoint[];
  privacy: PrivacyOptions;
  budget: BudgetOptions;
  handover: Handover;
  probation: number;
}

/** The same, and what is left for the policy. */
export interface Checked {
  acting: ActOptions;
  remotes: Remote[];
  escalation: KingletOptions['escalation'];
  privacy: KingletOptions['privacy'];
}

/** @throws KingletError `invalid_request` that names a wrong option. */
export function checkActing({ remote = [], escalation, privacy, budget }: KingletOptions): Checked {
  const remotes = checkEndpoints(remote);
  const { handover = 'replace', probation = PROBATION, ...rest } = (escalation ?? {}) as EscalationOptions;
  if (handover !== 'hold' && handover !== 'replace') {
    throw invalid('escalation.handover', '"hold" or "replace"', handover);
  }
  if (!Number.isInteger(probation) || probation < 0) {
    throw invalid('escalation.probation', 'a whole number of at least 0', probation);
  }
  const known = checkPrivacy(privacy ?? {});
  const { consent, redact } = known;
  return {
    acting: {
      endpoints: remotes.filter((one): one is RemoteEndpoint => 'baseURL' in one),
      privacy: known,
      budget: checkBudget(budget ?? {}),
      handover,
      probation,
    },
    remotes: remotes.map(policyPart),
    escalation: escalation === undefined ? undefined : rest,
    privacy: privacy === undefined ? undefined : { ...(consent === undefined ? {} : { consent }), ...(redact === undefined ? {} : { redact }) },
  };
}
