// Opens what acting needs, of parts that are had in one of two ways.

import type { Ledger } from '../ledger/index.js';
import type { BudgetOptions } from '../ledger/types.js';
import type { LedgerOptions } from '../ledger/ledger.js';
import type * as offline from '../offline/index.js';
import { Consents, EgressLog, Redactor } from '../privacy/index.js';
import { RemoteModel } from '../remote/index.js';
import type { RemoteEndpoint } from '../remote/types.js';
import type * as telemetry from '../telemetry/index.js';
import { Acting, type Others } from './acting.js';
import type * as digest from './digest.js';
import type { ActOptions } from './options.js';
import type { Known } from './sender.js';

/** How the parts are had: fetched with their first use, or there from the beginning. */
export interface Parts {
  openLedger(options?: BudgetOptions, given?: LedgerOptions): Promise<Ledger>;
  offline(): Promise<typeof offline>;
  telemetry(): Promise<typeof telemetry>;
  digest(): Promise<typeof digest>;
}

/** Everything that acting needs. */
export async function openWith(parts: Parts, options: ActOptions): Promise<Acting> {
  const { endpoints, privacy, budget, wasm } = options;
  // Only who sends has what lets one in: what is kept beside it may be printed.
  const remotes = new Map<string, Known>(endpoints.map((endpoint) => [endpoint.name, { model: new RemoteModel(endpoint), endpoint: keyless(endpoint) }]));
  const store = budget.store ?? 'auto';
  const { entities, dictionary } = privacy;
  const redactor = new Redactor({ ...(entities ? { entities } : {}), ...(dictionary ? { dictionary } : {}) });
  const means = { remotes, redactor, consents: new Consents(privacy.onConsent), ledger: await parts.openLedger(budget, { wasm }), log: await EgressLog.open({ store }) };
  const others: Others = { reading: () => parts.digest() };
  if (options.telemetry !== undefined) {
    const { Telemetry } = await parts.telemetry();
    others.telemetry = new Telemetry(options.telemetry);
  }
  if (options.offline !== undefined) {
    const { Queue } = await parts.offline();
    others.queue = await Queue.open({ ...options.offline, redactor });
  }
  return new Acting(means, { ...options, endpoints: endpoints.map(keyless) }, others);
}

function keyless({ apiKey: _, getToken: __, headers: ___, ...endpoint }: RemoteEndpoint): RemoteEndpoint {
  return endpoint;
}
