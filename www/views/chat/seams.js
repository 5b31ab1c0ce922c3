// What other parts of the page show in a conversation changes with these.

import * as documents from '../../documents/ask.js';

export const sources = documents.sources ?? [];
