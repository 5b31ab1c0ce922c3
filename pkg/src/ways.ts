// The ways of the main entry: those of kinglet/local, and what only an entry may have that asks remote models.

import type { Ways } from './hosts.js';
import { LOCAL_WAYS } from './local-ways.js';

/** Everything that the main entry of the package knows. */
export const WAYS: Ways = { ...LOCAL_WAYS, acting: () => import('./act/index.js') };
