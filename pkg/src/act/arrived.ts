// A model that was on its way is there.

import type { Lasting } from '../lasting.js';
import type { Facts } from '../route/types.js';

/** Waits for it; what a decision is told then. */
export async function arrived(link: Lasting, signal: AbortSignal | undefined): Promise<Facts> {
  await link.live(signal);
  return { local: 'ready', context: link.info.context };
}
